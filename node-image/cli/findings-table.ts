import type { Finding, FindingStatus } from '../findings/finding';
import { printable, tableOf } from './table';

const RESULTS: Readonly<Record<FindingStatus, string>> = {
  ok: 'ok',
  warning: 'warning',
  failed: 'FAILS',
  unchecked: 'not checked',
};

/** What checks have found, as a table; below it what to do, and how many of each there are. */
export function findingsInWords(findings: readonly Finding[], columns: number): string {
  const table = tableOf(
    [{ title: 'Check' }, { title: 'Result' }, { title: 'Found' }],
    findings.map(({ check, status, found }) => [check, RESULTS[status], found]),
    columns,
  );
  // Below the table, where commands are in one piece and can be copied.
  const todos = findings.flatMap(({ check, todo }) =>
    todo === undefined ? [] : [`- ${printable(`${check}: ${todo}`)}\n`],
  );
  const count = (status: FindingStatus): number =>
    findings.filter((each) => each.status === status).length;
  return [
    table,
    ...(todos.length === 0 ? [] : ['\nWhat to do:\n', ...new Set(todos)]),
    `\n${count('ok')} ok, ${count('failed')} failed, ${count('warning')} warned of, ${count('unchecked')} not checked.\n`,
  ].join('');
}
