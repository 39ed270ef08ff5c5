/** What a run of the bench leaves: figures as JSON, tables as Markdown, plots as SVG. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { Ceiling } from './plan-of-runs';
import { type Line, plot } from './plot';
import { type Cell, costOf, doubtsOf, ratiosOf, tableOf } from './report';
import type { Extra } from './series';
import { sentenceOf, targetsOf } from './targets';
import { type Trend, trendsOf } from './trend';

export interface Results {
  readonly repeat: number;
  readonly seconds: number;
  readonly cells: readonly Cell[];
  readonly ceilings: readonly Ceiling[];
  /** Of the series that are no scenario: the control plane, drain, the floor by itself, `lk`. */
  readonly extras: readonly Extra[];
  /** Runs that came to no figures, in words. */
  readonly failures: readonly string[];
}

/** Writes `<name>.json`, `<name>.md` and `<name>-<series>.svg` to a folder. */
export async function writeResults(folder: string, name: string, results: Results): Promise<void> {
  const { cells, ceilings, extras, failures, repeat, seconds } = results;
  await mkdir(folder, { recursive: true });
  const machine = {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    measuredAt: new Date().toISOString(),
  };
  const trends = trendsOf(cells);
  const targets = targetsOf(cells, trends);
  const json = {
    machine,
    repeat,
    seconds,
    cells: cells.map(({ scenario, server, runs, floor }) => ({
      scenario: scenario.name,
      series: scenario.series,
      size: scenario.size,
      about: scenario.about,
      server,
      runs,
      ...(floor === undefined ? {} : { floor }),
    })),
    ceilings,
    trends,
    targets,
    extras,
    failures,
  };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);

  const about = [...new Map(cells.map(({ scenario }) => [scenario.name, scenario.about]))];
  const doubts = doubtsOf(cells);
  const text = [
    `# ${name}`,
    `Medians of up to ${repeat} runs of up to ${seconds} s each, servers alternating, each run on a fresh server. ${machine.cores} cores (${machine.processor}), which server and load source share; Node.js ${machine.node}; ${machine.measuredAt}.`,
    ...(cells.length === 0 ? [] : [tableOf(cells)]),
    list(about.map(([key, sentence]) => `${key}: ${sentence}`)),
    titled('Targets', list(targets.map(sentenceOf))),
    titled('How cost grows', list(trends.map(trendSentence))),
    titled('The largest that was carried', list(ceilings.map(ceilingSentence))),
    list(ratiosOf(cells)),
    ...extras.map(({ title, about: sentence, table, notes = [] }) =>
      titled(title, [sentence, table, list(notes)].filter(Boolean).join('\n\n')),
    ),
    titled('To be doubted', list(doubts)),
    titled('Without figures', list(failures)),
  ];
  await writeFile(join(folder, `${name}.md`), `${text.filter(Boolean).join('\n\n')}\n`);
  await writePlots(folder, name, cells, trends);
}

async function writePlots(
  folder: string,
  name: string,
  cells: readonly Cell[],
  trends: readonly Trend[],
): Promise<void> {
  for (const series of new Set(cells.map(({ scenario }) => scenario.series))) {
    const lines = costLines(cells.filter(({ scenario }) => scenario.series === series));
    // One point makes no line.
    if (lines.some(({ points }) => points.length > 1)) {
      const svg = plot({ title: `CPU a forwarded packet: ${series}`, x: series, y: 'µs', lines });
      await writeFile(join(folder, `${name}-${series}.svg`), svg);
    }
    const own = trends.filter((trend) => trend.series === series);
    const [first] = own;
    if (first !== undefined) {
      const svg = plot({
        title: `How cost grows: ${series}`,
        x: first.x,
        y: first.y,
        lines: own.map(({ server, points }) => ({ name: server, points })),
      });
      await writeFile(join(folder, `${name}-${series}-growth.svg`), svg);
    }
  }
}

/** One of each server, and the floor below them. */
function costLines(cells: readonly Cell[]): readonly Line[] {
  const lineOf = (name: string, of: readonly Cell[], y: (cell: Cell) => number | undefined) => ({
    name,
    points: of.flatMap((cell) => {
      const value = y(cell);
      return value === undefined ? [] : [{ x: cell.scenario.size, y: value }];
    }),
  });
  const servers = [...new Set(cells.map(({ server }) => server))];
  const [first] = servers;
  const floor = lineOf(
    'floor',
    cells.filter(({ server }) => server === first),
    (cell) => cell.floor?.cpuMicrosecondsPerPacket,
  );
  return [
    ...servers.map((server) =>
      lineOf(
        server,
        cells.filter((cell) => cell.server === server),
        costOf,
      ),
    ),
    ...(floor.points.length === 0 ? [] : [floor]),
  ];
}

const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

const titled = (title: string, text: string): string =>
  text === '' ? '' : `## ${title}\n\n${text}`;

function trendSentence({ server, x, y, fit, points }: Trend): string {
  const error = fit.exponentError === undefined ? '' : ` ± ${fit.exponentError.toFixed(2)}`;
  const sizes = points.map((point) => point.x).join(', ');
  return `${server}, ${y} against ${x} (${sizes}): power ${fit.exponent.toFixed(2)}${error}; line ${fit.base.toPrecision(3)} + ${fit.slope.toPrecision(3)} × ${x}, R² ${fit.r2.toFixed(3)}`;
}

function ceilingSentence({ series, server, carried, failed, why }: Ceiling): string {
  const end = failed === undefined ? why : `not ${failed}: ${why}`;
  return `${series}, ${server}: ${carried ?? 'none'} (${end})`;
}
