import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { DrainableJobs } from '../../../node-image/cluster/drain-jobs';
import { Ledger } from '../../../node-image/cluster/ledger';
import type { NodeState } from '../../../node-image/cluster/node-record';
import { OwnAgents } from '../../../node-image/lifecycle/agents-own';
import { log } from '../../media/support/media';
import { until } from '../../support/wait';

/** Writes down what it was given, dies where it is told to, and ends on SIGTERM after a moment. */
const PROGRAM = `
const { appendFileSync } = require('node:fs');
const note = (what) => appendFileSync(process.env.NOTES, what + '\\n');
note('start ' + JSON.stringify({ args: process.argv.slice(2), names: Object.keys(process.env).sort(), secret: process.env.LIVEKIT_API_SECRET }));
process.on('SIGTERM', () => {
  note('asked to end');
  if (process.argv[2] !== 'stubborn') setTimeout(() => process.exit(0), 200);
});
if (process.argv[2] === 'dies') process.exit(3);
setInterval(() => {}, 1000);
`;

let folder: string;
let state: NodeState;
let own: OwnAgents | undefined;
const ledger = new Ledger({ capacity: { cpus: 2, memoryBytes: 0, bytesPerSec: 0, diskBytes: 0 } });

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'own-agents-'));
  await writeFile(join(folder, 'worker.cjs'), PROGRAM);
});
afterEach(async () => {
  await own?.close();
  own = undefined;
});
after(() => rm(folder, { recursive: true }));

async function start(
  name: string,
  mode: string,
  changes: { cpus?: number; fileMode?: number } = {},
) {
  state = 'serving';
  const env_file = join(folder, `${name}.env`);
  const text = `NOTES=${join(folder, name)}\nLIVEKIT_API_SECRET="a # secret"\n`;
  await writeFile(env_file, text, { mode: changes.fileMode ?? 0o600 });
  own = new OwnAgents({
    agents: [
      {
        ...{ name, command: process.execPath, args: ['worker.cjs', mode], folder, env_file },
        ...{ image: '', memory: 0, cpus: changes.cpus ?? 1, count: 2 },
      },
    ],
    ledger,
    state: () => state,
    log,
    lookMs: 20,
  });
  own.start();
  return own;
}

const notes = async (name: string): Promise<string[]> =>
  (await readFile(join(folder, name), 'utf8').catch(() => '')).trim().split('\n');
const others: DrainableJobs = {
  jobs: () => ['EG_1'],
  kindOf: () => 'egress',
  handOver: async () => true,
  stop: async () => {},
};

test('workers run with the environment of their file and none of the node, and take their CPU of the ledger', async () => {
  process.env['A_SECRET_OF_THE_NODE'] = 'x';
  const agents = await start('good', 'works');
  await until('both to run', async () => (await notes('good')).length === 2);
  assert.deepEqual([agents.pids().length, ledger.reserved('agent').cpus], [2, 2]);
  const [first = ''] = await notes('good');
  const { args, names, secret } = JSON.parse(first.replace('start ', ''));
  assert.deepEqual([args, secret], [['works'], 'a # secret']);
  assert.ok(!names.includes('A_SECRET_OF_THE_NODE') && !names.includes('NODE_OPTIONS'), names);
  delete process.env['A_SECRET_OF_THE_NODE'];
});

test('a worker that dies is started again', async () => {
  await start('mortal', 'dies');
  await until('it to be started again', async () => (await notes('mortal')).length >= 4);
});

test('a worker that has no room on the node is not started, nor one whose file is open to others', async () => {
  const large = await start('large', 'works', { cpus: 3 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(large.pids(), []);
  await large.close();
  const open = await start('open', 'works', { fileMode: 0o604 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual([open.pids(), ledger.reserved('agent').cpus], [[], 0]);
});

test('a drain asks workers to end, counts them until they have, and starts them again when it is taken back', async () => {
  const agents = await start('drained', 'works');
  const drainable = agents.drainable(others);
  await until('both to run', async () => (await notes('drained')).length === 2);
  state = 'draining';
  assert.deepEqual(drainable.jobs(), ['EG_1', 'agent drained 1', 'agent drained 2']);
  assert.deepEqual(drainable.jobs().map(drainable.kindOf), [
    ...['egress', 'agent_worker', 'agent_worker'],
  ]);
  await until('both to have ended', () => drainable.jobs().length === 1);
  assert.deepEqual((await notes('drained')).slice(2), ['asked to end', 'asked to end']);
  assert.equal(ledger.reserved('agent').cpus, 0);
  state = 'serving';
  await until('both to run again', async () => (await notes('drained')).length === 6);
});

test('the deadline of a drain ends who does not end by itself', async () => {
  const agents = await start('stubborn', 'stubborn');
  const drainable = agents.drainable(others);
  await until('both to run', async () => (await notes('stubborn')).length === 2);
  state = 'draining';
  await until('both to be asked', async () => (await notes('stubborn')).length === 4);
  assert.equal(await drainable.handOver('agent stubborn 1', 1000), false);
  await Promise.all(['agent stubborn 1', 'agent stubborn 2'].map((id) => drainable.stop(id)));
  assert.deepEqual([drainable.jobs(), agents.pids()], [['EG_1'], []]);
});
