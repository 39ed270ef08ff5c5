import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { DrainableJobs } from '../../node-image/cluster/drain-jobs';
import { Ledger } from '../../node-image/cluster/ledger';
import type { NodeState } from '../../node-image/cluster/node-record';
import { OwnAgents } from '../../node-image/lifecycle/agents-own';
import { until } from '../support/wait';

const AGENT = {
  ...{ name: 'greeter', command: '', image: 'registry.example.com/team/greeter:1', args: [] },
  ...{ folder: '', env_file: '/none', cpus: 1, memory: 2 ** 30, count: 2 },
};
const NO_OTHERS: DrainableJobs = {
  ...{ jobs: () => [], kindOf: () => 'egress' },
  ...{ handOver: async () => true, stop: async () => undefined },
};

/** A node beside a systemd, which does what is wanted where the test says so. */
function machine(t: TestContext, options: { cpus?: number; hasUnits?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-units-'));
  if (options.hasUnits !== false) mkdirSync(join(folder, 'order'));
  const ledger = new Ledger({
    capacity: { cpus: options.cpus ?? 2, memoryBytes: 2 ** 31, bytesPerSec: 0, diskBytes: 0 },
  });
  const node: { state: NodeState } = { state: 'serving' };
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const own = new OwnAgents({
    ...{ agents: [AGENT], ledger, state: () => node.state, log, lookMs: 5, unitsFolder: folder },
  });
  const running = (name: string): string => join(folder, 'running', name);
  const runs = (name: string): unknown => mkdirSync(running(name), { recursive: true });
  const ends = (name: string): void => rmSync(running(name), { recursive: true, force: true });
  t.after(async () => {
    for (const name of ['greeter-1', 'greeter-2']) ends(name);
    await own.close();
    rmSync(folder, { recursive: true, force: true });
  });
  own.start();
  const wanted = (): string[] => {
    const text = readFileSync(join(folder, 'order/wanted'), 'utf8');
    return text.split('\n').filter((line) => line !== '');
  };
  return { node, lines, ledger, jobs: own.drainable(NO_OTHERS), wanted, runs, ends };
}
const BOTH = ['greeter-1 serve', 'greeter-2 serve'];
const isWanted = (wanted: () => string[], lines: readonly string[]) => () => {
  try {
    return wanted().join() === lines.join();
  } catch {
    return false;
  }
};

test('containers are wanted where there is room for them, and a drain waits until each has ended', async (t) => {
  const { node, ledger, jobs, wanted, runs, ends } = machine(t);
  await until('both to be wanted', isWanted(wanted, BOTH));
  assert.deepEqual(ledger.reserved('agent'), {
    ...{ cpus: 2, memoryBytes: 2 ** 31, bytesPerSec: 0, diskBytes: 0 },
  });
  for (const name of ['greeter-1', 'greeter-2']) runs(name);
  node.state = 'draining';
  await until('both to be asked', isWanted(wanted, ['greeter-1 drain', 'greeter-2 drain']));
  assert.equal(await jobs.handOver('agent greeter 1', 1000), false, 'it has jobs yet');
  ends('greeter-1');
  await until('one to have ended', () => jobs.jobs().join() === 'agent greeter 2');
  assert.equal(ledger.reserved('agent').cpus, 1);
  node.state = 'serving';
  await until('one to be wanted again', () => wanted()[0] === 'greeter-1 serve');
  ends('greeter-2');
  await until('the other one to be wanted again', isWanted(wanted, BOTH));
});

test('at the deadline a container is killed', async (t) => {
  const { node, jobs, wanted, runs, ends } = machine(t);
  await until('both to be wanted', isWanted(wanted, BOTH));
  runs('greeter-2');
  node.state = 'draining';
  await until('one to be left', () => jobs.jobs().join() === 'agent greeter 2');
  const stopping = jobs.stop('agent greeter 2');
  await until('it to be killed', () => wanted()[1] === 'greeter-2 kill');
  await jobs.handOver('agent greeter 2', 0);
  assert.equal(wanted()[1], 'greeter-2 kill', 'what is to be killed is not asked again');
  ends('greeter-2');
  await stopping;
  assert.deepEqual(jobs.jobs(), []);
});

test('a container that no room is left for is not wanted', async (t) => {
  const { lines, wanted } = machine(t, { cpus: 1.5 });
  await until('one to be refused', () => lines.some((line) => line.includes('no room')));
  assert.deepEqual(wanted(), ['greeter-1 serve']);
});

test('a container that dies is told of, and a node that systemd does not run says so once', async (t) => {
  const { lines, runs, ends, wanted } = machine(t);
  const told = (what: string): number => lines.filter((line) => line.includes(what)).length;
  await until('both to be wanted', isWanted(wanted, BOTH));
  runs('greeter-1');
  await until('it to run', () => told('runs') === 1);
  ends('greeter-1');
  await until('its death', () => told('journalctl -u sluice-agents@greeter-1') === 1);

  const { lines: others } = machine(t, { hasUnits: false });
  const says = (): number => others.filter((line) => line.includes('cannot be started')).length;
  await until('it to say so', () => says() > 0);
  assert.equal(says(), 1);
});
