import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { startSentinels, type TestRedis, type TestSentinels } from '../../support/redis';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import {
  assertNoneDropped,
  assertUndisturbed,
  type Call,
  leaveCalls,
  startCalls,
} from '../support/calls';
import { type HandshakeAnswer, handshake } from '../support/handshake';

let sentinels: TestSentinels;
let cluster: TestCluster;
let clients: RustClients;
let calls: Call[];
before(async () => {
  sentinels = await startSentinels();
  cluster = await TestCluster.start({ sentinels });
  clients = await RustClients.start();
  calls = await startCalls(cluster, clients, { name: 'sentinel', rooms: 4 });
  // Nobody is called dead in the first seconds of a registry: that would prove nothing here.
  await sleep(10_000);
});
after(async () => {
  await clients?.close();
  await cluster?.close();
  await sentinels?.close();
});

/** Placements of the calls, as the cluster tells them: "room node epoch". */
async function placements(): Promise<string[]> {
  const rooms = await cluster.admin().rooms();
  const ours = rooms.filter(({ name }) => calls.some(({ room }) => room === name));
  return ours.map(({ name, nodeId, epoch }) => `${name} ${nodeId} ${epoch}`).sort();
}

/** The nodes that Redis itself has a record of. */
const recordsIn = async (redis: TestRedis): Promise<unknown[]> => {
  const ids = await redis.command('HKEYS', '{test}:nodes');
  return Array.isArray(ids) ? ids.toSorted() : [];
};

/** Knocks with a new Room every half second until told to stop, or the test ends. */
function knock({ signal }: TestContext): { stop: () => Promise<HandshakeAnswer[]> } {
  const answers: Promise<HandshakeAnswer>[] = [];
  let stopped = false;
  const knocking = (async () => {
    for (let i = 0; !stopped && !signal.aborted; i++) {
      answers.push(handshake(cluster.httpUrl, await joinToken(cluster, `meanwhile-${i}`, 'one')));
      await sleep(500);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await knocking;
      return Promise.all(answers);
    },
  };
}

test('the primary of Redis is killed and Sentinel fails over: no call notices, no node is called dead', {
  timeout: 180_000,
}, async (t) => {
  const [primary, replica] = sentinels.servers;
  assert.ok(primary && replica);
  const [lost] = calls;
  assert.ok(lost);
  const all = [...cluster.masters, ...cluster.mediaNodes];
  const ids = all.map(({ nodeId }) => nodeId).sort();
  const before = await placements();
  assert.equal(before.length, calls.length);
  assert.deepEqual(await recordsIn(replica), ids, 'the replica does not follow');
  // As if this newest write had not reached the replica: its owner has to assert it again.
  await replica.command('CONFIG', 'SET', 'replica-read-only', 'no');
  assert.equal(await replica.command('HDEL', '{test}:rooms', lost.room), 1);
  for (const node of all) node.takeLog();

  const fromMs = Date.now();
  const knocking = knock(t);
  await primary.kill();
  await until(
    'Sentinel to make the replica the primary',
    async () => String(await replica.command('INFO', 'replication')).includes('role:master'),
    { timeoutMs: 20_000 },
  );
  const promotedMs = Date.now();
  await until(
    'the lost placement to be asserted again',
    async () => (await replica.command('HEXISTS', '{test}:rooms', lost.room)) === 1,
    { timeoutMs: 20_000 },
  );
  const assertedMs = Date.now();
  await cluster.untilServing();
  const servingMs = Date.now();
  // The time in which nobody is called dead, and a look after it.
  await sleep(12_000);
  const answers = await knocking.stop();

  const worst = await assertUndisturbed(calls, fromMs);
  await assertNoneDropped(calls);
  assert.deepEqual(await placements(), before, 'a Room is placed elsewhere, or anew');
  assert.deepEqual(await recordsIn(replica), ids, 'a node was taken away, or took a new id');
  for (const node of all) {
    assert.ok(node.running, `${node.name} ${node.end}`);
    const dead = node.takeLog().match(/.*(?:is dead|found dead|has left).*/g);
    assert.equal(dead, null, `${node.name} called a node dead`);
  }

  const statuses = answers.map(({ status }) => status);
  for (const { status, retryAfter } of answers) {
    assert.ok(status === 101 || (status === 503 && Number(retryAfter) > 0), statuses.join());
  }
  assert.equal(statuses.at(-1), 101, statuses.join());
  t.diagnostic(
    `the next primary after ${promotedMs - fromMs} ms, the lost placement back after ` +
      `${assertedMs - fromMs} ms, all serving after ${servingMs - fromMs} ms; of ` +
      `${statuses.length} new Rooms ${statuses.filter((one) => one === 503).length} got 503; ` +
      `worst gap in a picture ${worst} ms`,
  );
  const api = new RoomServiceClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
  assert.equal((await api.createRoom({ name: 'afterwards', emptyTimeout: 1 })).name, 'afterwards');
  const made = await startCalls(cluster, clients, { name: 'afterwards', rooms: 2 });
  await leaveCalls([...made, ...calls]);
});
