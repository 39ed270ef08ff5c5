import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { DisconnectReason, UpdateRoomMetadataRequest } from '@livekit/protocol';
import { RoomError } from '../../node-image/room/errors';
import type { Room } from '../../node-image/room/room';
import { RoomElsewhereError } from '../../node-image/room/room-ownership';
import { until } from '../support/wait';
import { settled } from './fakes';
import { TestRooms } from './rooms';
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

async function enter(identity: string, metadata = ''): Promise<void> {
  const joined = await nodes.from.join(room, identity, { grants: { metadata } });
  room.activated(joined.participant);
}

const routers = (node: TestRooms): number => node.pool.workers[0]?.rooms ?? 0;

describe('who comes before the Room does', () => {
  test('waits for it', async () => {
    await enter('ann', 'm');
    const handover = await nodes.take(room);
    const early = nodes.to.rooms.getOrCreate({ name });
    await settled();
    await nodes.to.rooms.adopt(handover);
    const there = await early;
    assert.deepEqual(
      [there.sid, there.metadata, there.expected.get('ann')?.metadata],
      [room.sid, 'meta', 'm'],
    );
  });

  test('and does not wait longer finds what is written down of it', async () => {
    await enter('ann');
    await settled();
    await nodes.take(room);
    const there = await nodes.to.rooms.getOrCreate({ name, metadata: 'of its token' });
    assert.deepEqual([there.sid, there.metadata], [room.sid, 'meta']);
    assert.deepEqual(nodes.events().to, [`arrived ${name}`]);
  });

  test('becomes what it was, once that is known', async () => {
    await enter('ann', 'new');
    await enter('bob');
    await enter('late');
    const handover = await nodes.take(room);
    const there = await nodes.to.rooms.getOrCreate({ name });
    const ann = await nodes.to.join(there, 'ann', { grants: { metadata: 'of its token' } });
    const bob = await nodes.to.join(there, 'bob');
    there.activated(bob.participant);
    ann.sink.forget();
    nodes.events();
    await nodes.to.rooms.adopt(handover);
    assert.equal(ann.participant.metadata, 'new');
    there.activated(ann.participant);
    // Bob was told of as joined, and is counted.
    assert.deepEqual(nodes.events().to, ['expected ann', 'expected late', 'rejoined ann']);
    const told = ann.sink.sent('update').flatMap(({ participants }) => participants);
    assert.ok(told.some((one) => one.identity === 'ann' && one.metadata === 'new'));
    assert.ok(told.some((one) => one.identity === 'late'));
    assert.deepEqual(
      [...there.expected.values()].map((one) => one.identity),
      ['late'],
    );
  });

  test('keeps the sid that it was told where nothing was written down', async () => {
    const handover = await nodes.take(room);
    const placement = nodes.placements.rooms.get(name);
    assert.ok(placement);
    delete placement.facts;
    const there = await nodes.to.rooms.getOrCreate({ name });
    const { sid } = there;
    await nodes.to.rooms.adopt(handover);
    assert.notEqual(sid, room.sid);
    assert.deepEqual([there.sid, there.metadata], [sid, 'meta']);
  });
});

describe('a handover', () => {
  test('that comes twice is taken once', async () => {
    await enter('ann');
    const handover = await nodes.take(room);
    await Promise.all([nodes.to.rooms.adopt(handover), nodes.to.rooms.adopt(handover)]);
    const there = nodes.there(name);
    const [ann] = there.expected.values();
    assert.ok(ann);
    there.removeExpected(ann, DisconnectReason.PARTICIPANT_REMOVED);
    await nodes.to.rooms.adopt(handover);
    assert.equal(there.expected.size, 0);
    assert.deepEqual(nodes.events().to, [`arrived ${name}`, 'expected ann', 'left ann']);
  });

  test('of a Room that is not for this node is refused, and may come again', async () => {
    const handover = await nodes.take(room);
    nodes.placements.place(name, 'from');
    const before = routers(nodes.to);
    await assert.rejects(nodes.to.rooms.adopt(handover), RoomElsewhereError);
    assert.deepEqual([nodes.to.rooms.get(name), routers(nodes.to)], [undefined, before]);
    nodes.placements.place(name, 'to');
    await nodes.to.rooms.adopt(handover);
    assert.equal(nodes.there(name).sid, room.sid);
  });
});

