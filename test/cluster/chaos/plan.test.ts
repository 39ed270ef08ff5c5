import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePlan, FAULTS, planOf } from './support/plan';

const seeds = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

test('the same seed has the same faults at the same times, another seed has others', () => {
  assert.deepEqual(planOf(7), planOf(7));
  const plans = new Set(seeds(0, 200).map((seed) => JSON.stringify({ ...planOf(seed), seed: 0 })));
  assert.equal(plans.size, 200);
});

test('24 runs one after the other have every kind of fault at least twice, wherever they begin', () => {
  for (const first of [0, 1, 5, 11, 12_345, 999_983]) {
    const kinds = seeds(first, 24).flatMap((seed) => planOf(seed).faults.map(({ kind }) => kind));
    for (const kind of FAULTS) {
      assert.ok(kinds.filter((one) => one === kind).length >= 2, `${kind} from seed ${first}`);
    }
  }
});

test('each run has four or five faults within ten seconds, none longer than twelve', () => {
  for (const { faults, moves } of seeds(0, 500).map(planOf)) {
    assert.ok(faults.length === 4 || faults.length === 5);
    for (const { atMs, lastsMs, target } of [...faults, ...moves]) {
      assert.ok(atMs >= 0 && atMs <= 10_000);
      assert.ok(lastsMs >= 0 && lastsMs <= 12_000);
      assert.ok(target >= 0 && target < 1);
    }
    assert.deepEqual(
      faults.map(({ atMs }) => atMs),
      faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
    );
  }
});

test('a plan is described by its seed and its faults', () => {
  const fault = { kind: 'redis paused', atMs: 1_500, lastsMs: 4_000, target: 0 } as const;
  assert.equal(
    describePlan({ seed: 3, faults: [fault, { ...fault, lastsMs: 0 }], moves: [] }),
    'seed 3: redis paused at 1.5 s for 4.0 s, redis paused at 1.5 s',
  );
});
