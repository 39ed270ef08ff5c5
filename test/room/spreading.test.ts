import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import type { Participant } from '../../node-image/room/participant';
import type { Room } from '../../node-image/room/room';
import { until } from '../support/wait';
import { TestRooms } from './rooms';

let node: TestRooms | undefined;

/** A Room on a node of three workers, whose participants count for two tracks each. */
async function start(tracksPerWorker: number): Promise<{ node: TestRooms; room: Room }> {
  node = await TestRooms.start({ workers: 3, settings: { tracksPerWorker } });
  return { node, room: await node.rooms.getOrCreate({ name: 'a' }) };
}
afterEach(() => {
  node?.close();
  node = undefined;
});

const join = async (at: TestRooms, room: Room, ...names: string[]): Promise<Participant[]> => {
  const all = [];
  for (const name of names) all.push((await at.join(room, name)).participant);
  return all;
};
const routers = (at: TestRooms): number => at.pool.objects.read().router;
const loads = (at: TestRooms): number[] => at.pool.workers.map(({ load }) => load);
/** The port that it is to receive from: one worker's. */
const portOf = async ({ parts }: Participant): Promise<number> => {
  const { transport } = await parts.connections.subscriber();
  return transport.iceCandidates[0]?.port ?? 0;
};

describe('a Room within what a worker sends', () => {
  test('is on one worker, and nothing of it is piped', async () => {
    const { node, room } = await start(500);
    await join(node, room, 'ann', 'bob', 'cat');
    // Two transports each, and the one of the data bus.
    const { router, transport } = node.pool.objects.read();
    assert.deepEqual([router, transport, room.media.workers], [1, 7, 1]);
  });

  test('is on one worker without a limit, whatever it sends', async () => {
    const { node, room } = await start(0);
    await join(node, room, 'ann', 'bob', 'cat', 'dan', 'eve');
    assert.deepEqual([routers(node), Math.max(...loads(node))], [1, 10]);
  });
});

describe('a Room beyond what a worker sends', () => {
  test('has the next subscribers on other workers', async () => {
    const { node, room } = await start(4);
    const all = await join(node, room, 'ann', 'bob', 'cat', 'dan', 'eve', 'fay');
    const ports = await Promise.all(all.map(portOf));
    const [home, , second, , third] = ports;
    assert.deepEqual(ports, [home, home, second, second, third, third]);
    assert.equal(new Set(ports).size, 3);
    assert.deepEqual(loads(node), [4, 4, 4]);
    assert.equal(room.media.workers, 3);
  });

  test('has those spread who join at once, before anything is sent to them', async () => {
    const { node, room } = await start(4);
    const names = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay'];
    await Promise.all(names.map((name) => node.join(room, name)));
    assert.deepEqual(loads(node), [4, 4, 4]);
  });

  test('has everybody publish at its home', async () => {
    const { node, room } = await start(2);
    const all = await join(node, room, 'ann', 'bob', 'cat');
    const ports = all.map(
      ({ parts }) => parts.connections.publisher.transport.iceCandidates[0]?.port,
    );
    assert.equal(new Set(ports).size, 1);
  });

  test('leaves a worker with the last one who received from there', async () => {
    const { node, room } = await start(2);
    const [ann, bob, cat] = await join(node, room, 'ann', 'bob', 'cat');
    assert.ok(ann && bob && cat);
    const empty = node.pool.objects.read();
    assert.equal(empty.router, 3);
    for (const one of [bob, cat]) room.remove(one, DisconnectReason.CLIENT_INITIATED);
    await until('one worker', () => routers(node) === 1);
    // Those of ann, and the one of the data bus at home: no end of a pipe.
    assert.equal(node.pool.objects.read().transport, 3);
    assert.deepEqual([room.media.workers, Math.max(...loads(node))], [1, 2]);
    await join(node, room, 'dan');
    assert.equal(room.media.workers, 2);
  });

  test('leaves nothing on any worker when it closes', async () => {
    const { node, room } = await start(2);
    await join(node, room, 'ann', 'bob', 'cat');
    room.close(DisconnectReason.ROOM_DELETED);
    await until('nothing', () =>
      Object.values(node.pool.objects.read()).every((count) => count === 0),
    );
    assert.deepEqual(loads(node), [0, 0, 0]);
  });

  test('leaves nothing on any worker when it goes to another node', async () => {
    const { node, room } = await start(2);
    await join(node, room, 'ann', 'bob', 'cat');
    await room.freeze();
    assert.equal(node.rooms.prepareHandover(room).participants.length, 3);
    node.rooms.depart(room);
    await until('nothing', () =>
      Object.values(node.pool.objects.read()).every((count) => count === 0),
    );
  });

  test('keeps count while people come and go at once', async () => {
    const { node, room } = await start(2);
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % below;
    };
    const joins: Promise<unknown>[] = [];
    for (let round = 0; round < 60; round++) {
      const name = `p${random(8)}`;
      const present = room.participants.get(name);
      if (present === undefined) {
        // Who is put out while it joins has its join refused.
        joins.push(node.join(room, name).catch(() => {}));
      } else {
        room.remove(present, DisconnectReason.CLIENT_INITIATED);
      }
      if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, random(20)));
    }
    await Promise.all(joins);
    for (const one of [...room.participants.values()]) {
      room.remove(one, DisconnectReason.CLIENT_INITIATED);
    }
    await until('the home alone', () => {
      const { router, transport } = node.pool.objects.read();
      return router === 1 && transport === 1;
    });
    assert.deepEqual([loads(node), room.media.workers], [[0, 0, 0], 1]);
  });

  test('stays at home where another worker cannot take it', async () => {
    const { node, room } = await start(2);
    const home = node.pool.workers.find(({ rooms }) => rooms === 1);
    // As one that has just died, which nobody has noticed.
    for (const other of node.pool.workers.filter((one) => one !== home)) other.worker.close();
    const all = await join(node, room, 'ann', 'bob');
    assert.equal(new Set(await Promise.all(all.map(portOf))).size, 1);
    assert.equal(room.media.workers, 1);
  });
});

