import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EXTENSION } from '../../node-image/media/codecs';
import {
  acceptedExtensions,
  type SectionAnswer,
  writeAnswer,
} from '../../node-image/media/sdp/answer-writer';
import { type ClientDescription, readDescription } from '../../node-image/media/sdp/offer-reader';
import { description, recorded } from './support/descriptions';
import { sectionLines, TRANSPORT } from './support/transport';

const write = (offer: ClientDescription, answers: readonly SectionAnswer[]): string =>
  writeAnswer({ offer, answers, transport: TRANSPORT, version: 3, maxMessageSize: 1000 });

/** The camera of a recorded offer, as the server would take it. */
function receive(
  offer: ClientDescription,
  mid: string,
  mimeType: string,
  rids?: readonly string[],
): SectionAnswer {
  const section = offer.sections.find((one) => one.mid === mid);
  const codec = section?.codecs.find((one) => one.mimeType === mimeType);
  assert.ok(section && codec);
  return { mode: 'receive', codec, rids: rids ?? section.rids, parameters: {} };
}

const chromium = readDescription(recorded('chromium-offer'));
const taken: SectionAnswer[] = [
  { mode: 'application' },
  receive(chromium, '1', 'video/VP8'),
  receive(chromium, '2', 'audio/opus'),
];

describe('the answer to a publisher', () => {
  const answer = write(chromium, taken);

  test('has the sections of the offer in their order, all bundled', () => {
    assert.deepEqual(answer.match(/^a=mid:.*/gm), ['a=mid:0', 'a=mid:1', 'a=mid:2']);
    assert.match(answer, /^a=group:BUNDLE 0 1 2\r$/m);
    assert.match(answer, /^o=sluice 1 3 IN IP4 127\.0\.0\.1\r$/m);
  });

  test('is of an ICE-lite server that waits for the DTLS handshake', () => {
    assert.match(answer, /^a=ice-lite\r$/m);
    assert.equal(answer.match(/^a=setup:passive/gm)?.length, 3);
    assert.equal(answer.match(/^a=fingerprint:sha-256 (AB:){31}AB\r$/gm)?.length, 3);
  });

  test('says where the server is in the first section only', () => {
    assert.equal(answer.match(/^a=candidate/gm)?.length, 2);
    const first = sectionLines(answer, '0');
    assert.ok(first.includes('a=end-of-candidates'));
    assert.ok(first.some((line) => line.endsWith('7881 typ host tcptype passive')));
  });

  test('takes one codec with its retransmissions, and the three layers', () => {
    const camera = sectionLines(answer, '1');
    assert.equal(camera[0], 'm=video 9 UDP/TLS/RTP/SAVPF 96 97');
    for (const line of ['a=recvonly', 'a=rtpmap:96 VP8/90000', 'a=fmtp:97 apt=96']) {
      assert.ok(camera.includes(line), line);
    }
    assert.ok(camera.includes('a=rid:h recv') && camera.includes('a=simulcast:recv q;h;f'));
  });

  test('takes of the feedback what the worker knows', () => {
    const camera = sectionLines(answer, '1').filter((line) => line.startsWith('a=rtcp-fb'));
    assert.deepEqual(camera, [
      'a=rtcp-fb:96 transport-cc',
      'a=rtcp-fb:96 ccm fir',
      'a=rtcp-fb:96 nack',
      'a=rtcp-fb:96 nack pli',
    ]);
  });

  test('gives no arrival times of sound', () => {
    const offered = chromium.sections[2]?.extensions.map(({ uri }) => uri);
    assert.ok(offered?.some((uri) => uri.includes('transport-wide-cc')));
    const microphone = sectionLines(answer, '2');
    assert.ok(microphone.includes('a=rtpmap:111 opus/48000/2'));
    assert.deepEqual(
      microphone.filter((line) => /transport-(wide-)?cc/.test(line)),
      [],
    );
  });

  test('repeats the parameters offered, with what is asked of the sender over them', () => {
    const microphone = receive(chromium, '2', 'audio/opus');
    assert.ok(microphone.mode === 'receive');
    const asked = { ...microphone, parameters: { usedtx: 1, stereo: 0 } };
    const lines = sectionLines(
      write(chromium, [taken[0], taken[1], asked] as SectionAnswer[]),
      '2',
    );
    assert.ok(lines.includes('a=fmtp:111 minptime=10;useinbandfec=1;stereo=0;usedtx=1'));
  });

  test('gives the data section its port and the largest message', () => {
    const lines = sectionLines(answer, '0');
    assert.ok(lines.includes('a=sctp-port:5000') && lines.includes('a=max-message-size:1000'));
  });
});

