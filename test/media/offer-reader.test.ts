import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type MediaSection,
  readDescription,
  SdpError,
} from '../../node-image/media/sdp/offer-reader';
import { description, type Recorded, recorded, sends } from './support/descriptions';

const sectionOf = (sdp: string, mid: string): MediaSection => {
  const section = readDescription(sdp).sections.find((one) => one.mid === mid);
  assert.ok(section, `there is no section ${mid}`);
  return section;
};
const first = (...lines: string[]): MediaSection =>
  sectionOf(description({ mid: '0', lines }), '0');

describe('an offer of Chromium', () => {
  const offer = readDescription(recorded('chromium-offer'));

  test('has data, camera and microphone, in this order', () => {
    assert.deepEqual(
      offer.sections.map(({ mid, kind, direction }) => [mid, kind, direction]),
      [
        ['0', 'application', 'sendrecv'],
        ['1', 'video', 'sendonly'],
        ['2', 'audio', 'sendonly'],
      ],
    );
  });

  test('names the camera by its id, with three layers and no stream numbers', () => {
    const [, camera] = offer.sections;
    assert.equal(camera?.trackId, '00000000-0000-4000-8000-000000000001');
    assert.deepEqual(camera?.rids, ['q', 'h', 'f']);
    assert.deepEqual(camera?.ssrcs, []);
  });

  test('names the stream of the microphone', () => {
    assert.deepEqual(offer.sections[2]?.ssrcs, [{ ssrc: 1230081284, rtxSsrc: undefined }]);
  });

  test('lists codecs in the order of the m-line, each with its retransmissions', () => {
    const codecs = offer.sections[1]?.codecs ?? [];
    assert.deepEqual(
      codecs.slice(0, 3).map((one) => [one.payloadType, one.mimeType, one.rtxPayloadType]),
      [
        [96, 'video/VP8', 97],
        [102, 'video/H264', 103],
        [104, 'video/H264', 107],
      ],
    );
    assert.equal(
      codecs.some((one) => /rtx|red|ulpfec/.test(one.mimeType)),
      false,
    );
  });

  test('takes mixed header extensions, and says where it is to be reached', () => {
    assert.equal(offer.extmapAllowMixed, true);
    assert.equal(offer.iceUfrag, 'theirs');
    assert.equal(offer.fingerprints[0]?.algorithm, 'sha-256');
    assert.equal(offer.setup, 'actpass');
  });
});

describe('an offer of the Rust SDK', () => {
  const offer = readDescription(recorded('rust-offer'));

  test('has places to receive before the data section and what it sends', () => {
    assert.deepEqual(
      offer.sections.map(({ mid, kind }) => `${mid} ${kind}`),
      [
        '7 audio',
        '8 audio',
        '9 audio',
        '10 video',
        '11 video',
        '12 video',
        '13 application',
        '14 video',
        '15 audio',
      ],
    );
    assert.ok(offer.sections.slice(0, 6).every((one) => one.direction === 'recvonly'));
  });

  test('lists its layers highest first', () => {
    assert.deepEqual(sectionOf(recorded('rust-offer'), '14').rids, ['f', 'h', 'q']);
  });
});

describe('an offer of pion', () => {
  const offer = readDescription(recorded('pion-offer'));

  test('has its fingerprint at session level and its role in the sections', () => {
    assert.equal(offer.fingerprints.length, 1);
    assert.equal(offer.setup, 'actpass');
  });

  test('has stream numbers with retransmissions beside its layers', () => {
    const camera = sectionOf(recorded('pion-offer'), '2');
    assert.deepEqual(camera.rids, ['q', 'h', 'f']);
    assert.deepEqual(camera.ssrcs[0], { ssrc: 732259354, rtxSsrc: 901423496 });
    assert.equal(camera.ssrcs.length, 3);
    assert.equal(camera.trackId, 'loadtest-video');
  });
});

