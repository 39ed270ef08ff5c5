/** `sluice` on a cluster of real processes. */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import type { ConfigView } from '../../node-image/api/cluster/config-routes';
import type { AddedKey } from '../../node-image/api/cluster/keys-routes';
import type { NodesView, RoomView } from '../../node-image/cluster/admin-views';
import type { JobExplanation } from '../../node-image/jobs/placement/job-explain';
import { type ClusterNode, TestCluster } from '../support/cluster';
import { until } from '../support/wait';
import { run as runProgram } from './program-process';

let cluster: TestCluster;
let api: RoomServiceClient;

before(
  async () => {
    const drain = { patience: '0s', deadline: '1m' };
    cluster = await TestCluster.start({ masters: 2, mediaNodes: 2, config: { sluice: { drain } } });
    api = new RoomServiceClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
  },
  { timeout: 60_000 },
);
after(() => cluster?.close(), { timeout: 30_000 });

const sluice = (...argv: string[]) =>
  runProgram([...argv, '--url', cluster.url], {
    LIVEKIT_API_KEY: cluster.apiKey,
    LIVEKIT_API_SECRET: cluster.apiSecret,
  });

async function json<T>(...argv: string[]): Promise<T> {
  const { code, output, errors } = await sluice(...argv, '--json');
  assert.equal(code, 0, errors);
  return JSON.parse(output) as T;
}

const nodeOf = async (room: string): Promise<string> => {
  const { rooms } = await json<{ rooms: RoomView[] }>('rooms');
  return rooms.find(({ name }) => name === room)?.nodeId ?? '';
};

const stateOf = async (id: string): Promise<string | undefined> =>
  (await json<NodesView>('nodes')).nodes.find((node) => node.id === id)?.state;

