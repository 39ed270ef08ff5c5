import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  DisconnectReason,
  LeaveRequest_Action,
  MuteRoomTrackRequest,
  ParticipantInfo_State,
  ParticipantPermission,
  PerformRpcRequest,
  RoomParticipantIdentity,
  UpdateParticipantRequest,
} from '@livekit/protocol';
import { RoomError } from '../../node-image/room/errors';
import type { Room } from '../../node-image/room/room';
import { Metrics } from '../../node-image/telemetry/metrics';
import { TestRooms } from './rooms';
import { Placements } from './shared-ownership';
import { TwoNodes } from './two-nodes';

let nodes: TwoNodes;
let room: Room;
let name: string;
let number = 0;

before(async () => {
  nodes = await TwoNodes.start();
});
after(() => nodes.close());
beforeEach(async () => {
  number += 1;
  name = `room-${number}`;
  room = await nodes.room(name);
  nodes.events();
});

const isRoomError = (code: string) => (error: unknown) =>
  error instanceof RoomError && error.code === code;
const identities = (infos: readonly { identity: string }[]) => infos.map((one) => one.identity);
const address = (identity: string) => new RoomParticipantIdentity({ room: name, identity });

/** One whose media is up. */
async function enter(identity: string, changes: Parameters<typeof nodes.from.join>[2] = {}) {
  const joined = await nodes.from.join(room, identity, changes);
  room.activated(joined.participant);
  return joined;
}

describe('a Room that moves', () => {
  test('is the same Room on the other node', async () => {
    room.update({ emptyTimeout: 11, departureTimeout: 12, maxParticipants: 13 });
    const ann = await enter('ann');
    const info = room.info();
    const moved = await nodes.move(room);
    const again = moved.info();
    for (const one of [info, again]) {
      one.numParticipants = 0;
    }
    assert.ok(again.equals(info), JSON.stringify([info, again]));
    const back = await nodes.to.join(moved, 'ann');
    assert.deepEqual(back.sink.sent('join')[0]?.sifTrailer, ann.sink.sent('join')[0]?.sifTrailer);
  });

  test('sends its clients after it, and tells nobody of a leave or an end', async () => {
    const ann = await enter('ann');
    const bob = await enter('bob');
    bob.sink.forget();
    nodes.events();
    await nodes.move(room);
    const [leave] = ann.sink.sent('leave');
    assert.deepEqual(
      [leave?.reason, leave?.action, leave?.canReconnect, ann.sink.closed],
      [DisconnectReason.MIGRATION, LeaveRequest_Action.RECONNECT, true, true],
    );
    assert.deepEqual(bob.sink.kinds, ['leave']);
    assert.deepEqual(nodes.events(), {
      from: ['sent-on ann', 'sent-on bob', `departed ${name}`],
      to: [`arrived ${name}`, 'expected ann', 'expected bob'],
    });
    assert.equal(nodes.from.rooms.get(name), undefined);
    assert.equal(ann.participant.closed, true);
    assert.equal(room.media.router.closed, true);
    assert.equal(nodes.placements.told.includes(`released ${name}`), false);
  });

  test('can move on at once, with those who have not come yet', async () => {
    await enter('ann', { grants: { metadata: 'm' } });
    const moved = await nodes.move(room);
    await moved.freeze();
    const handover = nodes.to.rooms.prepareHandover(moved);
    nodes.placements.place(name, 'from', 'to');
    await nodes.from.rooms.adopt(handover);
    nodes.to.rooms.depart(moved);
    const [ann] = await nodes.fromControl.listParticipants(name);
    assert.deepEqual([ann?.identity, ann?.metadata], ['ann', 'm']);
  });

  test('whose new owner has it by a higher right is left without a word', async () => {
    const ann = await enter('ann');
    nodes.events();
    nodes.from.rooms.stepBack(name);
    nodes.from.rooms.stepBack(name);
    assert.equal(ann.sink.sent('leave')[0]?.action, LeaveRequest_Action.RECONNECT);
    assert.deepEqual(nodes.events().from, ['sent-on ann', `departed ${name}`]);
    assert.equal(nodes.from.rooms.get(name), undefined);
  });
});

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

describe('a participant that is sent on another way', () => {
  test('joins again, and nobody hears of a leave', async () => {
    const ann = await enter('ann');
    nodes.events();
    nodes.from.rooms.sendAway(ann.participant);
    nodes.from.rooms.sendAway(ann.participant);
    assert.deepEqual(
      ann.sink.sent('leave').map(({ action }) => action),
      [LeaveRequest_Action.RECONNECT],
    );
    assert.deepEqual(identities(await nodes.fromControl.listParticipants(name)), ['ann']);
    const back = await nodes.from.join(room, 'ann');
    room.activated(back.participant);
    assert.deepEqual(nodes.events().from, ['rejoined ann']);
  });

  test('is found by where its media comes from', async () => {
    const ann = await enter('ann');
    await enter('bob');
    const via = () =>
      nodes.from.rooms.participantsVia(({ ip, port }) => ip === '10.1.1.9' && port > 30_000);
    assert.deepEqual(via(), []);
    const { transport } = ann.participant.parts.connections.publisher;
    const tuple = { remoteIp: '10.1.1.9', remotePort: 30_001 };
    Object.defineProperty(transport, 'iceSelectedTuple', { get: () => tuple });
    assert.deepEqual(via(), [ann.participant]);
  });
});

test('gauges show where things are, and a move is no start and no end', async () => {
  const [from, to] = ['a', 'b'].map((nodeId) => new Metrics({ nodeId, process: false }));
  assert.ok(from && to);
  const placements = new Placements();
  const node = async (name: string, observer: Metrics) =>
    TestRooms.start({ rooms: { ownership: placements.of(name), observer } });
  const [first, second] = await Promise.all([node('from', from), node('to', to)]);
  const counts = () => [from, to].map(({ totals }) => [totals.rooms, totals.participants]);
  try {
    placements.place('a', 'from');
    const before = await first.rooms.getOrCreate({ name: 'a' });
    for (const identity of ['ann', 'bob', 'cat']) {
      before.activated((await first.join(before, identity)).participant);
    }
    await first.join(before, 'slow');
    placements.place('a', 'to', 'from');
    await second.rooms.adopt(first.rooms.prepareHandover(before));
    first.rooms.depart(before);
    assert.deepEqual(counts(), [
      [0, 0],
      [1, 3],
    ]);
    const there = await second.rooms.getOrCreate({ name: 'a' });
    const ann = await second.join(there, 'ann');
    there.activated(ann.participant);
    there.activated((await second.join(there, 'slow')).participant);
    const bob = await second.join(there, 'bob');
    assert.deepEqual(counts()[1], [1, 4]);
    there.remove(bob.participant, DisconnectReason.CLIENT_INITIATED);
    second.rooms.sendAway(ann.participant);
    assert.deepEqual(counts()[1], [1, 3]);
    second.nowMs += 45_000;
    there.closeIfIdle();
    assert.deepEqual(counts()[1], [1, 1]);
    there.close(DisconnectReason.ROOM_DELETED);
    assert.deepEqual(counts()[1], [0, 0]);
  } finally {
    first.close();
    second.close();
  }
});