describe('an answer', () => {
  const roles: [Recorded, string][] = [
    ['chromium-answer', 'active'],
    ['rust-answer', 'active'],
    ['pion-answer', 'passive'],
  ];
  for (const [name, role] of roles) {
    test(`of ${name.split('-')[0]} is read, with the client as DTLS ${role}`, () => {
      const answer = readDescription(recorded(name));
      assert.equal(answer.setup, role);
      assert.ok(answer.sections.every((one) => !one.rejected));
      assert.ok(answer.sections.slice(1).every((one) => one.codecs.length === 1));
    });
  }
});

describe('a section', () => {
  test('is out of use at port 0, unless it is only bundled', () => {
    const lines = sends('video', '0');
    assert.equal(sectionOf(description({ mid: '0', port: 0, lines }), '0').rejected, true);
    const bundled = description({ mid: '0', port: 0, lines: [...lines, 'a=bundle-only'] });
    assert.equal(sectionOf(bundled, '0').rejected, false);
  });

  test('without a direction sends and receives', () => {
    assert.equal(first('a=rtpmap:96 VP8/90000').direction, 'sendrecv');
  });

  test('has the id of the track after the stream, whatever signs it is made of', () => {
    assert.equal(first('a=msid:PA_1|cam {0f-a}').trackId, '{0f-a}');
    assert.equal(first('a=ssrc:1 msid:stream old-style').trackId, 'old-style');
    assert.equal(first('a=sendonly').trackId, undefined);
  });

  test('has no layers that were not declared, nor more than three', () => {
    const rids = ['a=rid:a send', 'a=rid:b send', 'a=rid:c send', 'a=rid:d send'];
    assert.deepEqual(first(...rids, 'a=simulcast:send a;x;b').rids, ['a', 'b']);
    assert.deepEqual(first(...rids, 'a=simulcast:send a;b;c;d').rids, ['a', 'b', 'c']);
  });

  test('keeps a layer that the client has paused, and the first of alternatives', () => {
    const rids = ['a=rid:f send', 'a=rid:h send', 'a=rid:q send'];
    assert.deepEqual(first(...rids, 'a=simulcast:send f;~h;~q').rids, ['f', 'h', 'q']);
    assert.deepEqual(first(...rids, 'a=simulcast:send f,h;q').rids, ['f', 'q']);
  });

  test('has the formats that mean something, and no others', () => {
    const [codec] = first(
      'a=rtpmap:96 H264/90000',
      'a=fmtp:96 packetization-mode=1;evil=x;apt=4',
    ).codecs;
    assert.deepEqual(codec?.parameters, { 'packetization-mode': 1 });
  });
});

describe('what is refused with a sentence', () => {
  const cases: [string, string, RegExp][] = [
    ['text that is no description', 'hello', /must start with v=0/],
    ['a section without a mid', description({ mid: '' }), /no usable mid/],
    ['a mid that is too long', description({ mid: 'm'.repeat(33) }), /no usable mid/],
    ['two sections of one mid', description({ mid: '1' }, { mid: '1' }), /the same mid/],
    [
      'a kind of media that nobody knows',
      description({ mid: '1' }).replace('m=video', 'm=text'),
      /"text"/,
    ],
    [
      'a fingerprint that is too short',
      description({ mid: '1' }).replace(/(sha-256 ..).*/, '$1'),
      /fingerprint/,
    ],
    [
      'a fingerprint of a hash that nobody takes',
      description({ mid: '1' }).replace('sha-256', 'md5'),
      /fingerprint/,
    ],
    [
      'more sections than any client needs',
      description(
        ...Array.from({ length: 1001 }, (_, i) => ({ mid: `${i}`, kind: 'audio' as const })),
      ),
      /at most 1000/,
    ],
  ];
  for (const [what, sdp, message] of cases) {
    test(what, () => {
      assert.throws(
        () => readDescription(sdp),
        (error: unknown) => error instanceof SdpError && message.test(error.message),
      );
    });
  }
});
