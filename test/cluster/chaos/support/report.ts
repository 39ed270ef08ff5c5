import type { Report } from '../../../support/measure-report';
import type { RunResult } from './chaos';
import { RULES } from './checker';
import type { FaultKind } from './plan';

/** The table of all runs: what happened how often, and what was found. */
export function chaosReport(
  results: readonly RunResult[],
  counts: ReadonlyMap<FaultKind, number>,
): Report {
  const found = results.flatMap(({ violations }) => violations);
  const sum = (of: (result: RunResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const seeds = results.map(({ plan }) => plan.seed);
  const row = (name: string, count: number) => ({ case: name, figures: { count } });
  return {
    name: 'chaos',
    about:
      `${results.length} runs of random faults (seeds ${seeds.at(0)} to ${seeds.at(-1)}) on 2 Master ` +
      'Nodes, 3 Media Nodes and Redis, with calls of 2 and 3 whose clients come and go.',
    rows: [
      ...[...counts].map(([kind, count]) => row(kind, count)),
      row(
        'joins',
        sum(({ joins }) => joins),
      ),
      row(
        'looks at all nodes',
        sum(({ looks }) => looks),
      ),
      ...RULES.map((rule) =>
        row(`found: ${rule}`, found.filter((one) => one.rule === rule).length),
      ),
    ],
  };
}
