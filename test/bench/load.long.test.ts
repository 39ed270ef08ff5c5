import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureLoadSource, runLoadSourceTests } from '../../bench/load-build';
import { runInNamespace } from '../cluster/chaos/support/run-in-namespace';

const INNER = join(__dirname, 'support', 'load-in-namespace.ts');

test('the load source plays its plans against a Single Node', {
  timeout: 30 * 60_000,
}, async (t) => {
  // In there is no way to the registry of its libraries.
  await ensureLoadSource();
  const { code, output } = await runInNamespace(INNER, (line) => t.diagnostic(line));
  assert.equal(code, 0, output);
});

test('without cargo there is a line that says how to get it', () => {
  const script = `require('${join(__dirname, '..', '..', 'bench', 'load-build')}').ensureLoadSource()
    .catch((error) => console.log(error.message))`;
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], {
    encoding: 'utf8',
    env: { PATH: '', HOME: '/nonexistent', XDG_CACHE_HOME: '/nonexistent' },
  });
  assert.match(stdout, /no cargo on the PATH that is 1\.89 or newer: get it with `curl/);
  assert.equal(stdout.trim().split('\n').length, 1);
});

test("the load source's own tests pass", { timeout: 30 * 60_000 }, async () => {
  await ensureLoadSource();
  await runLoadSourceTests();
});
