import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { runInNamespace } from './run-in-namespace';

/** Runs of random faults, in a network of their own. CHAOS_SEED and CHAOS_RUNS say otherwise. */
export async function runChaos(
  t: TestContext,
  { runs, seed }: { readonly runs: number; readonly seed: number },
): Promise<void> {
  const { code, output } = await runInNamespace(
    join(__dirname, 'chaos-in-namespace.ts'),
    (line) => t.diagnostic(line),
    { CHAOS_RUNS: String(runs), CHAOS_SEED: String(seed) },
  );
  assert.equal(code, 0, output);
  assert.match(output, /pass 1\b/);
  assert.match(output, /skipped 0\b/);
}
