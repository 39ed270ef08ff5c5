import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  DisconnectReason,
  MuteRoomTrackRequest,
  ParticipantInfo_State,
  ParticipantPermission,
  PerformRpcRequest,
  RoomParticipantIdentity,
  UpdateParticipantRequest,
} from '@livekit/protocol';
import type { Room } from '../../node-image/room/room';
import { identities, isRoomError, type JoinChanges, TwoNodes } from './two-nodes';

let nodes: TwoNodes;
let room: Room;
let name: string;

before(async () => {
  nodes = await TwoNodes.start();
});
after(() => nodes.close());
beforeEach(async () => {
  room = await nodes.newRoom();
  name = room.name;
});

const address = (identity: string) => new RoomParticipantIdentity({ room: name, identity });
const enter = (identity: string, changes: JoinChanges = {}) => nodes.enter(room, identity, changes);

describe('who is expected', () => {
  test('is listed and found, as it was, without its tracks', async () => {
    const { participant } = await enter('ann', { grants: { name: 'Ann', attributes: { a: '1' } } });
    await nodes.move(room);
    assert.deepEqual(identities(await nodes.toControl.listParticipants(name)), ['ann']);
    const info = await nodes.toControl.getParticipant(address('ann'));
    assert.deepEqual(
      [info.sid, info.name, info.attributes, info.state, info.tracks.length],
      [participant.sid, 'Ann', { a: '1' }, ParticipantInfo_State.ACTIVE, 0],
    );
  });

  test('is shown to those who come first, unless it is hidden', async () => {
    await enter('ann');
    await enter('bob');
    await enter('ghost', { video: { hidden: true } });
    const moved = await nodes.move(room);
    const { sink } = await nodes.to.join(moved, 'bob');
    assert.deepEqual(identities(sink.sent('join')[0]?.otherParticipants ?? []), ['ann']);
  });

  test('counts among the participants, takes a place, and keeps the Room open', async () => {
    room.update({ maxParticipants: 1 });
    await enter('ann');
    const moved = await nodes.move(room);
    assert.equal(moved.info().numParticipants, 1);
    await assert.rejects(nodes.to.join(moved, 'bob'), isRoomError('resource_exhausted'));
    nodes.to.nowMs += 44_000;
    moved.closeIfIdle();
    assert.equal(moved.closed, false);
    await nodes.to.join(moved, 'ann');
    assert.equal(moved.info().numParticipants, 1);
  });

  test('and does not come has left after 45 s, of which all hear', async () => {
    const { participant } = await enter('ann');
    await enter('bob');
    await nodes.from.join(room, 'slow');
    const moved = await nodes.move(room);
    const bob = await nodes.to.join(moved, 'bob');
    bob.sink.forget();
    nodes.events();
    nodes.to.nowMs += 44_999;
    moved.closeIfIdle();
    assert.deepEqual(nodes.events().to, []);
    nodes.to.nowMs += 1;
    moved.closeIfIdle();
    // Of one whose media was never up nobody was told that it had joined.
    assert.deepEqual(nodes.events().to, ['left ann', 'aborted slow']);
    const [told] = bob.sink.sent('update').flatMap(({ participants }) => participants);
    assert.deepEqual(
      [told?.sid, told?.state],
      [participant.sid, ParticipantInfo_State.DISCONNECTED],
    );
    assert.deepEqual(identities(await nodes.toControl.listParticipants(name)), ['bob']);
  });

  test('and is removed has left, and comes back as one that is new', async () => {
    await enter('ann');
    const moved = await nodes.move(room);
    nodes.events();
    await nodes.toControl.removeParticipant(address('ann'));
    assert.deepEqual(nodes.events().to, ['left ann']);
    await assert.rejects(nodes.toControl.getParticipant(address('ann')), isRoomError('not_found'));
    const { participant } = await nodes.to.join(moved, 'ann');
    moved.activated(participant);
    assert.deepEqual(nodes.events().to, ['joined ann']);
  });

  test('is told of when the Room ends before', async () => {
    await enter('ann');
    const moved = await nodes.move(room);
    nodes.events();
    moved.close(DisconnectReason.ROOM_DELETED);
    assert.deepEqual(nodes.events().to, ['left ann', `finished ${name}`]);
    assert.ok(nodes.placements.told.includes(`released ${name}`));
  });

  test('is changed by the server API, and is so when it is back', async () => {
    await enter('ann', { grants: { metadata: 'old' } });
    await enter('bob');
    const moved = await nodes.move(room);
    const bob = await nodes.to.join(moved, 'bob');
    bob.sink.forget();
    const permission = new ParticipantPermission({ canSubscribe: true, canPublishData: true });
    const update = { room: name, identity: 'ann', attributes: { a: '1' }, permission };
    const info = await nodes.toControl.updateParticipant(new UpdateParticipantRequest(update));
    assert.ok(info.permission?.equals(permission));
    assert.deepEqual(
      bob.sink.sent('update')[0]?.participants.map((one) => one.attributes),
      [{ a: '1' }],
    );
    const long = new UpdateParticipantRequest({ ...update, name: 'x'.repeat(11) });
    await assert.rejects(nodes.toControl.updateParticipant(long), isRoomError('invalid_argument'));
    const { participant } = await nodes.to.join(moved, 'ann');
    assert.deepEqual([participant.metadata, participant.attributes], ['old', { a: '1' }]);
    assert.ok(participant.permission.equals(permission));
    assert.equal(participant.grants.video.canPublish, false);
  });

  test('cannot be called or muted until it is back', async () => {
    await enter('ann');
    await nodes.move(room);
    const rpc = new PerformRpcRequest({ room: name, destinationIdentity: 'ann' });
    await assert.rejects(nodes.toControl.performRpc(rpc), isRoomError('unavailable'));
    const mute = new MuteRoomTrackRequest({ room: name, identity: 'ann', muted: true });
    await assert.rejects(nodes.toControl.mutePublishedTrack(mute), isRoomError('unavailable'));
  });
});

