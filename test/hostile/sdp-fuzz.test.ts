import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sdpTransform from 'sdp-transform';
import { type SectionAnswer, writeAnswer } from '../../node-image/media/sdp/answer-writer';
import {
  type ClientDescription,
  readDescription,
  SdpError,
} from '../../node-image/media/sdp/offer-reader';
import { writeOffer } from '../../node-image/media/sdp/offer-writer';
import type { TransportDescription } from '../../node-image/media/sdp/transport-lines';
import { hostileSdp, hostileText } from './support/hostile-sdp';

const RUNS = { numRuns: 10_000 };

const FINGERPRINT = Array.from({ length: 32 }, () => 'AB').join(':');

const transport: TransportDescription = {
  iceParameters: { usernameFragment: 'ours', password: 'secret', iceLite: true },
  iceCandidates: [
    {
      foundation: 'udpcandidate',
      priority: 1076302079,
      address: '192.0.2.1',
      ip: '192.0.2.1',
      protocol: 'udp',
      port: 50000,
      type: 'host',
    },
  ],
  dtlsParameters: { role: 'auto', fingerprints: [{ algorithm: 'sha-256', value: FINGERPRINT }] },
};

function read(sdp: string): ClientDescription | undefined {
  try {
    return readDescription(sdp);
  } catch (error) {
    assert.ok(error instanceof SdpError, `threw ${String(error)} for ${JSON.stringify(sdp)}`);
    return undefined;
  }
}

/** As the publisher connection answers, in whichever of the ways it could. */
function answersOf(offer: ClientDescription, choice: number): SectionAnswer[] {
  return offer.sections.map((section, i): SectionAnswer => {
    if (section.kind === 'application') return { mode: 'application' };
    const [codec] = section.codecs;
    const way = (choice + i) % 3;
    if (codec === undefined || way === 0) return { mode: 'rejected' };
    return way === 1
      ? { mode: 'inactive', codecs: section.codecs }
      : { mode: 'receive', codec, rids: section.rids, parameters: { usedtx: 1 } };
  });
}

/** Every line that we may write in an answer, so that anything else was smuggled in. */
const ANSWER_LINES = new RegExp(
  [
    '^v=0$|^o=sluice 1 \\d+ IN IP4 127\\.0\\.0\\.1$|^s=-$|^t=0 0$|^c=IN IP4 0\\.0\\.0\\.0$',
    '^m=(audio|video|application) [09] [A-Za-z/]+ [\\w -]+$',
    '^a=(ice-lite|end-of-candidates|extmap-allow-mixed|rtcp-mux|rtcp-rsize|inactive|recvonly)$',
    '^a=group:BUNDLE [\\x21-\\x7e ]+$|^a=msid-semantic: WMS \\*$|^a=mid:[\\x21-\\x7e]{1,32}$',
    `^a=ice-ufrag:ours$|^a=ice-pwd:secret$|^a=fingerprint:sha-256 ${FINGERPRINT}$|^a=setup:passive$`,
    '^a=candidate:udpcandidate 1 udp 1076302079 192\\.0\\.2\\.1 50000 typ host$',
    '^a=sctp-port:5000$|^a=max-message-size:262144$|^a=rtcp:9 IN IP4 0\\.0\\.0\\.0$',
    '^a=extmap:\\d{1,3} [!-~]+$|^a=rtpmap:\\d{1,3} [\\w.-]+/\\d+(/\\d+)?$',
    '^a=rtcp-fb:\\d{1,3} (nack|nack pli|ccm fir|transport-cc)$|^a=fmtp:\\d{1,3} [\\w.,+/=;-]+$',
    '^a=rid:[A-Za-z0-9]{1,16} recv$|^a=simulcast:recv [A-Za-z0-9;]+$',
  ].join('|'),
);

function checkAnswer(offer: ClientDescription, answer: string): void {
  for (const line of answer.trimEnd().split('\r\n')) {
    assert.match(line, ANSWER_LINES);
  }
  const parsed = sdpTransform.parse(answer);
  assert.deepEqual(
    parsed.media.map((media) => [media.type, String(media.mid)]),
    offer.sections.map((section) => [section.kind, section.mid]),
  );
  for (const media of parsed.media) {
    for (const rtp of media.rtp) assert.ok(rtp.payload >= 0 && rtp.payload <= 127);
    for (const ext of media.ext ?? []) assert.ok(ext.value >= 1 && ext.value <= 255);
    assert.ok((media.rids ?? []).length <= 3);
  }
}