describe('a section that is refused', () => {
  const answer = write(chromium, [{ mode: 'rejected' }, ...taken.slice(1)]);

  test('stays in its place at port 0, outside the bundle', () => {
    assert.equal(sectionLines(answer, '0')[0], 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel');
    assert.match(answer, /^a=group:BUNDLE 1 2\r$/m);
  });

  test('leaves the candidates to the first one in use', () => {
    assert.equal(sectionLines(answer, '1').filter((line) => /^a=candidate/.test(line)).length, 2);
  });

  test('is refused too where nothing was decided of it', () => {
    assert.match(sectionLines(write(chromium, []), '2')[0] ?? '', /^m=audio 0 /);
  });
});

describe('a section that carries nothing', () => {
  const offer = readDescription(recorded('rust-offer'));
  const answers = offer.sections.map(
    (section): SectionAnswer =>
      section.kind === 'application'
        ? { mode: 'application' }
        : { mode: 'inactive', codecs: section.codecs.slice(0, 1) },
  );

  test('is inactive, and stays in the bundle', () => {
    const lines = sectionLines(write(offer, answers), '10');
    assert.ok(lines.includes('a=inactive'));
    assert.match(write(offer, answers), /^a=group:BUNDLE 7 8 9 10 11 12 13 14 15\r$/m);
  });

  test('keeps the extensions of layers, which the Rust SDK wants to find there', () => {
    const lines = sectionLines(write(offer, answers), '14');
    for (const uri of [EXTENSION.mid, EXTENSION.rid, EXTENSION.repairedRid]) {
      assert.ok(
        lines.some((line) => line.endsWith(` ${uri}`)),
        uri,
      );
    }
  });
});

describe('the extensions taken', () => {
  const extensionsOf = (name: 'rust-offer' | 'pion-offer', mid: string, answer: SectionAnswer) => {
    const section = readDescription(recorded(name)).sections.find((one) => one.mid === mid);
    assert.ok(section);
    return acceptedExtensions(section, answer).map(({ uri }) => uri);
  };

  test('are never that of the capture time', () => {
    const pion = readDescription(recorded('pion-offer'));
    const uris = extensionsOf('pion-offer', '2', receive(pion, '2', 'video/H264'));
    assert.ok(uris.includes(EXTENSION.rid));
    assert.equal(
      uris.some((uri) => uri.includes('abs-capture-time')),
      false,
    );
  });

  test('are not those of layers where layers are refused', () => {
    const rust = readDescription(recorded('rust-offer'));
    const uris = extensionsOf('rust-offer', '14', receive(rust, '14', 'video/VP8', []));
    assert.equal(uris.includes(EXTENSION.rid) || uris.includes(EXTENSION.repairedRid), false);
    assert.ok(uris.includes(EXTENSION.mid));
  });

  test('are not the dependency descriptor with VP8, whose own header the worker reads', () => {
    const lines = [
      'a=rtpmap:96 VP8/90000',
      'a=rtpmap:45 AV1/90000',
      `a=extmap:7 ${EXTENSION.dependencyDescriptor}`,
      `a=extmap:8 ${EXTENSION.dependencyDescriptor}`,
    ];
    const offer = readDescription(description({ mid: '0', payloads: '96 45', lines }));
    const [section] = offer.sections;
    assert.ok(section);
    const with8 = acceptedExtensions(section, receive(offer, '0', 'video/VP8'));
    const with1 = acceptedExtensions(section, receive(offer, '0', 'video/AV1'));
    assert.deepEqual(with8, []);
    assert.deepEqual(with1, [{ id: 7, uri: EXTENSION.dependencyDescriptor }]);
  });
});
