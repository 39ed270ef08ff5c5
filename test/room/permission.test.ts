import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ParticipantPermission, TrackSource } from '@livekit/protocol';
import { grantsWith, mayPublish, permissionOf, streamOf } from '../../node-image/room/permission';
import { fakeParticipant, grants } from './fakes';

const { CAMERA, MICROPHONE, SCREEN_SHARE, SCREEN_SHARE_AUDIO, UNKNOWN } = TrackSource;
const of = (video: Parameters<typeof grants>[1]) => permissionOf(grants('ann', video).video);

describe('what a token says nothing of', () => {
  test('is allowed: to publish, to subscribe, to send data', () => {
    const { canPublish, canSubscribe, canPublishData } = of({});
    assert.deepEqual([canPublish, canSubscribe, canPublishData], [true, true, true]);
  });

  test('is not allowed: to change oneself, to see metrics', () => {
    const { canUpdateMetadata, canSubscribeMetrics, hidden, recorder } = of({});
    assert.deepEqual(
      [canUpdateMetadata, canSubscribeMetrics, hidden, recorder],
      [false, false, false, false],
    );
  });

  test('of data follows what it says of publishing', () => {
    assert.equal(of({ canPublish: false }).canPublishData, false);
    assert.equal(of({ canPublish: false, canPublishData: true }).canPublishData, true);
  });
});

describe('a source', () => {
  test('may be published where none are named, or it is one of those', () => {
    assert.ok(mayPublish(of({}), CAMERA));
    const some = of({ canPublishSources: [MICROPHONE] });
    assert.deepEqual([mayPublish(some, MICROPHONE), mayPublish(some, CAMERA)], [true, false]);
    assert.equal(mayPublish(some, UNKNOWN), false);
  });

  test('may not be published where nothing may', () => {
    assert.equal(mayPublish(of({ canPublish: false, canPublishSources: [CAMERA] }), CAMERA), false);
  });

  test('belongs to a stream with what is to play in step', () => {
    assert.equal(streamOf(CAMERA), streamOf(MICROPHONE));
    assert.equal(streamOf(SCREEN_SHARE), streamOf(SCREEN_SHARE_AUDIO));
    assert.notEqual(streamOf(CAMERA), streamOf(SCREEN_SHARE));
  });
});

test('a changed permission makes a token that says the same', () => {
  const changed = new ParticipantPermission({
    canSubscribe: true,
    canPublishSources: [CAMERA],
    hidden: true,
    canUpdateMetadata: true,
  });
  const { video } = grants('ann', { room: 'r', roomAdmin: true });
  assert.ok(permissionOf(grantsWith(video, changed)).equals(changed));
  assert.deepEqual(
    [grantsWith(video, changed).room, grantsWith(video, changed).roomAdmin],
    ['r', true],
  );
});

describe("a publisher's word on its tracks", () => {
  const { participant: ann } = fakeParticipant('ann');
  const { participant: bob } = fakeParticipant('bob');
  const { participant: recorder } = fakeParticipant('egress', { video: { recorder: true } });

  test('lets everybody have all while it says nothing', () => {
    ann.trackPermissions = undefined;
    assert.ok(ann.permitsTrack('TR_1', bob));
  });

  test('counts by identity and by sid', () => {
    ann.trackPermissions = new Map([['bob', new Set(['TR_1'])]]);
    assert.deepEqual([ann.permitsTrack('TR_1', bob), ann.permitsTrack('TR_2', bob)], [true, false]);
    ann.trackPermissions = new Map([[bob.sid, 'all' as const]]);
    assert.ok(ann.permitsTrack('TR_2', bob));
    ann.trackPermissions = new Map();
    assert.equal(ann.permitsTrack('TR_1', bob), false);
  });

  test('does not keep a recording from being made', () => {
    ann.trackPermissions = new Map();
    assert.ok(ann.permitsTrack('TR_1', recorder));
  });
});
