import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Spread } from './measure';

const RESULTS = join(__dirname, '..', '..', 'bench', 'results');

/** One row: what was done, and the figures of it by name. */
export interface Row {
  readonly case: string;
  readonly figures: Readonly<Record<string, number | string>>;
}

export interface Report {
  /** Of the files: "cluster-failure". */
  readonly name: string;
  /** What was measured and how, in a sentence or two. */
  readonly about: string;
  /** Of each column with a unit: "ms". */
  readonly units?: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** The columns of times that were spread. */
export const spreadFigures = ({ count, ...rest }: Spread): Row['figures'] => ({
  clients: count,
  ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, Math.round(value)])),
});

/** What times should be, ms. What else runs on a machine makes them longer: a test says so, and does not fail. */
export interface Goal {
  readonly median: number;
  readonly p95?: number;
}

/** The columns of times that were spread, and whether they are what is wanted. */
export function goalFigures(times: Spread, { median, p95 }: Goal): Row['figures'] {
  const isReached = times.median <= median && (p95 === undefined || times.p95 <= p95);
  const wanted = p95 === undefined ? `${median}` : `${median} / ${p95}`;
  return { ...spreadFigures(times), wanted, reached: isReached ? 'yes' : 'no' };
}

/** A table as Markdown has it, in columns that line up. */
export function table(report: Report): string {
  const names = [...new Set(report.rows.flatMap(({ figures }) => Object.keys(figures)))];
  const unit = (name: string): string => {
    const text = report.units?.[name];
    return text === undefined ? name : `${name}, ${text}`;
  };
  const cells = [
    ['case', ...names.map(unit)],
    ...report.rows.map((row) => [row.case, ...names.map((name) => `${row.figures[name] ?? ''}`)]),
  ];
  const widths = [0, ...names.map((_, i) => i + 1)].map((column) =>
    Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head = [], ...rest] = cells;
  return [line(head), rule, ...rest.map(line)].join('\n');
}

/**
 * Prints a report, and keeps it in `bench/results` where BENCH_RESULTS=1: a run of the tests on
 * somebody's machine shall not change what is committed.
 */
export async function report(test: TestContext, what: Report): Promise<void> {
  for (const line of [what.about, ...table(what).split('\n')]) test.diagnostic(line);
  if (process.env['BENCH_RESULTS'] !== '1') return;
  const machine = {
    cores: availableParallelism(),
    node: process.version,
    platform: process.platform,
  };
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, what.name);
  await writeFile(`${file}.json`, `${JSON.stringify({ ...what, machine }, null, 2)}\n`);
  const facts = `${machine.cores} cores, ${machine.platform}, Node.js ${machine.node}`;
  await writeFile(`${file}.md`, `# ${what.name}\n\n${what.about}\n\n${table(what)}\n\n${facts}\n`);
}
