import type { Finding, FindingStatus } from '../findings/finding';
import { EXIT_FAILED, EXIT_OK } from '../lifecycle/exit-codes';
import { asJson } from './command';
import { printable, tableOf } from './table';

const RESULTS: Readonly<Record<FindingStatus, string>> = {
  ok: 'ok',
  warning: 'warning',
  failed: 'FAILS',
  unchecked: 'not checked',
};

/**
 * What a command that looks for faults prints, and ends with: as a table, or in JSON with facts of what
 * it has looked at.
 */
export function answerOf(
  findings: readonly Finding[],
  facts: Readonly<Record<string, unknown>>,
  { json = false, columns }: { readonly json?: boolean | undefined; readonly columns: number },
): { readonly text: string; readonly exitCode: number } {
  const fails = findings.some(({ status }) => status === 'failed');
  return {
    text: json ? asJson({ ok: !fails, ...facts, findings }) : findingsInWords(findings, columns),
    exitCode: fails ? EXIT_FAILED : EXIT_OK,
  };
}

/** What checks have found, as a table; below it what to do, and how many of each there are. */
function findingsInWords(findings: readonly Finding[], columns: number): string {
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