describe('who comes back', () => {
  test('is what it was, whatever its token says, and has not joined anew', async () => {
    const ann = await enter('ann', { grants: { name: 'Ann', metadata: 'token' } });
    await enter('bob');
    const permission = new ParticipantPermission({ canSubscribe: true, canUpdateMetadata: true });
    await nodes.fromControl.updateParticipant(
      new UpdateParticipantRequest({ room: name, identity: 'ann', metadata: 'new', permission }),
    );
    const { joinedAtMs } = ann.participant;
    const moved = await nodes.move(room);
    const bob = await nodes.to.join(moved, 'bob');
    bob.sink.forget();
    nodes.events();
    nodes.to.nowMs += 3000;
    const { participant, sink } = await nodes.to.join(moved, 'ann', {
      grants: { apiKey: 'newer', name: 'Other', metadata: 'token' },
    });
    moved.activated(participant);
    const me = sink.sent('join')[0]?.participant;
    assert.deepEqual([me?.name, me?.metadata, Number(me?.joinedAtMs)], ['Ann', 'new', joinedAtMs]);
    assert.ok(me?.permission?.equals(permission));
    assert.deepEqual(
      [participant.grants.apiKey, participant.grants.video.canPublish],
      ['newer', false],
    );
    assert.deepEqual(nodes.events().to, ['rejoined ann']);
    const told = bob.sink.sent('update').flatMap(({ participants }) => participants);
    assert.ok(told.length > 0 && told.every((one) => one.sid === participant.sid));
    assert.ok(told.every((one) => one.state !== ParticipantInfo_State.DISCONNECTED));
    assert.notEqual(participant.sid, ann.participant.sid);
    assert.equal(moved.expected.size, 0);
  });

  test('and was on the way in before is told of as joined when its media is up', async () => {
    await nodes.from.join(room, 'ann');
    const moved = await nodes.move(room);
    const { participant } = await nodes.to.join(moved, 'ann');
    moved.activated(participant);
    assert.deepEqual(nodes.events(), {
      from: [`departed ${name}`],
      to: [`arrived ${name}`, 'joined ann'],
    });
  });

  test('leaves like anybody else', async () => {
    await enter('ann');
    const moved = await nodes.move(room);
    const { participant } = await nodes.to.join(moved, 'ann');
    nodes.events();
    moved.remove(participant, DisconnectReason.CLIENT_INITIATED);
    // Its media was not up again, but it had joined.
    assert.deepEqual([nodes.events().to, moved.expected.size], [['left ann'], 0]);
  });

  test('is expected again where its connection breaks before its media is up', async () => {
    await enter('ann', { grants: { metadata: 'm' } });
    const moved = await nodes.move(room);
    const first = await nodes.to.join(moved, 'ann');
    nodes.events();
    nodes.to.nowMs += 20_000;
    moved.remove(first.participant, DisconnectReason.SIGNAL_CLOSE);
    assert.deepEqual([nodes.events().to, moved.expected.get('ann')?.metadata], [[], 'm']);
    const second = await nodes.to.join(moved, 'ann');
    const third = await nodes.to.join(moved, 'ann');
    moved.activated(third.participant);
    assert.deepEqual(nodes.events().to, ['rejoined ann']);
    assert.equal(second.sink.sent('leave')[0]?.reason, DisconnectReason.DUPLICATE_IDENTITY);
    assert.deepEqual(identities(await nodes.toControl.listParticipants(name)), ['ann']);
  });

  test('stays listed while it connects', async () => {
    await enter('ann');
    const moved = await nodes.move(room);
    const joining = nodes.to.join(moved, 'ann');
    assert.deepEqual(identities(await nodes.toControl.listParticipants(name)), ['ann']);
    assert.equal(moved.info().numParticipants, 1);
    await joining;
    assert.deepEqual(identities(await nodes.toControl.listParticipants(name)), ['ann']);
  });

  test('and is removed while it connects is gone', async () => {
    await enter('ann');
    const moved = await nodes.move(room);
    nodes.events();
    const joining = nodes.to.join(moved, 'ann');
    const refused = assert.rejects(joining, isRoomError('unavailable'));
    await nodes.toControl.removeParticipant(address('ann'));
    await refused;
    assert.deepEqual(nodes.events().to, ['left ann']);
    assert.deepEqual([moved.participants.size, moved.expected.size], [0, 0]);
  });

  test('in the last moment is in time', async () => {
    await enter('ann');
    const moved = await nodes.move(room);
    nodes.events();
    const joining = nodes.to.join(moved, 'ann');
    await Promise.resolve();
    nodes.to.nowMs += 45_000;
    moved.closeIfIdle();
    moved.activated((await joining).participant);
    assert.deepEqual(nodes.events().to, ['rejoined ann']);
  });
});