describe('sluice on a real cluster', () => {
  test('shows its nodes and Rooms, and why a Room is where it is', async () => {
    await api.createRoom({ name: 'shown', emptyTimeout: 600 });
    const { nodes } = await json<NodesView>('nodes');
    assert.deepEqual(nodes.map(({ record, state }) => `${record.role} ${state}`).sort(), [
      'master serving',
      'master serving',
      'media serving',
      'media serving',
    ]);
    const host = await nodeOf('shown');
    assert.ok(cluster.mediaNodes.some(({ nodeId }) => nodeId === host));
    const { code, output } = await sluice('explain', 'room', 'shown');
    assert.equal(code, 0);
    assert.match(output, new RegExp(`^Room shown runs on ${host} `));
    assert.match((await sluice('nodes')).output, new RegExp(`\\| ${host} +\\| media +\\| serving`));
  });

  test('says where an Egress and an Ingress would go, and why not elsewhere', async () => {
    const all = cluster.mediaNodes.map(({ nodeId }) => nodeId).sort();
    for (const kind of ['egress', 'ingress']) {
      const type = kind === 'egress' ? 'room-composite' : 'url';
      const view = await json<JobExplanation>('explain', kind, '--type', type);
      assert.deepEqual([view.kind, view.type, view.cpus], [kind, type, kind === 'egress' ? 3 : 2]);
      const media = view.nodes.filter(({ nodeId }) => all.includes(nodeId));
      assert.deepEqual(media.map(({ nodeId }) => nodeId).sort(), all);
      // These nodes have a core each.
      assert.equal(view.wouldGoTo, undefined);
      for (const { sentences } of media) {
        assert.match(sentences.join(), /the job needs \d CPU cores, and [\d.]+ are free|runs no/);
      }
      const { output } = await sluice('explain', kind, '--type', type);
      assert.match(output, /would be refused \(503\): no node takes it\.\n/);
    }
  });

  test('drains a node and waits until its Rooms are elsewhere, and takes that back', async () => {
    await api.createRoom({ name: 'moved', emptyTimeout: 600 });
    const host = await nodeOf('moved');
    const { code, output, errors } = await sluice(
      ...['drain', host, '--patience', '0', '--deadline', '1m', '--wait'],
    );
    assert.equal(code, 0, output + errors);
    assert.match(
      output,
      new RegExp(`^${host} drains: its Rooms are moved now, .*\n${host} is empty`),
    );
    const now = await nodeOf('moved');
    assert.ok(now !== '' && now !== host, now);
    assert.equal(await stateOf(host), 'drained');

    assert.equal((await sluice('undrain', host)).code, 0);
    await until('it serves again', async () => (await stateOf(host)) === 'serving');
    const { output: audit } = await sluice('audit');
    assert.match(audit, /sluice drain/);
  });

  test('removes a node once it is empty, and by force at once, with what it ends', async () => {
    await api.createRoom({ name: 'kept', emptyTimeout: 600 });
    const host = await nodeOf('kept');
    const removed = await sluice('remove', host, '--patience', '0');
    assert.equal(removed.code, 0, removed.errors);
    assert.match(removed.output, /Nothing is lost/);
    assert.equal(await stateOf(host), 'drained');
    const next = await nodeOf('kept');
    assert.notEqual(next, host);
    await cluster.node(host).restart();
    await cluster.untilServing();
    const forced = await sluice('remove', next, '--force');
    assert.equal(forced.code, 0, forced.errors);
    assert.match(forced.output, /Interrupted: \d+ Rooms? with 0 participants: .*kept/);
    await cluster.node(next).restart();
    await cluster.untilServing();
  });

  test('is refused with a key that the cluster does not know', async () => {
    const { code, errors } = await runProgram(['nodes', '--url', cluster.url], {
      LIVEKIT_API_KEY: 'stranger',
      LIVEKIT_API_SECRET: 'secret',
    });
    assert.deepEqual([code, errors], [1, 'invalid API key\n']);
  });

  test('announces a configuration, and all nodes take it one by one, with their Rooms moved', {
    timeout: 150_000,
  }, async () => {
    await api.createRoom({ name: 'rolled', emptyTimeout: 600 });
    const file = join(mkdtempSync(join(tmpdir(), 'sluice-cli-')), 'room.yaml');
    writeFileSync(file, 'room:\n  max_partcipants: 3\n');
    const wrong = await sluice('config', 'set', file);
    assert.equal(wrong.code, 2);
    assert.ok(wrong.errors.startsWith(`${file}:2:3: room.max_partcipants is not a known key; did`));
    writeFileSync(file, 'room:\n  max_participants: 3\n');
    const set = await sluice('config', 'set', file);
    assert.equal(set.code, 0, set.errors);

    // What systemd does on a machine: a node that has ended is started again.
    let leaving = 0;
    let most = 0;
    const restarts = new Map<ClusterNode, Promise<void>>();
    const supervise = setInterval(() => {
      const down = [...cluster.masters, ...cluster.mediaNodes].filter((node) => !node.running);
      most = Math.max(most, down.length);
      for (const node of down.filter((one) => !restarts.has(one))) {
        leaving += 1;
        restarts.set(
          node,
          node.start().finally(() => restarts.delete(node)),
        );
      }
    }, 100);
    try {
      await until(
        'all nodes run with version 1',
        async () => {
          // The master that was asked may just be the one that leaves.
          const { code, output } = await sluice('config', 'status', '--json');
          const view = code === 0 ? (JSON.parse(output) as ConfigView) : undefined;
          return (
            view?.nodes.length === 4 && view.nodes.every(({ configVersion }) => configVersion === 1)
          );
        },
        { timeoutMs: 120_000, intervalMs: 500 },
      );
    } finally {
      clearInterval(supervise);
      await Promise.all(restarts.values());
    }
    assert.deepEqual([leaving, most], [4, 1], 'each node once, one at a time');
    await cluster.untilServing();
    const [room] = await api.listRooms(['rolled']);
    assert.ok(room, 'the Room was moved, not ended');
    const later = await api.createRoom({ name: 'later' });
    assert.equal(later.maxParticipants, 3);
  });

  test('changes the API key while all nodes run', async () => {
    const { apiKey, secret } = await json<AddedKey>('keys', 'add');
    const asNew = { LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: secret };
    for (const master of cluster.masters) {
      const rooms = new RoomServiceClient(master.httpUrl, apiKey, secret);
      await until(`${master.name} takes the new key`, () =>
        rooms.listRooms().then(
          () => true,
          () => false,
        ),
      );
    }
    const url = ['--url', cluster.url];
    const retired = await runProgram(['keys', 'retire', cluster.apiKey, ...url], asNew);
    assert.deepEqual([retired.code, retired.errors], [0, '']);
    for (const master of cluster.masters) {
      const rooms = new RoomServiceClient(master.httpUrl, cluster.apiKey, cluster.apiSecret);
      await until(`${master.name} refuses the old key`, () =>
        rooms.listRooms().then(
          () => false,
          () => true,
        ),
      );
    }
    const last = await runProgram(['keys', 'retire', apiKey, ...url], asNew);
    assert.equal(last.code, 1);
    assert.match(last.errors, /is the only API key that can be used/);
    const stored = await cluster.redis.command('keys', '*');
    assert.ok(Array.isArray(stored) && stored.length > 0);
    assert.ok(!cluster.log().includes(secret), 'the secret is in no log');
  });
});
