import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { DrainableJobs } from '../../node-image/cluster/drain-jobs';
import type { NodeState } from '../../node-image/cluster/node-record';
import { LiveKitUnits } from '../../node-image/lifecycle/livekit-units';
import { until } from '../support/wait';

const NO_OTHERS: DrainableJobs = {
  jobs: () => ['EG_own'],
  kindOf: () => 'egress',
  handOver: async (id) => id === 'EG_own',
  stop: async () => undefined,
};

/** A machine whose systemd runs livekit/egress, and does what the node wants. */
function machine(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'livekit-units-'));
  mkdirSync(join(folder, 'order'));
  const running = join(folder, 'running/egress');
  mkdirSync(running, { recursive: true });
  const node: { state: NodeState } = { state: 'serving' };
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const units = new LiveKitUnits({
    ...{ services: ['egress', 'ingress'], state: () => node.state, log, folder, lookMs: 5 },
  });
  t.after(() => {
    units.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const wanted = (): string => readFileSync(join(folder, 'order/wanted'), 'utf8').trim();
  const ends = (): void => rmSync(running, { recursive: true });
  return { folder, node, lines, units, jobs: units.drainable(NO_OTHERS), wanted, ends };
}

test('a drain has the services told to end, and waits for those that run', async (t) => {
  const { node, units, jobs, wanted, ends } = machine(t);
  units.start();
  assert.equal(wanted(), 'serve');
  assert.deepEqual(jobs.jobs(), ['EG_own', 'livekit/egress'], 'the other one does not run');
  node.state = 'draining';
  await until('the services to be told', () => wanted() === 'drain');
  assert.equal(await jobs.handOver('livekit/egress', 1000), false, 'it has jobs yet');
  assert.equal(await jobs.handOver('EG_own', 1000), true, 'others are asked as before');
  ends();
  assert.equal(await jobs.handOver('livekit/egress', 1000), true);
  assert.deepEqual(jobs.jobs(), ['EG_own']);
  node.state = 'serving';
  await until('the services to run again', () => wanted() === 'serve');
});

test('at the deadline they are killed, and stay so until the node serves again', async (t) => {
  const { node, units, jobs, wanted, ends } = machine(t);
  units.start();
  node.state = 'draining';
  let isEnded = false;
  const stopping = jobs.stop('livekit/egress').then(() => {
    isEnded = true;
  });
  assert.equal(wanted(), 'kill');
  await jobs.handOver('livekit/egress', 0);
  assert.equal(wanted(), 'kill', 'what is to be killed is not asked again');
  assert.equal(isEnded, false);
  ends();
  await stopping;
});

test('a node that systemd does not run says that nobody follows, once', async (t) => {
  const { folder, lines, units, jobs } = machine(t);
  rmSync(join(folder, 'order'), { recursive: true });
  units.start();
  await jobs.handOver('livekit/egress', 0);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /cannot be told to run: units of `install\.sh` run them/);
});
