import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddTrackRequest, LeaveRequest_Action, TrackSource, TrackType } from '@livekit/protocol';
import sdpTransform from 'sdp-transform';
import { answerTo, descriptionOf, SESSION_HEAD, sectionOf } from './support/descriptions';
import type { RawClient } from './support/raw-client';
import { siege } from './support/siege';

const suite = siege();
const options = { timeout: 30_000 };

const audio = sectionOf('audio', '0', 'cid');
const video = sectionOf('video', '0', 'cid');
const and = (...lines: string[]): string => descriptionOf([...audio, ...lines]);
const withVideo = (...lines: string[]): string => descriptionOf([...video, ...lines]);
const replaced = (from: string | RegExp, to: string): string => and().replace(from, to);
const many = (count: number, line: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i));

/** Offers that cannot be used: the client has to join anew, and is told so. */
const UNUSABLE: Record<string, string> = {
  nothing: '',
  'no SDP': 'hello',
  'a browser error page': '<html>502</html>',
  'half a description': and().slice(0, 300),
  '2000 sections': descriptionOf(
    ...many(2000, (i) => String(i)).map((mid) => sectionOf('audio', mid, mid)),
  ),
  'the same mid twice': descriptionOf(audio, audio),
  'a section without a mid': replaced('a=mid:0\r\n', ''),
  'a mid with a blank': replaced('a=mid:0', 'a=mid: '),
  'a mid of 1000 characters': replaced('a=mid:0', `a=mid:${'x'.repeat(1000)}`),
  'a mid beyond ASCII': replaced('a=mid:0', 'a=mid:\u00e4\u2028'),
  'an unknown kind': replaced('m=audio', 'm=image'),
  'no kind at all': replaced(/m=audio.*/, 'm='),
  'no protocol': replaced('UDP/TLS/RTP/SAVPF', ''),
  'a fingerprint of no known hash': replaced('sha-256', 'md5'),
  'a fingerprint that is too short': replaced(/sha-256 \S+/, 'sha-256 AB:CD'),
  'a fingerprint that is a number': replaced(/sha-256 \S+/, '256 256'),
};

for (const [name, sdp] of Object.entries(UNUSABLE)) {
  test(`an offer with ${name}: the client is told to join anew`, options, async () => {
    const client = await suite.join('mallory');
    announce(client, 'cid', TrackType.AUDIO);
    client.offer(sdp);
    const leave = await client.message('leave');
    assert.equal(leave.action, LeaveRequest_Action.RECONNECT);
    await client.end();
    await suite.assertPeace();
  });
}

/** Offers of which a part is absurd: answered without it, and nothing smuggled in. */
const ABSURD: Record<string, string> = {
  'another line in a mid': replaced(
    'a=mid:0',
    'a=mid:0\ra=candidate:1 1 udp 1 10.0.0.1 9 typ host',
  ),
  'strange but legal mids': replaced('a=mid:0', 'a=mid:"<{|}>"'),
  'payload types beyond 127': and('a=rtpmap:128 opus/48000/2', 'a=rtpmap:99999 opus/48000/2'),
  'payload types below 0': and('a=rtpmap:-1 opus/48000/2', 'a=fmtp:-1 x=y', 'a=rtcp-fb:-1 nack'),
  'payload types that are words': and('a=rtpmap:x opus/48000/2', 'a=rtpmap: opus/48000/2'),
  'codecs with numbers for names': and('a=rtpmap:5 5/5/5', 'a=rtpmap:6 /', 'a=fmtp:111 5'),
  'codecs with absurd clocks': and(
    'a=rtpmap:5 opus/0/2',
    `a=rtpmap:6 opus/${'9'.repeat(400)}/2`,
    'a=rtpmap:7 opus/48000/x',
    'a=rtpmap:8 opus/48000/99999',
  ),
  'huge extension ids': and(
    'a=extmap:0 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    'a=extmap:256 urn:3gpp:video-orientation',
    `a=extmap:${'9'.repeat(300)} urn:x`,
    'a=extmap:-5 urn:x',
  ),
  '10,000 extensions': and(...many(10_000, (i) => `a=extmap:${i} urn:x:${i}`)),
  '10,000 SSRCs': and(...many(10_000, (i) => `a=ssrc:${i + 1} cname:x`)),
  'SSRCs beyond 32 bits': and('a=ssrc:4294967297 cname:x', 'a=ssrc:0 cname:x', 'a=ssrc:-7 cname:x'),
  'an SSRC that repairs itself': withVideo('a=ssrc:7 cname:x', 'a=ssrc-group:FID 7 7'),
  'a circle of SSRCs': withVideo(
    'a=ssrc:7 cname:x',
    'a=ssrc:8 cname:x',
    'a=ssrc-group:FID 7 8',
    'a=ssrc-group:FID 8 7',
  ),
  'weird rids': withVideo(
    'a=rid:1 send',
    'a=rid:_ send',
    `a=rid:${'r'.repeat(5000)} send`,
    `a=simulcast:send 1;_;1;1;${'r'.repeat(5000)};~1,2;;,`,
  ),
  'a thousand rids': withVideo(
    ...many(1000, (i) => `a=rid:r${i} send`),
    `a=simulcast:send ${many(1000, (i) => `r${i}`).join(';')}`,
  ),
  'simulcast of sound': and('a=rid:1 send', 'a=rid:2 send', 'a=simulcast:send 1;2'),
  'retransmissions of retransmissions': withVideo(
    'a=rtpmap:98 rtx/90000',
    'a=fmtp:98 apt=97',
    'a=rtpmap:99 rtx/90000',
    'a=fmtp:99 apt=99',
  ),
  'format parameters of all sorts': and(
    'a=fmtp:111 __proto__=1;constructor=2;x="y";minptime=\0;stereo=1;;;=;a',
    `a=fmtp:111 ${'stereo'.repeat(9000)}=1`,
  ),
  'feedback of all sorts': and(...many(5000, (i) => `a=rtcp-fb:* ccm-${i} x`), 'a=rtcp-fb:111 5 5'),
  'no ICE and no DTLS': `v=0\r\n${audio.join('\r\n')}\r\n`,
  'no section at all': `${SESSION_HEAD.join('\r\n')}\r\n`,
  'other ICE credentials in each section': descriptionOf(
    [...audio, 'a=ice-ufrag:1', 'a=ice-pwd:2'],
    [...sectionOf('audio', '1', 'x'), 'a=ice-ufrag:3'],
  ),
  '900 sections': descriptionOf(...many(900, String).map((mid) => sectionOf('audio', mid, 'cid'))),
};