describe('a Room', () => {
  test('is made by nobody who has no right to it, and nothing of it is left', async () => {
    const before = routers(nodes.to);
    await assert.rejects(nodes.to.rooms.getOrCreate({ name }), RoomElsewhereError);
    await assert.rejects(nodes.to.rooms.find(name), RoomElsewhereError);
    nodes.placements.available = false;
    const refused = nodes.to.rooms.getOrCreate({ name });
    await assert.rejects(refused, (error) => error instanceof RoomError);
    nodes.placements.available = true;
    assert.deepEqual([nodes.to.rooms.get(name), routers(nodes.to)], [undefined, before]);
  });

  test('whose node has died is found from what it left behind', async () => {
    await enter('ann');
    room.setMetadata('newest');
    await settled();
    nodes.placements.place(name, 'to');
    const request = new UpdateRoomMetadataRequest({ room: name, metadata: 'of the API' });
    const info = await nodes.toControl.updateRoomMetadata(request);
    assert.deepEqual([info.sid, info.metadata], [room.sid, 'of the API']);
    assert.equal(nodes.there(name).facts().everJoined, true);
  });

  test('of which nothing is known is not made by who only looks for it', async () => {
    nodes.placements.place('nothing', 'to');
    assert.equal(await nodes.to.rooms.find('nothing'), undefined);
    nodes.placements.place('nothing-yet', 'to', 'from');
    assert.equal(await nodes.to.rooms.find('nothing-yet'), undefined);
    assert.deepEqual(nodes.events().to, []);
  });

  test('on its way is found once it is here', async () => {
    const handover = await nodes.take(room);
    const placement = nodes.placements.rooms.get(name);
    assert.ok(placement);
    delete placement.facts;
    const finding = nodes.to.rooms.find(name);
    await settled();
    await nodes.to.rooms.adopt(handover);
    assert.equal(await finding, nodes.there(name));
  });

  test('tells once of all that changes at a time, and when it has ended for good', async () => {
    await settled();
    const { told } = nodes.placements;
    told.length = 0;
    room.setMetadata('a');
    room.update({ emptyTimeout: 7 });
    room.setMetadata('b');
    await settled();
    assert.deepEqual(told, [`changed ${name}`]);
    assert.deepEqual(nodes.placements.rooms.get(name)?.facts, room.facts());
    assert.deepEqual([room.facts().metadata, room.facts().emptyTimeout], ['b', 7]);
    room.setMetadata('c');
    room.close(DisconnectReason.ROOM_DELETED);
    await settled();
    assert.deepEqual(told, [`changed ${name}`, `released ${name}`]);
  });
});

test('a node that closes keeps its Rooms for the next one where they outlive it', async () => {
  const own = await TwoNodes.start();
  const there = await own.room('a');
  const { participant } = await own.from.join(there, 'ann');
  there.activated(participant);
  own.events();
  own.close();
  assert.deepEqual(own.events().from, ['left ann', 'departed a']);
  assert.equal(own.placements.told.includes('released a'), false);
});

test('a Room whose worker died goes on with another, and nobody is told of a leave', async () => {
  const node = await TestRooms.start();
  try {
    const before = await node.rooms.getOrCreate({ name: 'a', metadata: 'm' });
    const ann = await node.join(before, 'ann');
    before.activated(ann.participant);
    node.events.length = 0;
    process.kill(node.pool.pick().worker.pid, 'SIGKILL');
    // Clients come back as soon as there is another worker, before anybody else looks for one.
    await until('another worker', () => before.closed && node.pool.workers.length > 0, {
      intervalMs: 1,
    });
    const again = await node.rooms.getOrCreate({ name: 'a' });
    assert.notEqual(again, before);
    assert.deepEqual([again.sid, again.metadata], [before.sid, 'm']);
    assert.equal(ann.sink.sent('leave')[0]?.reason, DisconnectReason.STATE_MISMATCH);
    const back = await node.join(again, 'ann');
    again.activated(back.participant);
    assert.deepEqual(node.events, [
      'sent-on ann',
      'departed a',
      'arrived a',
      'expected ann',
      'rejoined ann',
    ]);
  } finally {
    node.close();
  }
});
