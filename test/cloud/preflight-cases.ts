import assert from 'node:assert/strict';
import type { Finding, FindingStatus } from '../../node-image/findings/finding';

interface Report {
  readonly findings: readonly Finding[];
}

/** One thing that is out of order, and how it is told. */
export interface Told {
  readonly name: string;
  readonly check: string;
  /** @default failed */
  readonly status?: FindingStatus;
  readonly found: RegExp;
  readonly todo: RegExp;
}

/** All that is not in order. */
export const bad = ({ findings }: Report): Finding[] =>
  findings.filter(({ status }) => status === 'failed' || status === 'warning');

/** That this one thing is told, with what to do, and nothing else is held to be bad. */
export function assertTold(report: Report, { check, status = 'failed', found, todo }: Told): void {
  const told = report.findings.filter((each) => each.check === check && each.status === status);
  const all = JSON.stringify(report.findings, undefined, 1);
  assert.equal(told.length, 1, all);
  assert.match(told[0]?.found ?? '', found);
  assert.match(told[0]?.todo ?? '', todo);
  const others = bad(report).filter((each) => each !== told[0]);
  assert.deepEqual(others, []);
}
