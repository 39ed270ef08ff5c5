import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  filesToRepeat,
  inGroups,
  judge,
  parseTestArguments,
  selectTestFiles,
} from '../../scripts/lib/test-files.mjs';

const files = [
  'test/room/grants.test.ts',
  'test/media/ladder.test.ts',
  'test/media/soak.slow.test.ts',
  'test/media/chance.long.test.ts',
  'test/support/client.ts',
];

test('runs the fast files by default and the slow ones alone', () => {
  const fast = ['test/media/ladder.test.ts', 'test/room/grants.test.ts'];
  assert.deepEqual(selectTestFiles(files, { slow: false, parts: [] }), fast);
  assert.deepEqual(selectTestFiles(files, { slow: true, parts: [] }), [
    'test/media/soak.slow.test.ts',
  ]);
});

test('picks files by a part of their path, and a slow one by its whole path', () => {
  const pick = (...parts: string[]) => selectTestFiles(files, { slow: false, parts });
  assert.deepEqual(pick('media'), ['test/media/ladder.test.ts']);
  assert.deepEqual(pick('./test/media/soak.slow.test.ts'), ['test/media/soak.slow.test.ts']);
  assert.deepEqual(pick('test/media/chance.long.test.ts'), ['test/media/chance.long.test.ts']);
  assert.deepEqual(pick('nowhere'), []);
});

test('reads its options and says what is allowed', () => {
  const request = parseTestArguments(['room', '--name', 'joins', '--concurrency', '3'], 8);
  const plain = { slow: false, repeat: false };
  assert.deepEqual(request, { ...plain, parts: ['room'], name: 'joins', concurrency: 3 });
  assert.equal(parseTestArguments(['--repeat-failed'], 8).repeat, true);
  assert.throws(() => parseTestArguments(['--watch'], 2), /unknown option --watch: give/);
  assert.throws(() => parseTestArguments(['--concurrency', '0'], 2), /whole number from 1/);
});

test('passes only when something ran and nothing failed or was skipped', () => {
  assert.deepEqual(judge({ passed: 3, failed: 0, skipped: 0 }, []), {
    ok: true,
    line: '3 passed, 0 failed, 0 skipped',
  });
  assert.equal(judge({ passed: 3, failed: 1, skipped: 0 }, []).ok, false);
  assert.equal(judge({ passed: 3, failed: 0, skipped: 1 }, []).ok, false);
  assert.match(judge({ passed: 0, failed: 0, skipped: 0 }, []).line, /no test ran/);
  assert.match(judge({ passed: 1, failed: 0, skipped: 0 }, ['a.test.ts']).line, /a\.test\.ts has/);
});

test('files that need the machine for themselves run first, one at a time', () => {
  const alone = 'test/clients/suite.alone.test.ts';
  assert.deepEqual(inGroups(['test/a.test.ts', alone, 'test/b.test.ts'], 4), [
    { files: [alone], concurrency: 1 },
    { files: ['test/a.test.ts', 'test/b.test.ts'], concurrency: 4 },
  ]);
  assert.deepEqual(inGroups([alone], 4), [{ files: [alone], concurrency: 1 }]);
  const slow = ['test/image/boot.slow.test.ts', 'test/aws-lab/stack.slow.test.ts'];
  const measuring = ['test/constructs/time.alone.slow.test.ts', 'test/cluster/chaos.long.test.ts'];
  assert.deepEqual(inGroups([...slow, ...measuring], 2), [
    { files: measuring, concurrency: 1 },
    { files: slow, concurrency: 2 },
  ]);
});

test('a few failed files are given a second try where that is asked for', () => {
  const failed = (...files: string[]) => ({ failed: () => files });
  assert.deepEqual(filesToRepeat(failed('a', 'b'), { repeat: true }), ['a', 'b']);
  assert.deepEqual(filesToRepeat(failed('a', 'b'), { repeat: false }), []);
  assert.deepEqual(filesToRepeat(failed('a', 'b', 'c', 'd', 'e'), { repeat: true }), []);
  const all = { passed: 3, failed: 0, skipped: 0 };
  assert.equal(judge(all, [], ['a', 'b']).line, '3 passed, 0 failed, 0 skipped (run twice: a, b)');
});
