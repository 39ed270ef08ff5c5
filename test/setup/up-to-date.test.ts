import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const root = path.join(__dirname, '../..');

test('set-up says nothing and takes no time when there is nothing to do', async () => {
  const begun = performance.now();
  const { stdout, stderr } = await execute(process.execPath, ['scripts/setup.mjs'], {
    cwd: root,
    // Without npm on the PATH it cannot begin to install under the feet of other tests.
    env: { ...process.env, PATH: '' },
  });
  assert.equal(stdout + stderr, '');
  // 0.1 s on an idle machine; here other tests run beside it.
  assert.ok(performance.now() - begun < 3_000);
});

test('a worker that does not start is refused with what to do', async () => {
  const run = execute(process.execPath, ['scripts/setup.mjs'], {
    cwd: root,
    env: { ...process.env, PATH: '', MEDIASOUP_WORKER_BIN: '/nowhere/worker' },
  });
  await assert.rejects(run, (error: Error & { stderr: string; code: number }) => {
    assert.equal(error.code, 1);
    assert.match(error.stderr, /MEDIASOUP_WORKER_BIN names \/nowhere\/worker.*unset it/);
    assert.doesNotMatch(error.stderr, /\n\s+at /);
    return true;
  });
});

test('an unknown command is answered with those there are', async () => {
  const run = execute(process.execPath, ['scripts/run.mjs', 'tests'], { cwd: root });
  await assert.rejects(run, /Unknown command "tests": it is one of start, node, test, check/);
});
