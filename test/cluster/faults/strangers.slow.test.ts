import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NodeRecord } from '../../../node-image/cluster/node-record';
import { RustClients } from '../../support/call-client-rust';
import { type ClusterNode, TestCluster } from '../../support/cluster';
import { sleep, until } from '../../support/wait';
import { assertUndisturbed, type Call, callsOn, leaveCalls, startCalls } from '../support/calls';
import { connectRegistry } from '../support/registry-redis';

let cluster: TestCluster;
let clients: RustClients;
let calls: Call[];
before(async () => {
  cluster = await TestCluster.start();
  clients = await RustClients.start();
  calls = await startCalls(cluster, clients, { name: 'steady', rooms: 2 });
});
after(async () => {
  await clients?.close();
  await cluster?.close();
});

const options = { timeout: 90_000 };

const recordOf = async (node: ClusterNode): Promise<NodeRecord> =>
  (await cluster.admin().node(node.nodeId)).record;

test(
  'a Media Node with another cluster secret is given no Room, and the log says why',
  options,
  async () => {
    const fromMs = Date.now();
    const stranger = await cluster.addMediaNode({
      sluice: { cluster: { secret: 'not-the-secret-of-this-cluster-of-the-tests' } },
    });
    try {
      // Whether it is asked or only seen: no client gets stuck on it.
      const made = await startCalls(cluster, clients, { name: 'stranger', rooms: 6 });
      assert.deepEqual(await callsOn(cluster, made, stranger), []);
      await until('the log to name the secret', () => {
        const lines = cluster.log().split('\n');
        return lines.some((line) => /secret/.test(line) && line.includes(stranger.nodeId));
      });
      assert.ok(!cluster.log().includes('not-the-secret'), 'a secret is in a log');
      await leaveCalls(made);
    } finally {
      await stranger.kill();
    }
    await assertUndisturbed(calls, fromMs);
  },
);

test(
  'a Media Node that speaks another version of the node link is given no Room',
  options,
  async () => {
    const [node] = cluster.mediaNodes;
    assert.ok(node);
    const { registry } = await connectRegistry(cluster.redis.config, 'test');
    const record = await recordOf(node);
    const newer: NodeRecord = {
      ...record,
      id: 'ND_ofanotherrelease',
      linkProtocol: record.linkProtocol + 1,
      load: { ...record.load, rooms: 0, cpuLoad: 0, clients: 0 },
    };
    await registry.heartbeat(newer, []);
    try {
      const explained = await cluster.admin().explain('not-there-yet');
      assert.ok(cluster.mediaNodes.some(({ nodeId }) => nodeId === explained.wouldGoTo));
      const sentences = explained.nodes.find(({ nodeId }) => nodeId === newer.id)?.sentences;
      assert.match(String(sentences), /of the node link/);
      const made = await startCalls(cluster, clients, { name: 'version', rooms: 4 });
      const rooms = await cluster.admin().rooms();
      assert.ok(!rooms.some(({ nodeId }) => nodeId === newer.id));
      await leaveCalls(made);
    } finally {
      await registry.forgetNode(newer.id);
      await registry.close();
    }
  },
);

test(
  'two processes under one id: the one that came later ends, the first serves on',
  options,
  async () => {
    const [node] = cluster.mediaNodes;
    assert.ok(node);
    const fromMs = Date.now();
    const { registry } = await connectRegistry(cluster.redis.config, 'test');
    const record = await recordOf(node);
    const later = await registry.heartbeat({ ...record, startedAtMs: record.startedAtMs + 1 }, []);
    assert.equal(later.duplicate, true);
    await registry.close();
    await sleep(5_000);
    assert.ok(node.running, 'the first one has ended');
    await assertUndisturbed(calls, fromMs);
  },
);

test(
  'a node whose clock is an hour ahead serves, drains by its time and hands over',
  options,
  async () => {
    const ahead = await cluster.addMediaNode();
    await ahead.kill();
    await ahead.start({
      NODE_OPTIONS: `--require=${require.resolve('../support/clock-ahead.cjs')}`,
    });
    await cluster.untilServing();
    const fromMs = Date.now();
    const made = await startCalls(cluster, clients, { name: 'ahead', rooms: 6 });
    assert.ok((await callsOn(cluster, made, ahead)).length > 0, 'it was given no Room');
    const drained = await cluster.admin().drain(ahead.nodeId, { patience: '3s', deadline: '40s' });
    await sleep(1_500);
    assert.ok((await callsOn(cluster, made, ahead)).length > 0, 'it did not wait');
    await until('it to be empty', async () => (await callsOn(cluster, made, ahead)).length === 0, {
      timeoutMs: 20_000,
    });
    const took = Date.now() - fromMs;
    assert.ok(
      took < 40_000,
      `the drain took ${took} ms; the order was ${JSON.stringify(drained.order)}`,
    );
    await leaveCalls(made);
    await assertUndisturbed(calls, fromMs);
  },
);
