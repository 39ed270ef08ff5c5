/** Measures the servers, alternating. Started by bench.mjs in a network namespace of its own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureLoadSource } from './load-build';
import { type Measurement, measure } from './measure';
import { type Line, plot } from './plot';
import { type Cell, costOf, doubtsOf, medianOf, ratiosOf, tableOf } from './report';
import { allScenarios, type Scenario } from './scenarios';
import type { ServerKind } from './servers';

/** Larger scenarios of a series are left out for a server that lost more than this. */
const LOSS_LIMIT = 0.005;
const ADDRESS = '10.87.0.1';

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true, default: [] },
    repeat: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '24' },
    peer: { type: 'string', default: '' },
    name: { type: 'string', default: 'bench' },
    out: { type: 'string', default: join(__dirname, 'results') },
  },
});

async function main(): Promise<void> {
  const scenarios = chosen(values.scenario);
  const repeat = within('--repeat', values.repeat, 1, 20);
  const seconds = within('--seconds', values.seconds, 5, 600);
  const servers: readonly ServerKind[] = values.peer ? ['sluice', 'livekit-server'] : ['sluice'];
  if (!values.peer) {
    console.log(
      'No livekit-server on the PATH and none given by --peer: Sluice is measured alone.',
    );
  }
  const program = await ensureLoadSource();
  const cells: Cell[] = [];
  const overloaded = new Set<string>();
  for (const scenario of scenarios) {
    const runs = new Map<ServerKind, Measurement[]>();
    for (let i = 0; i < repeat; i++) {
      for (const server of servers) {
        if (overloaded.has(`${server} ${scenario.series}`)) continue;
        const run = await measure({
          scenario,
          server,
          peer: values.peer,
          program,
          address: ADDRESS,
          seconds,
        });
        runs.set(server, [...(runs.get(server) ?? []), run]);
        console.log(lineOf(run, i + 1));
      }
    }
    for (const [server, all] of runs) {
      cells.push({ scenario, server, runs: all });
      if ((medianOf(all.map((run) => run.lostShare)) ?? 0) > LOSS_LIMIT) {
        overloaded.add(`${server} ${scenario.series}`);
      }
    }
    // After each, so that what was measured stays when a run is ended.
    await write(cells, { repeat, seconds });
  }
  console.log(`\n${tableOf(cells)}\n\n${[...ratiosOf(cells), ...doubtsOf(cells)].join('\n')}`);
}

function lineOf(run: Measurement, number: number): string {
  const cost = run.steadyCpuMicrosecondsPerPacket ?? run.cpuMicrosecondsPerPacket;
  const doubts = run.doubts.length > 0 ? ` (${run.doubts.join('; ')})` : '';
  return `${run.scenario} ${run.server} ${number}: ${run.forwarded} packets, ${cost?.toFixed(1) ?? '-'} µs CPU each, ${(run.lostShare * 100).toFixed(2)} % lost${doubts}`;
}

function chosen(names: readonly string[]): readonly Scenario[] {
  const all = allScenarios();
  const unknown = names.filter(
    (name) => !all.some((one) => one.name === name || one.series === name),
  );
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ');
    throw new Error(
      `--scenario ${unknown.join(' ')} is not known: give one of ${known}, or a series`,
    );
  }
  return names.length === 0
    ? all
    : all.filter((one) => names.includes(one.name) || names.includes(one.series));
}

function within(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw new Error(`${option} is "${text}": a number from ${least} to ${most} is allowed`);
}

async function write(
  cells: readonly Cell[],
  run: { readonly repeat: number; readonly seconds: number },
): Promise<void> {
  const { out, name } = values;
  await mkdir(out, { recursive: true });
  const machine = {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    measuredAt: new Date().toISOString(),
  };
  const json = {
    machine,
    ...run,
    cells: cells.map(({ scenario, server, runs }) => ({
      scenario: scenario.name,
      about: scenario.about,
      server,
      runs,
    })),
  };
  await writeFile(join(out, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);
  const about = [...new Map(cells.map(({ scenario }) => [scenario.name, scenario.about]))];
  const text = [
    `# ${name}`,
    `Medians of up to ${run.repeat} runs of ${run.seconds} s each, servers alternating, each run on a fresh server. ${machine.cores} cores (${machine.processor}), which server and load source share; Node.js ${machine.node}; ${machine.measuredAt}.`,
    tableOf(cells),
    list(about.map(([key, sentence]) => `${key}: ${sentence}`)),
    list(ratiosOf(cells)),
    doubtsOf(cells).length > 0 ? `To be doubted:\n\n${list(doubtsOf(cells))}` : '',
  ];
  await writeFile(join(out, `${name}.md`), `${text.filter(Boolean).join('\n\n')}\n`);
  for (const series of new Set(cells.map(({ scenario }) => scenario.series))) {
    const lines = linesOf(cells.filter(({ scenario }) => scenario.series === series));
    // One point makes no line.
    if (!lines.some(({ points }) => points.length > 1)) continue;
    const svg = plot({ title: `CPU a forwarded packet: ${series}`, x: series, y: 'µs', lines });
    await writeFile(join(out, `${name}-${series}.svg`), svg);
  }
}

function linesOf(cells: readonly Cell[]): readonly Line[] {
  return [...new Set(cells.map(({ server }) => server))].map((server) => ({
    name: server,
    points: cells
      .filter((cell) => cell.server === server)
      .flatMap((cell) => {
        const y = costOf(cell);
        return y === undefined ? [] : [{ x: cell.scenario.size, y }];
      }),
  }));
}

const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