/** Lets somebody in, and says which worker it receives from. */
async function joinSomewhere(at: TestRooms, room: Room, name: string) {
  const before = loads(at);
  const joined = await at.join(room, name);
  const worker = at.pool.workers.find(({ load }, i) => load !== before[i]);
  assert.ok(worker);
  return { ...joined, kill: () => process.kill(worker.worker.pid, 'SIGKILL') };
}

describe('a worker that dies', () => {
  test('sends those away who receive from it, and the Room goes on for the others', async () => {
    const { node, room } = await start(2);
    const ann = await joinSomewhere(node, room, 'ann');
    const bob = await joinSomewhere(node, room, 'bob');
    const cat = await joinSomewhere(node, room, 'cat');
    for (const { participant } of [ann, bob, cat]) room.activated(participant);
    node.events.length = 0;
    bob.kill();
    await until('bob to be sent away', () => bob.participant.closed);
    assert.equal(bob.sink.sent('leave')[0]?.action, LeaveRequest_Action.RECONNECT);
    assert.deepEqual(
      [ann.participant.closed, cat.participant.closed, room.closed],
      [false, false, false],
    );
    assert.equal(room.expected.get('bob')?.identity, 'bob');
    assert.equal(room.media.workers, 2);

    const back = await node.join(room, 'bob');
    room.activated(back.participant);
    assert.deepEqual(node.events, ['rejoined bob']);
  });

  test('takes the whole Room along where it is the home, each once', async () => {
    const { node, room } = await start(2);
    const ann = await joinSomewhere(node, room, 'ann');
    const bob = await joinSomewhere(node, room, 'bob');
    ann.kill();
    await until('its end', () => room.closed);
    for (const { sink } of [ann, bob]) {
      assert.deepEqual(
        sink.sent('leave').map(({ reason }) => reason),
        [DisconnectReason.STATE_MISMATCH],
      );
    }
    assert.equal((await node.rooms.getOrCreate({ name: 'a' })).sid, room.sid);
    await until('nothing but the new home', () => routers(node) === 1);
  });
});
