/** How long calls are without a picture when a server dies: the table of bench/results. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CallClients } from '../../support/call-client';
import { JsClients } from '../../support/call-client-js';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { type Spread, spread } from '../../support/measure';
import { type Goal, goalFigures, type Row, report } from '../../support/measure-report';
import { assertNoneDropped, backTimes, callsOn, leaveCalls, startCalls } from '../support/calls';

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start();
});
after(async () => {
  await cluster?.close();
});

const rows: Row[] = [];
const options = { timeout: 300_000 };

/** Kills the node of the first Room, again and again, and starts it anew each time. */
async function killTimes(clients: CallClients, name: string, rooms: number, rounds: number) {
  const times: number[] = [];
  const calls = await startCalls(cluster, clients, { name, rooms });
  for (let round = 0; round < rounds; round++) {
    const victim = await cluster.roomNode(`${name}-0`);
    const hit = await callsOn(cluster, calls, victim);
    const killedMs = Date.now();
    await victim.kill();
    times.push(...(await backTimes(hit, killedMs)));
    await victim.start();
    await cluster.untilServing();
  }
  await assertNoneDropped(calls);
  await leaveCalls(calls);
  return spread(times);
}

function keep(name: string, figures: Spread, goal: Goal): void {
  rows.push({ case: name, figures: goalFigures(figures, goal) });
}

test(
  'Rust clients of a Media Node that is killed are back; wanted: 2 s at the median, 3 s at p95',
  options,
  async () => {
    const clients = await RustClients.start();
    try {
      const figures = await killTimes(clients, 'rust', 6, 5);
      keep('Media Node killed, Rust SDK', figures, { median: 2_000, p95: 3_000 });
    } finally {
      await clients.close();
    }
  },
);

test(
  'JS clients of a Media Node that is killed are back; wanted: 3 s at the median, 6 s at p95',
  options,
  async () => {
    const clients = await JsClients.start();
    try {
      const figures = await killTimes(clients, 'js', 2, 3);
      keep('Media Node killed, JS SDK', figures, { median: 3_000, p95: 6_000 });
    } finally {
      await clients.close();
    }
  },
);

test('the figures are told', async (t) => {
  assert.equal(rows.length, 2);
  const times = ['median', 'p95', 'p99', 'worst'];
  await report(t, {
    name: 'cluster-media-node-killed',
    about:
      'A Media Node is killed with SIGKILL under calls of two with sound and a small picture; ' +
      'counted is the time until the picture of the other is decoded again, for each client and kill. ' +
      'Clients and cluster share the machine.',
    units: Object.fromEntries(times.map((name) => [name, 'ms'])),
    rows,
  });
});
