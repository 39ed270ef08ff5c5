import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Durations } from '../../scripts/lib/test-durations.mjs';

test('the files that took longest are named, longest first, and the short ones are not', () => {
  const durations = new Durations();
  durations.add(path.resolve('test/short.test.ts'), 9_999);
  assert.equal(durations.inWords(), '');
  durations.add(path.resolve('test/long.test.ts'), 10_000);
  durations.add(path.resolve('test/longest.test.ts'), 61_000);
  // Of the whole run.
  durations.add(undefined, 90_000);
  assert.deepEqual(durations.inWords().trim().split(/\n\s*/), [
    'The files that took longest:',
    '1 min 1 s  test/longest.test.ts',
    '10.0 s  test/long.test.ts',
  ]);
  for (let i = 0; i < 30; i++) durations.add(path.resolve(`test/${i}.test.ts`), 20_000);
  assert.equal(durations.inWords().trim().split('\n').length, 26);
});
