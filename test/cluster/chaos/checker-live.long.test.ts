import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runInNamespace } from './support/run-in-namespace';

test('the checker finds what is wrong with a broken build, and nothing in the one as it is', {
  timeout: 4 * 60_000,
}, async (t) => {
  const { code, output } = await runInNamespace(
    join(__dirname, 'support', 'broken-in-namespace.ts'),
    (line) => t.diagnostic(line),
  );
  assert.equal(code, 0, output);
  assert.match(output, /pass 2\b/);
  assert.match(output, /skipped 0\b/);
});
