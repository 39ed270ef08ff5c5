import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runInNamespace } from './support/run-in-namespace';

/** Of 24 runs; CHAOS_SEED and CHAOS_RUNS repeat some of them. */
test('24 runs of random faults: no Room twice, nobody stuck, no call dropped, nothing leaked', {
  timeout: 30 * 60_000,
}, async (t) => {
  const { code, output } = await runInNamespace(
    join(__dirname, 'support', 'chaos-in-namespace.ts'),
    (line) => t.diagnostic(line),
  );
  assert.equal(code, 0, output);
  assert.match(output, /pass 1\b/);
  assert.match(output, /skipped 0\b/);
});
