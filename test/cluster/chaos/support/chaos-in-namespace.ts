/** Run by chaos.long.test.ts, in a network of its own, where cables can be cut. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { report } from '../../../support/measure-report';
import { Chaos, type RunResult } from './chaos';
import type { Violation } from './checker';
import { describePlan, FAULTS, planOf } from './plan';
import { chaosReport } from './report';

/** Runs on one cluster before a new one is started. */
const RUNS_A_CLUSTER = 12;
const runs = Number(process.env['CHAOS_RUNS'] ?? 24);
const first = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);

// Each process that is started is killed with this one.
process.setMaxListeners(100);
let chaos: Chaos | undefined;
const writeLog = (): void => {
  const file = process.env['CHAOS_LOG'];
  if (file !== undefined && chaos !== undefined) writeFileSync(file, chaos.log());
};
after(() => {
  writeLog();
  return chaos?.close();
});

test('random faults, run after run', { timeout: 30 * 60_000 }, async (t) => {
  const results: RunResult[] = [];
  const atTheEnd: Violation[] = [];
  const counts = new Map(FAULTS.map((kind) => [kind, 0]));
  for (let done = 0; done < runs; ) {
    chaos = await Chaos.start();
    for (const end = Math.min(runs, done + RUNS_A_CLUSTER); done < end; done++) {
      const plan = planOf(first + done);
      t.diagnostic(describePlan(plan));
      const result = await chaos.run(plan);
      results.push(result);
      for (const { rule, text, atMs } of result.violations) {
        t.diagnostic(`  ${rule}: ${text} (from ${new Date(atMs).toISOString()})`);
      }
      t.diagnostic(
        `  took ${result.tookMs} ms, calm after ${result.calmMs} ms, ${result.joins} joins, ${result.refused} refused`,
      );
      for (const one of result.amiss) t.diagnostic(`  not well: ${one}`);
    }
    atTheEnd.push(...(await chaos.leave()));
    for (const [kind, count] of chaos.counts) counts.set(kind, (counts.get(kind) ?? 0) + count);
    writeLog();
    await chaos.close();
    chaos = undefined;
  }
  await report(t, chaosReport(results, counts));
  const violations = [...results.flatMap((result) => result.violations), ...atTheEnd];
  assert.deepEqual(violations, []);
  if (runs >= FAULTS.length) {
    assert.deepEqual(
      [...counts].filter(([, count]) => count === 0),
      [],
      'a kind of fault has not happened',
    );
  }
});