for (const [name, sdp] of Object.entries(ABSURD)) {
  test(`an offer with ${name}: answered with what is good of it`, options, async () => {
    const viewer = await suite.join('viewer', { answers: true });
    const client = await suite.join('mallory');
    announce(client, 'cid', sdp.includes('m=video') ? TrackType.VIDEO : TrackType.AUDIO);
    client.offer(sdp);
    const { sdp: answer } = await client.message('answer');
    const parsed = sdpTransform.parse(answer);
    assert.equal(parsed.media.length, sdp.match(/^m=/gm)?.length ?? 0);
    assert.doesNotMatch(answer, /10\.0\.0\.1|\0|__proto__|NaN|undefined|Infinity/);
    for (const media of parsed.media) {
      assert.ok(media.rtp.every(({ payload }) => payload >= 0 && payload <= 127));
      assert.ok((media.ext ?? []).every(({ value }) => value >= 1 && value <= 255));
      assert.ok((media.rids ?? []).length <= 3);
    }
    assert.ok(await client.lives());
    assert.ok(await viewer.lives());
    await suite.assertPeace();
  });
}

test(
  'what a publisher says of its codec does not reach its viewers as it is',
  options,
  async () => {
    const viewer = await suite.join('viewer', { answers: true });
    const client = await suite.join('mallory');
    announce(client, 'cid', TrackType.AUDIO, 'a stream\r\na=injected:1\r\nm=audio 9 X 0');
    client.offer(and('a=fmtp:111 minptime=10;x-secret=1;stereo=a b', 'a=msid:- x\r\na=injected:2'));
    await client.message('answer');
    await viewer.message('offer', ({ sdp }) => /m=audio/.test(sdp));
    for (const sdp of viewer.offers) {
      assert.doesNotMatch(sdp, /x-secret|injected|a b/);
    }
    await suite.assertPeace();
  },
);

test('answers nobody asked for are left alone', options, async () => {
  const client = await suite.join('mallory', { token: { grant: { canSubscribe: false } } });
  for (const sdp of ['', 'hello', and()]) client.answer(sdp);
  assert.ok(await client.lives());
  await suite.assertPeace();
});

/** Answers to the first offer, which has a data section only. */
const ANSWERS: Record<string, { readonly from: (offer: string) => string; readonly ok: boolean }> =
  {
    nothing: { from: () => '', ok: false },
    'no fingerprint': { from: (o) => answerTo(o).replace(/a=fingerprint.*\r\n/, ''), ok: false },
    'another fingerprint': {
      from: (o) => answerTo(o).replace(/sha-256 \S+/, 'sha-1 AB'),
      ok: false,
    },
    'too many sections': {
      from: (o) => answerTo(o) + audio.join('\r\n').replace('mid:0', 'mid:9'),
      ok: true,
    },
    'no section': { from: () => `${SESSION_HEAD.join('\r\n')}\r\n`, ok: true },
    'other mids': { from: (o) => answerTo(o).replace(/a=mid:\S+/g, 'a=mid:other'), ok: true },
    'its own offer': { from: (o) => o, ok: true },
  };

for (const [name, { from, ok }] of Object.entries(ANSWERS)) {
  test(
    `an answer with ${name}: ${ok ? 'taken' : 'the client is told to join anew'}`,
    options,
    async () => {
      const client = await suite.join('mallory');
      const { sdp } = await client.message('offer');
      client.answer(from(sdp));
      if (ok) {
        assert.ok(await client.lives());
      } else {
        assert.equal((await client.message('leave')).action, LeaveRequest_Action.RECONNECT);
        await client.end();
      }
      await suite.assertPeace();
    },
  );
}

test(
  'offers and answers without end, and all at once, hurt only who sends them',
  options,
  async () => {
    const client = await suite.join('mallory', { answers: true });
    for (let i = 0; i < 150; i++) {
      const cid = `cid-${i}`;
      announce(client, cid, TrackType.AUDIO);
      client.offer(descriptionOf(sectionOf('audio', String(i % 7), cid)));
      client.answer(and());
    }
    await client.end();
    await suite.assertPeace();
  },
);

function announce(client: RawClient, cid: string, type: TrackType, stream = ''): void {
  const source = type === TrackType.AUDIO ? TrackSource.MICROPHONE : TrackSource.CAMERA;
  client.send({ case: 'addTrack', value: new AddTrackRequest({ cid, type, source, stream }) });
}
