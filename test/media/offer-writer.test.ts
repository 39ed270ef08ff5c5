import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtpParameters } from 'mediasoup/types';
import { EXTENSION } from '../../node-image/media/codecs';
import { readDescription } from '../../node-image/media/sdp/offer-reader';
import { type OfferedSlot, writeOffer } from '../../node-image/media/sdp/offer-writer';
import { sectionLines, TRANSPORT } from './support/transport';

const VP8: RtpParameters = {
  mid: '1',
  codecs: [
    {
      mimeType: 'video/VP8',
      payloadType: 96,
      clockRate: 90000,
      parameters: {},
      rtcpFeedback: [{ type: 'nack', parameter: 'pli' }, { type: 'transport-cc' }],
    },
    { mimeType: 'video/rtx', payloadType: 101, clockRate: 90000, parameters: { apt: 96 } },
  ],
  headerExtensions: [{ id: 1, uri: EXTENSION.mid }],
  encodings: [{ ssrc: 1000, rtx: { ssrc: 1001 } }],
  rtcp: { cname: 'PA_a' },
};
const OPUS: RtpParameters = {
  mid: '2',
  codecs: [
    {
      mimeType: 'audio/opus',
      payloadType: 111,
      clockRate: 48000,
      channels: 2,
      parameters: { useinbandfec: 1 },
    },
  ],
  encodings: [{ ssrc: 2000 }],
  rtcp: { cname: 'PA_a' },
};

const camera: OfferedSlot = {
  mid: '1',
  kind: 'video',
  rtpParameters: VP8,
  msid: { stream: 'PA_a|TR_v', track: 'TR_v' },
  stopped: false,
};
const microphone: OfferedSlot = {
  mid: '2',
  kind: 'audio',
  rtpParameters: OPUS,
  msid: { stream: 'PA_a|TR_a', track: 'TR_a' },
  stopped: false,
};

const write = (...slots: OfferedSlot[]): string =>
  writeOffer({ slots, transport: TRANSPORT, version: 7, maxMessageSize: 1000 });

test('the data section comes first, and alone where there are no tracks', () => {
  const offer = readDescription(write());
  assert.deepEqual(
    offer.sections.map(({ mid, kind }) => [mid, kind]),
    [['0', 'application']],
  );
  assert.match(write(), /^a=group:BUNDLE 0\r$/m);
  assert.match(write(), /^o=sluice 1 7 /m);
});

test('a client may be either side of the DTLS handshake', () => {
  assert.equal(write(camera).match(/^a=setup:actpass\r$/gm)?.length, 2);
});

test('candidates stand in the data section only', () => {
  const offer = write(camera, microphone);
  assert.equal(offer.match(/^a=candidate/gm)?.length, 2);
  assert.equal(sectionLines(offer, '0').filter((line) => /^a=candidate/.test(line)).length, 2);
});

test('a track has its codec, its extensions and its name', () => {
  const lines = sectionLines(write(camera, microphone), '1');
  for (const line of [
    'a=sendonly',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 nack pli',
    'a=rtcp-fb:96 transport-cc',
    'a=fmtp:101 apt=96',
    `a=extmap:1 ${EXTENSION.mid}`,
    'a=msid:PA_a|TR_v TR_v',
    'a=ssrc-group:FID 1000 1001',
    'a=ssrc:1001 cname:PA_a',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(sectionLines(write(camera, microphone), '2').includes('a=rtpmap:111 opus/48000/2'));
});

test('a section that has fallen free keeps its codecs, names nothing and stays bundled', () => {
  const offer = write({ ...camera, msid: undefined });
  const lines = sectionLines(offer, '1');
  assert.ok(lines.includes('a=inactive') && lines.includes('a=rtpmap:96 VP8/90000'));
  assert.equal(
    lines.some((line) => /^a=(msid|ssrc)/.test(line)),
    false,
  );
  assert.match(offer, /^a=group:BUNDLE 0 1\r$/m);
});

test('a section that the client refused stays as a place outside the bundle', () => {
  const offer = write({ ...camera, stopped: true }, microphone);
  assert.equal(sectionLines(offer, '1')[0], 'm=video 0 UDP/TLS/RTP/SAVPF 96 101');
  assert.equal(readDescription(offer).sections[1]?.rejected, true);
  assert.match(offer, /^a=group:BUNDLE 0 2\r$/m);
});

test("a stream's name cannot write lines of its own", () => {
  const stream = 'PA_a|cam x\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host';
  const offer = write({ ...camera, msid: { stream, track: 'TR_v' } });
  assert.equal(offer.match(/^a=candidate/gm)?.length, 2);
  assert.equal(offer.includes('10.0.0.1 9'), false);
});
