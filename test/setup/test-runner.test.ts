import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const root = path.join(__dirname, '../..');
const folders: string[] = [];
after(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Runs a folder with this one test file, and answers the exit code and the last line. */
function runTests(text: string, ...args: string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-tests-'));
  folders.push(folder);
  mkdirSync(path.join(folder, 'test'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(
    path.join(folder, 'test/a.test.ts'),
    `import { before, describe, test } from 'node:test';\n${text}`,
  );
  // A test runner that finds itself inside another one reports to that one.
  const { NODE_TEST_CONTEXT: _outer, ...env } = process.env;
  const { status, stdout } = spawnSync(
    process.execPath,
    [path.join(root, 'scripts/test-runner.mjs'), ...args],
    { cwd: folder, env, encoding: 'utf8' },
  );
  return { status, last: stdout.trim().split('\n').at(-1) ?? '' };
}

test('a run in which everything passes succeeds', () => {
  const { status, last } = runTests("test('a', () => {}); test('b', () => {});");
  assert.equal(status, 0);
  assert.match(last, /^2 passed, 0 failed, 0 skipped, in /);
});

test('a failed test fails the run', () => {
  const { status, last } = runTests("test('a', () => { throw new Error(); });");
  assert.equal(status, 1);
  assert.match(last, /^0 passed, 1 failed/);
});

test('a skipped test and one marked to do fail the run', () => {
  const skipped = runTests("test('a', () => {}); test.skip('b', () => {});");
  assert.equal(skipped.status, 1);
  assert.match(skipped.last, /^1 passed, 0 failed, 1 skipped \(skipped tests count/);
  const todo = runTests("test('a', () => {}); test.todo('b', () => {});");
  assert.equal(todo.status, 1);
});

test('the tests of a suite are counted, a skipped or broken suite fails the run', () => {
  const suite = runTests("describe('s', () => { test('a', () => {}); test('b', () => {}); });");
  assert.equal(suite.status, 0);
  assert.match(suite.last, /^2 passed, 0 failed, 0 skipped/);
  const skipped = runTests(
    "test('a', () => {}); describe.skip('s', () => { test('b', () => {}); });",
  );
  assert.equal(skipped.status, 1);
  const broken = runTests("test('a', () => {}); describe('s', () => { throw new Error('x'); });");
  assert.equal(broken.status, 1);
  const hook =
    "describe('s', () => { before(() => { throw new Error('x'); }); test('b', () => {}); });";
  assert.equal(runTests(hook).status, 1);
});

test('a file without a test fails the run', () => {
  const { status, last } = runTests('export { test };');
  assert.equal(status, 1);
  assert.match(last, /a\.test\.ts has no test/);
});

test('a file that cannot be loaded fails the run', () => {
  const { status, last } = runTests("import './nowhere';");
  assert.equal(status, 1);
  assert.match(last, /^0 passed, 1 failed, 0 skipped, in/);
});

test('a run that was asked for files that do not exist fails', () => {
  const { status, last } = runTests("test('a', () => {});", 'nowhere');
  assert.equal(status, 1);
  assert.match(last, /no test ran/);
});

test('a second try stands for the first, is named, and has to pass', () => {
  const once = `
    import { existsSync, writeFileSync } from 'node:fs';
    test('a', () => {});
    test('b', () => { if (!existsSync('tried')) { writeFileSync('tried', ''); throw new Error(); } });`;
  const passed = runTests(once, '--repeat-failed');
  assert.equal(passed.status, 0);
  assert.match(passed.last, /^2 passed, 0 failed, 0 skipped \(run twice: test\/a\.test\.ts\), in /);
  assert.equal(runTests(once).status, 1);
  const failed = runTests("test('a', () => { throw new Error(); });", '--repeat-failed');
  assert.equal(failed.status, 1);
  assert.match(failed.last, /^0 passed, 1 failed/);
});
