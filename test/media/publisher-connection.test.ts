import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ExpectedTrack } from '../../node-image/media/publisher-connection';
import { PublisherConnection } from '../../node-image/media/publisher-connection';
import type { MediaSection } from '../../node-image/media/sdp/offer-reader';
import { description, recorded, sends } from './support/descriptions';
import { expected, TestMedia } from './support/media';
import { sectionLines } from './support/transport';

let media: TestMedia;
let connection: PublisherConnection;

before(async () => {
  media = await TestMedia.start();
});
after(() => media.close());
beforeEach(async () => {
  connection = await PublisherConnection.create({
    router: media.router,
    transports: media.worker.transports,
    candidates: 'all',
  });
});

/** Finds announced tracks by the id in the section, as an honest client names them. */
const byId =
  (...tracks: ExpectedTrack[]) =>
  (section: MediaSection): ExpectedTrack | undefined =>
    tracks.find((one) => one.cid === section.trackId);
const answer = (sdp: string, ...tracks: ExpectedTrack[]) =>
  connection.answer(sdp, byId(...tracks), 'PA_a');
const encodingsOf = async (sdp: string, track: ExpectedTrack) => {
  const { added } = await answer(sdp, track);
  return added[0]?.producer.rtpParameters.encodings;
};

const CAMERA = '00000000-0000-4000-8000-000000000001';

describe('the camera of a real client', () => {
  test('Chromium: VP8 in three layers, lowest first', async () => {
    const { added, sdp } = await answer(recorded('chromium-offer'), expected(CAMERA));
    assert.deepEqual(
      added.map(({ mid, mimeType, sdpTrackId }) => [mid, mimeType, sdpTrackId]),
      [['1', 'video/VP8', CAMERA]],
    );
    const [camera] = added;
    assert.equal(camera?.producer.type, 'simulcast');
    assert.deepEqual(
      camera.producer.rtpParameters.encodings?.map((one) => [one.rid, one.scalabilityMode]),
      [
        ['q', 'L1T3'],
        ['h', 'L1T3'],
        ['f', 'L1T3'],
      ],
    );
    // The microphone that nobody announced is answered, and carries nothing.
    assert.ok(sectionLines(sdp, '2').includes('a=inactive'));
  });

  test('Chromium: VP9 in one stream, with the retransmissions that it names', async () => {
    const track = expected(CAMERA, { mimeType: 'video/vp9' });
    const encodings = await encodingsOf(recorded('chromium-vp9-offer'), track);
    assert.equal(encodings?.[0]?.scalabilityMode, 'L3T3_KEY');
    assert.equal(encodings?.[0]?.ssrc, 2399740446);
    assert.equal(encodings?.[0]?.rtx?.ssrc, 494309203);
  });

  test('Rust: VP8, whose layers come highest first', async () => {
    const { added, sdp } = await answer(recorded('rust-offer'), expected(CAMERA));
    assert.deepEqual(
      added[0]?.producer.rtpParameters.encodings?.map((one) => one.rid),
      ['q', 'h', 'f'],
    );
    assert.ok(sectionLines(sdp, '14').includes('a=simulcast:recv f;h;q'));
  });

  test('pion: H264 in its own profile', async () => {
    const track = expected('loadtest-video', { mimeType: 'video/h264' });
    const { added } = await answer(recorded('pion-offer'), track);
    assert.equal(added[0]?.mimeType, 'video/H264');
    const [codec] = added[0]?.producer.rtpParameters.codecs ?? [];
    assert.equal(codec?.payloadType, 102);
    assert.equal(codec?.parameters?.['profile-level-id'], '42001f');
  });

  test('layers of a codec that has them in one stream are refused', async () => {
    const lines = [
      'a=rtpmap:98 VP9/90000',
      'a=sendonly',
      'a=msid:- cam',
      'a=ssrc:77 cname:x',
      'a=rid:q send',
      'a=rid:f send',
      'a=simulcast:send q;f',
    ];
    const sdp = description({ mid: '0', payloads: '98', lines });
    const outcome = await answer(sdp, expected('cam', { mimeType: 'video/VP9' }));
    assert.equal(
      sectionLines(outcome.sdp, '0').some((line) => /rid|simulcast/.test(line)),
      false,
    );
    const encodings = outcome.added[0]?.producer.rtpParameters.encodings;
    assert.equal(encodings?.length, 1);
    assert.equal(encodings?.[0]?.ssrc, undefined);
  });
});

