import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import type { Room } from '../../node-image/room/room';
import { Metrics } from '../../node-image/telemetry/metrics';
import { TestRooms } from './rooms';
import { Placements } from './shared-ownership';
import { identities, type JoinChanges, TwoNodes } from './two-nodes';

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

const enter = (identity: string, changes: JoinChanges = {}) => nodes.enter(room, identity, changes);

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
