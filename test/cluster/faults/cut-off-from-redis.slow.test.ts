import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { RustClients } from '../../support/call-client-rust';
import { type ClusterNode, TestCluster } from '../../support/cluster';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import {
  assertNoneDropped,
  assertUndisturbed,
  callsOn,
  leaveCalls,
  startCalls,
  untilFlowing,
} from '../support/calls';
import { handshake } from '../support/handshake';
import { connectRegistry } from '../support/registry-redis';

let cluster: TestCluster;
let clients: RustClients;
before(async () => {
  cluster = await TestCluster.start({ masters: 2 });
  clients = await RustClients.start();
  // Nobody is called dead in the first seconds of a registry.
  await sleep(10_000);
});
after(async () => {
  await clients?.close();
  await cluster?.close();
});

const options = { timeout: 120_000 };

const roomsOf = async (node: ClusterNode): Promise<string[]> => {
  const rooms = await cluster.admin().rooms();
  return rooms.filter(({ nodeId }) => nodeId === node.nodeId).map(({ name }) => name);
};

const spoilers = [
  ['hears nothing from Redis', (node: ClusterNode) => node.redisLink.stop()],
  ['is refused by Redis', (node: ClusterNode) => node.redisLink.refuse()],
  ['is answered nonsense by Redis', (node: ClusterNode) => node.redisLink.garble()],
  ['is answered by Redis after 3 s', (node: ClusterNode) => node.redisLink.delay(3_000)],
] as const;

for (const [i, [what, spoil]] of spoilers.entries()) {
  test(`a Media Node that ${what} keeps its Rooms and is given no new ones`, options, async () => {
    const name = `cut-${i}`;
    const calls = await startCalls(cluster, clients, { name, rooms: 4 });
    const victim = await cluster.roomNode(`${name}-0`);
    const kept = await callsOn(cluster, calls, victim);
    const fromMs = Date.now();
    spoil(victim);
    try {
      // Longer than it takes to call a silent node dead.
      await sleep(8_000);
      assert.deepEqual((await callsOn(cluster, calls, victim)).length, kept.length);
      const late = `${name}-late`;
      const token = await joinToken(cluster, kept[0]?.room ?? '', late);
      await (await clients.join(late, cluster.url, token)).leave();
      const made = await startCalls(cluster, clients, { name: `${name}-new`, rooms: 4 });
      assert.deepEqual(await callsOn(cluster, made, victim), [], 'it was given new Rooms');
      await leaveCalls(made);
    } finally {
      victim.redisLink.mend();
    }
    await until('it to be back', async () => {
      const { nodes } = await cluster.admin().nodes();
      const node = nodes.find(({ id }) => id === victim.nodeId);
      return node !== undefined && !node.stale && node.state === 'serving';
    });
    await assertUndisturbed(calls, fromMs);
    await assertNoneDropped(calls);
    await leaveCalls(calls);
  });
}

test(
  'a node cut off from Redis whose Room was placed anew meanwhile: the newer one wins',
  options,
  async () => {
    const calls = await startCalls(cluster, clients, { name: 'moved', rooms: 1 });
    const [call] = calls;
    assert.ok(call);
    const old = await cluster.roomNode(call.room);
    const heir = cluster.mediaNodes.find((node) => node !== old);
    assert.ok(heir);
    old.redisLink.stop();
    try {
      // What the registry says may be wrong, such as after a failover; what it says last holds.
      const { registry } = await connectRegistry(cluster.redis.config, 'test');
      const before = await registry.room(call.room);
      const placed = await registry.place({
        room: call.room,
        nodeId: heir.nodeId,
        replaces: before?.epoch,
      });
      assert.equal(placed.outcome, 'placed');
      await registry.close();
      await sleep(1_000);
    } finally {
      old.redisLink.mend();
    }
    const mendedMs = Date.now();
    await until(
      'the old owner to step back',
      async () => (await cluster.roomNode(call.room)) === heir,
    );
    await untilFlowing(call, mendedMs + 4_000);
    assert.equal((await cluster.roomNode(call.room)).name, heir.name);
    await until('the old owner to say so', () =>
      /another node hosts this Room/.test(old.takeLog()),
    );
    const api = new RoomServiceClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
    const listed = await api.listRooms([call.room]);
    assert.deepEqual(
      listed.map(({ numParticipants }) => numParticipants),
      [2],
      'it runs twice, or somebody is missing',
    );
    await assertNoneDropped(calls);
    await leaveCalls(calls);
  },
);

test(
  'all of the cluster cut off from Redis: calls go on, and a new Room is 503',
  options,
  async () => {
    const calls = await startCalls(cluster, clients, { name: 'alone', rooms: 2 });
    const fromMs = Date.now();
    const all = [...cluster.masters, ...cluster.mediaNodes];
    for (const { redisLink } of all) redisLink.refuse();
    try {
      await sleep(1_000);
      const { status } = await handshake(
        cluster.httpUrl,
        await joinToken(cluster, 'none', 'nobody'),
      );
      assert.equal(status, 503);
      await sleep(7_000);
    } finally {
      for (const { redisLink } of all) redisLink.mend();
    }
    await cluster.untilServing();
    assert.ok((await Promise.all(cluster.mediaNodes.map(roomsOf))).flat().includes('alone-0'));
    await assertUndisturbed(calls, fromMs);
    await assertNoneDropped(calls);
    await leaveCalls(calls);
  },
);