describe('a microphone', () => {
  test('is asked to be stereo and silent in pauses where its track says so', async () => {
    const track = expected('mic', { kind: 'audio', stereo: true, dtx: true });
    const sdp = description({ mid: '0', kind: 'audio', lines: sends('audio', '0', 'mic') });
    const outcome = await answer(sdp, track);
    const fmtp = sectionLines(outcome.sdp, '0').find((line) => line.startsWith('a=fmtp:111'));
    assert.match(fmtp ?? '', /usedtx=1;stereo=1;maxaveragebitrate=510000/);
  });
});

describe('codec choice', () => {
  const both = description({
    mid: '0',
    payloads: '98 96',
    lines: ['a=rtpmap:96 VP8/90000', 'a=rtpmap:98 VP9/90000', 'a=sendonly', 'a=msid:- cam'],
  });

  test('takes the one announced, else the first of the offer', async () => {
    const asked = await answer(both, expected('cam', { mimeType: 'video/vp8' }));
    assert.equal(asked.added[0]?.mimeType, 'video/VP8');
    const fresh = await PublisherConnection.create({
      router: media.router,
      transports: media.worker.transports,
      candidates: 'all',
    });
    const free = await fresh.answer(both, byId(expected('cam')), 'PA_a');
    assert.equal(free.added[0]?.mimeType, 'video/VP9');
  });

  test('tells of a track that no codec of the offer can carry', async () => {
    const lines = ['a=rtpmap:96 H265/90000', 'a=sendonly', 'a=msid:- cam'];
    const outcome = await answer(description({ mid: '0', lines }), expected('cam'));
    assert.deepEqual(
      outcome.unsupported.map((one) => one.cid),
      ['cam'],
    );
    assert.match(sectionLines(outcome.sdp, '0')[0] ?? '', /^m=video 0 /);
  });
});

describe('a later offer', () => {
  const camera = { mid: '0', lines: sends('video', '0', 'cam') };

  test('that changes nothing leaves the track as it is', async () => {
    const first = await answer(description(camera), expected('cam'));
    const again = await answer(description(camera));
    assert.deepEqual([again.added, again.removed], [[], []]);
    assert.equal(first.added[0]?.producer.closed, false);
    assert.ok(sectionLines(again.sdp, '0').includes('a=recvonly'));
  });

  test('that stops sending ends the track', async () => {
    const first = await answer(description(camera), expected('cam'));
    const lines = ['a=rtpmap:96 VP8/90000', 'a=inactive'];
    const outcome = await answer(description({ mid: '0', lines }));
    assert.deepEqual(outcome.removed, [first.added[0]?.producer]);
    assert.equal(first.added[0]?.producer.closed, true);
    assert.ok(sectionLines(outcome.sdp, '0').includes('a=inactive'));
  });

  test('that gives the section to another track ends one and starts the other', async () => {
    const first = await answer(description(camera), expected('cam'));
    const next = description({ mid: '0', lines: sends('video', '0', 'screen') });
    const outcome = await answer(next, expected('screen'));
    assert.deepEqual(outcome.removed, [first.added[0]?.producer]);
    assert.equal(outcome.added[0]?.expected.cid, 'screen');
  });

  test('of a track that was ended from this side carries nothing', async () => {
    const first = await answer(description(camera), expected('cam'));
    first.added[0]?.producer.close();
    const outcome = await answer(description(camera));
    assert.ok(sectionLines(outcome.sdp, '0').includes('a=inactive'));
  });

  test('with other ICE credentials gets other ones, and only then', async () => {
    const ufrag = (sdp: string) => /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
    const first = await answer(description(camera), expected('cam'));
    const same = await answer(description(camera));
    assert.equal(ufrag(same.sdp), ufrag(first.sdp));
    const restarted = await answer(description(camera).replace('ufrag:theirs', 'ufrag:new'));
    assert.notEqual(ufrag(restarted.sdp), ufrag(first.sdp));
  });

  test('has a higher version in its answer', async () => {
    const version = (sdp: string) => Number(/^o=sluice 1 (\d+)/m.exec(sdp)?.[1]);
    const first = await answer(description(camera));
    assert.equal(version((await answer(description(camera))).sdp), version(first.sdp) + 1);
  });
});

test('closing the connection ends what it receives', async () => {
  const { added } = await answer(description({ mid: '0' }), expected('track-0'));
  connection.close();
  connection.close();
  assert.equal(connection.closed, true);
  assert.equal(added[0]?.producer.closed, true);
});
