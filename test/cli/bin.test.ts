/** bin/sluice: the program as it is installed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { until, within } from '../support/wait';
import { FakeAdmin } from './fake-admin';
import { nodesView, nodeView, ORDER, progress } from './views';

const REPOSITORY = resolve(__dirname, '../..');
const BIN = join(REPOSITORY, 'bin/sluice');

let admin: FakeAdmin;
let folder = '';
before(async () => {
  admin = new FakeAdmin();
  await admin.listen();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-bin-')));
});
after(() => {
  admin.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(file: string, args: readonly string[]) {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'secret' };
  const child: ChildProcess = spawn(process.execPath, [file, ...args], { cwd: folder, env });
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<number | NodeJS.Signals | null>((done) => {
    child.once('close', (code, signal) => done(code ?? signal));
  });
  return { child, ended, output: () => output, errors: () => errors };
}

async function run(file: string, ...args: string[]) {
  const running = start(file, args);
  const code = await within(args.join(' '), running.ended, 30_000);
  return { code, output: running.output(), errors: running.errors() };
}

test('sluice runs from any folder, through a link, and finds files where it was called', async () => {
  const link = join(folder, 'linked');
  symlinkSync(BIN, link);
  // Of whoever works in that folder, and nothing to sluice.
  writeFileSync(join(folder, 'tsconfig.json'), 'not even JSON');
  writeFileSync(join(folder, 'room.yaml'), 'room: {}\n');
  admin.answers.set('PUT config', [200, { version: 1, warnings: [] }]);
  const { code, output, errors } = await run(
    link,
    'config',
    'set',
    'room.yaml',
    '--url',
    admin.url,
  );
  assert.deepEqual([code, errors], [0, '']);
  assert.match(output, /^Announced as version 1/);
  assert.deepEqual(admin.asked[0]?.body, { yaml: 'room: {}\n' });
});

test('sluice ends with the exit code of what it ran', async () => {
  assert.equal((await run(BIN, 'nods')).code, 2);
  const away = await run(BIN, 'nodes', '--url', 'http://127.0.0.1:1');
  assert.equal(away.code, 3);
  assert.match(away.errors, /^No Master Node answers.*\n$/);
});

test('sluice ends when it is told to, and the drain that it watched goes on', async () => {
  const node = nodeView('ND_1', {
    state: 'draining',
    order: ORDER,
    record: { drain: progress({ roomsLeft: 1 }) },
  });
  const ordered = { nodeId: 'ND_1', order: ORDER, changed: true, nowMs: 0 };
  admin.answers.set('POST nodes/ND_1/drain', [200, ordered]);
  admin.answers.set('GET nodes', [200, nodesView([node])]);
  admin.asked.length = 0;
  const running = start(BIN, ['drain', 'ND_1', '--wait', '--url', admin.url]);
  await until('it watches', () => running.errors().includes('1 Room'), { timeoutMs: 30_000 });
  running.child.kill('SIGTERM');
  assert.equal(await within('the end', running.ended), 128 + 15);
  assert.ok(admin.asked.every(({ what }) => !what.includes('undrain')));
});

test('sluice says in one line what to run where set-up never was', async () => {
  const copy = join(folder, 'fresh checkout');
  for (const part of ['bin', 'scripts', 'package.json']) {
    cpSync(join(REPOSITORY, part), join(copy, part), { recursive: true });
  }
  for (const args of [['nodes'], ['up'], ['serve', '--dev']]) {
    const { code, output, errors } = await run(join(copy, 'bin/sluice'), ...args);
    assert.deepEqual([code, output], [1, '']);
    assert.equal(errors, `Sluice is not set up here yet. Run: npm run setup --prefix '${copy}'\n`);
  }
});
