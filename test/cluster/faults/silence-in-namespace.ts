/** Run by silence.slow.test.ts, in the network that in-namespace.sh makes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RustClients } from '../../support/call-client-rust';
import { type ClusterNode, TestCluster } from '../../support/cluster';
import { type Spread, spread } from '../../support/measure';
import { goalFigures, type Row, report } from '../../support/measure-report';
import { sleep, until } from '../../support/wait';
import {
  assertNoneDropped,
  assertUndisturbed,
  backTimes,
  type Call,
  callsOn,
  leaveCalls,
  startCalls,
  untilFlowing,
} from '../support/calls';

let cluster: TestCluster;
let clients: RustClients;
before(async () => {
  cluster = await TestCluster.start({ namespaces: true });
  clients = await RustClients.start();
  // Nobody is called dead in the first seconds of a registry.
  await sleep(10_000);
});
after(async () => {
  await clients?.close();
  await cluster?.close();
});

const rows: Row[] = [];
const options = { timeout: 90_000 };

function keep(name: string, figures: Spread): void {
  rows.push({ case: name, figures: goalFigures(figures, { median: 10_000, p95: 10_000 }) });
}

async function scene(name: string): Promise<{ victim: ClusterNode; calls: Call[]; hit: Call[] }> {
  const calls = await startCalls(cluster, clients, { name, rooms: 4 });
  const victim = await cluster.roomNode(`${name}-0`);
  const hit = await callsOn(cluster, calls, victim);
  assert.ok(hit.length > 0);
  return { victim, calls, hit };
}

test(
  'a node that falls silent: its Rooms are elsewhere; wanted: within 10 s at p95',
  options,
  async () => {
    const { victim, calls, hit } = await scene('silent');
    const spared = calls.filter((call) => !hit.includes(call));
    assert.ok(spared.length > 0, 'all Rooms are on one node');
    const cutMs = Date.now();
    await victim.cut();
    const times = await backTimes(hit, cutMs);
    const figures = spread(times);
    keep('Media Node silent, its cable cut', figures);
    await assertUndisturbed(spared, cutMs);
    await assertNoneDropped(calls);

    // It has missed all of that, and still serves its old Rooms, to nobody.
    const mendedMs = Date.now();
    await victim.mend();
    await until('it to be taken up again', async () =>
      (await cluster.admin().nodes()).nodes.some(
        ({ id, state, stale }) => id === victim.nodeId && state === 'serving' && !stale,
      ),
    );
    await until('it to give its old Rooms up', async () => {
      const { nodes } = await cluster.admin().nodes();
      return nodes.find(({ id }) => id === victim.nodeId)?.record.load.rooms === 0;
    });
    await assertUndisturbed(calls, mendedMs);
    await leaveCalls(calls);
  },
);

test('a node that is silent for two seconds keeps its Rooms', options, async (t) => {
  const { victim, calls, hit } = await scene('short');
  const cutMs = Date.now();
  await victim.cut();
  await sleep(2_000);
  await victim.mend();
  await Promise.all(hit.map((call) => untilFlowing(call, cutMs + 2_000)));
  await sleep(5_000);
  for (const { room } of hit) assert.equal((await cluster.roomNode(room)).name, victim.name);
  for (const member of hit.flatMap(({ members }) => members)) {
    const { events } = await member.status(cutMs);
    assert.ok(!events.some(({ name }) => name === 'participantDisconnected'), member.identity);
  }
  t.diagnostic('after two seconds without packets nobody had to join again');
  await assertNoneDropped(calls);
  await leaveCalls(calls);
});

test('a node that hangs, with its connections open: as if it were silent', options, async () => {
  const { victim, calls, hit } = await scene('frozen');
  const frozenMs = Date.now();
  const thaw = await victim.freeze();
  const times = await backTimes(hit, frozenMs);
  const figures = spread(times);
  keep('Media Node hung, its connections open', figures);
  const thawedMs = Date.now();
  thaw();
  await sleep(5_000);
  await assertUndisturbed(calls, thawedMs);
  await assertNoneDropped(calls);
  await leaveCalls(calls);
});

test('the figures are told', async (t) => {
  assert.equal(rows.length, 2);
  const times = ['median', 'p95', 'p99', 'worst'];
  await report(t, {
    name: 'cluster-media-node-silent',
    about:
      'Packets of a Media Node vanish, or its process and workers hang, under calls of two with sound ' +
      'and a small picture; counted is the time until the picture of the other is decoded again, for ' +
      'each client of the Rust SDK. Clients and cluster share the machine.',
    units: Object.fromEntries(times.map((name) => [name, 'ms'])),
    rows,
  });
});