test('whatever is read as a description, nothing but an SdpError is thrown', () => {
  fc.assert(
    fc.property(fc.oneof(hostileSdp, fc.string({ unit: 'binary', maxLength: 400 })), (sdp) => {
      read(sdp);
      read(`v=0\r\n${sdp}`);
    }),
    RUNS,
  );
});

test('an answer has the sections of its offer and nothing that the offer smuggled in', () => {
  let answered = 0;
  fc.assert(
    fc.property(hostileSdp, fc.nat(2), (sdp, choice) => {
      const offer = read(sdp);
      if (offer === undefined) return;
      answered += 1;
      const answers = answersOf(offer, choice);
      const answer = writeAnswer({ offer, answers, transport, version: 1, maxMessageSize: 262144 });
      checkAnswer(offer, answer);
      // What we write, we can read.
      assert.equal(read(answer)?.sections.length, offer.sections.length);
    }),
    RUNS,
  );
  assert.ok(answered > RUNS.numRuns / 20, `only ${answered} of the descriptions were readable`);
});

test('names that a publisher chose cannot add a line to what its viewers are offered', () => {
  fc.assert(
    fc.property(hostileText, hostileText, (stream, track) => {
      const offer = writeOffer({
        slots: [
          {
            mid: '1',
            kind: 'audio',
            rtpParameters: {
              codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 }],
              encodings: [{ ssrc: 1234 }],
              rtcp: { cname: 'PA_1' },
            },
            msid: { stream: `PA_1|${stream}`, track: `TR_${track}` },
            stopped: false,
          },
        ],
        transport,
        version: 1,
        maxMessageSize: 262144,
      });
      const parsed = sdpTransform.parse(offer);
      assert.equal(parsed.media.length, 2);
      const lines = offer.split(/\r\n|\r|\n/);
      assert.equal(lines.filter((line) => line.startsWith('a=msid:')).length, 1);
      for (const line of lines.filter((one) => one.includes('msid:'))) {
        assert.match(line, /^a=(ssrc:1234 )?msid:PA_1\|[\x21-\x7e]* TR_[\x21-\x7e]*$/);
      }
    }),
    RUNS,
  );
});

test('a description of 2 MiB is read within a second, whatever it is full of', () => {
  const head = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n';
  const section = `m=video 9 UDP/TLS/RTP/SAVPF ${Array.from({ length: 60_000 }, (_, i) => i).join(' ')}\r\na=mid:0\r\n`;
  const full = (line: (i: number) => string): string => {
    const lines: string[] = [head, section];
    for (let i = 0, size = 400_000; size < 2 * 1024 * 1024; i++) {
      const next = `${line(i)}\r\n`;
      lines.push(next);
      size += next.length;
    }
    return lines.join('');
  };
  const bodies: Record<string, string> = {
    codecs: full((i) => `a=rtpmap:${i} VP8/90000`),
    feedback: full((i) => `a=rtcp-fb:${i % 128} nack`),
    formats: full((i) => `a=fmtp:${i % 128} a=1;b=2;profile-id=${i}`),
    rids: full((i) => `a=rid:r${i} send`),
    ssrcs: full((i) => `a=ssrc:${i} cname:x`),
    groups: full((i) => `a=ssrc-group:FID ${i} ${i + 1}`),
    extensions: full((i) => `a=extmap:${i} urn:x:${i}`),
    sections: `${head}${'m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n'.repeat(48_000)}`,
    'one format': `${head}${section}a=fmtp:96 ${'a=1;'.repeat(400_000)}`,
    'one simulcast': `${head}${section}a=simulcast:send ${'a;'.repeat(800_000)}`,
    'empty lines': `${head}${section}${'\n'.repeat(1_600_000)}`,
    blanks: `${head}${section}a=msid:${'x '.repeat(800_000)}`,
    'one long word': `${head}${section}a=msid:${'x'.repeat(1_600_000)}`,
  };
  for (const [name, sdp] of Object.entries(bodies)) {
    const begun = performance.now();
    const offer = read(sdp);
    const took = performance.now() - begun;
    assert.ok(took < 1500, `${name}: ${Math.round(took)} ms`);
    for (const { codecs, extensions, rids } of offer?.sections ?? []) {
      assert.ok(codecs.length <= 128 && extensions.length <= 255 && rids.length <= 3, name);
    }
  }
});
