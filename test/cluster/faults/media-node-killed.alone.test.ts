import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { median, percentile } from '../../support/measure';
import { until } from '../../support/wait';
import {
  assertNoneDropped,
  assertUndisturbed,
  backTimes,
  callsOn,
  startCalls,
} from '../support/calls';

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

test('a Media Node that is killed: its Rooms go on elsewhere within seconds, the others never notice', {
  timeout: 90_000,
}, async (t) => {
  const cluster = await TestCluster.start();
  closers.push(() => cluster.close());
  const clients = await RustClients.start();
  closers.push(() => clients.close());
  const calls = await startCalls(cluster, clients, { name: 'killed', rooms: 4 });
  const victim = await cluster.roomNode('killed-0');
  const victimId = victim.nodeId;
  const hit = await callsOn(cluster, calls, victim);
  const spared = calls.filter((call) => !hit.includes(call));
  assert.ok(hit.length > 0 && spared.length > 0, 'all Rooms are on one node');
  const sids = await Promise.all(
    hit.map(async ({ room }) => (await cluster.admin().rooms()).find(({ name }) => name === room)),
  );

  const killedMs = Date.now();
  await victim.kill();
  const times = await backTimes(hit, killedMs);
  const [middle, late] = [median(times), percentile(times, 0.95)];
  t.diagnostic(`video again after ${middle} ms at the median, ${late} ms at p95`);
  await assertUndisturbed(spared, killedMs);
  await assertNoneDropped(calls);

  const rooms = await cluster.admin().rooms();
  for (const before of sids) {
    const now = rooms.find(({ name }) => name === before?.name);
    assert.notEqual(now?.nodeId, victimId);
    assert.equal(now?.sid, before?.sid, 'the Room has another sid');
    assert.ok((now?.epoch ?? 0) > (before?.epoch ?? 0), 'the epoch has not grown');
    assert.equal(now?.participants, 2);
  }
  await until('the dead node to be taken off the list', async () => {
    const { nodes } = await cluster.admin().nodes();
    return !nodes.some(({ id }) => id === victimId);
  });
});
