/** Finds the costs of a node by what the bench measured, and says how far they are off. Pure. */
import { fcnnlsVector } from 'ml-fcnnls';
import {
  bytesOfTraffic,
  type Compared,
  type Costs,
  type CpuCosts,
  coresOfNode,
  coresOfTraffic,
  type MemoryCosts,
  type Validated,
} from '../node-image/capacity/costs';
import { NO_TRAFFIC, type Traffic } from '../node-image/capacity/traffic';
import {
  type BenchResults,
  CPU_COSTS,
  type CpuRow,
  cpuRowsOf,
  isUsable,
  type Measured,
  measuredOf,
  steadyOf,
} from './fit-rows';
import { meanJoinSeconds, trafficOfScenario } from './fit-traffic';
import type { Measurement } from './measure';
import { medianOf } from './report';
import { allScenarios, type Scenario } from './scenarios';

/**
 * What the fit is not told of, and is then held against: sizes between others, sizes beyond, and shapes
 * that it has not seen.
 */
export const HELD_OUT = [
  'viewers-50',
  'viewers-200',
  'viewers-400',
  'meeting-4-20',
  'audio-5-50',
  'rooms-2',
  'rooms-6',
  'rooms-12',
  'rooms-24',
  'sizes-30',
] as const;

export interface FitOptions {
  readonly results: BenchResults;
  /** @default HELD_OUT */
  readonly heldOut?: readonly string[];
  /** @default allScenarios() */
  readonly scenarios?: readonly Scenario[];
}

export type FittedCosts = Pick<Costs, 'cpu' | 'memory' | 'fit' | 'validation'>;

interface Cell {
  readonly name: string;
  readonly scenario: Scenario | undefined;
  readonly runs: readonly Measurement[];
}

/** @throws Error where too little was measured, with what is missing. */
export function fitCosts(options: FitOptions): FittedCosts {
  const { results, heldOut = HELD_OUT, scenarios = allScenarios() } = options;
  const cells = results.cells
    .filter(({ server }) => server === 'sluice')
    .map(({ scenario: name, runs }) => ({
      name,
      scenario: scenarios.find((one) => one.name === name),
      runs: runs.filter(isUsable),
    }))
    .filter(({ runs }) => runs.length > 0);
  const told = cells.filter(({ name }) => !heldOut.includes(name));
  const held = cells.filter(({ name }) => heldOut.includes(name));
  const rows = told.flatMap(({ scenario, runs }) =>
    runs.flatMap((run) => cpuRowsOf(run, scenario === undefined ? 0 : meanJoinSeconds(scenario))),
  );
  demand(told, held, rows, heldOut);
  const cpu = fitCpu(rows);
  const memory = fitMemory(told.flatMap(({ runs }) => runs));
  return {
    cpu,
    memory,
    fit: told.flatMap((cell) => fitted(cell, cpu)),
    validation: {
      cpu: held.flatMap((cell) => {
        const predict = (traffic: Traffic): number => coresOf(cpu, traffic);
        return predicted(cell, ({ cores }) => cores, predict);
      }),
      packets: held.flatMap((cell) => {
        const predict = ({ forwardedAudio, forwardedVideo }: Traffic): number =>
          forwardedAudio + forwardedVideo;
        const all = predicted(cell, ({ packetsPerSecond }) => packetsPerSecond, predict);
        return all.filter((one) => one.of === 'description');
      }),
      memory: held.flatMap((cell) => {
        const predict = (traffic: Traffic): number =>
          memory.nodeBytes + bytesOfTraffic(memory, traffic);
        return predicted(cell, ({ bytes }) => bytes, predict);
      }),
    },
  };
}

function demand(
  told: readonly Cell[],
  held: readonly Cell[],
  rows: readonly CpuRow[],
  heldOut: readonly string[],
): void {
  const names = (cells: readonly Cell[]): string =>
    cells.map(({ name }) => name).join(', ') || 'none';
  const silent = CPU_COSTS.filter((_, i) => rows.every(({ counts }) => counts[i] === 0));
  if (silent.length > 0 || told.length < 4) {
    throw new Error(
      `the results have too little to fit costs to: usable scenarios are ${names(told)}, and nothing says what these cost: ${silent.join(', ') || 'all together'}; run the bench with all of its scenarios`,
    );
  }
  if (!held.some(({ scenario }) => scenario !== undefined)) {
    throw new Error(
      `the results have nothing to validate the costs by: usable are ${names([...told, ...held])}, held out are ${heldOut.join(', ')}; run the bench with one of these too, or name others by --hold-out`,
    );
  }
}

/**
 * Costs that are 0 or more and make the least relative errors: a small run counts as much as a large
 * one.
 */
function fitCpu(rows: readonly CpuRow[]): CpuCosts {
  const found = leastSquares(
    rows.map(({ counts, microseconds }) => counts.map((count) => count / microseconds)),
    rows.map(() => 1),
  );
  const named = Object.fromEntries(CPU_COSTS.map((name, i) => [name, found[i] ?? 0]));
  return named as Record<(typeof CPU_COSTS)[number], number>;
}

function fitMemory(runs: readonly Measurement[]): MemoryCosts {
  const nodeBytes = medianOf(runs.map((run) => run.rssIdleBytes)) ?? 0;
  const grown = runs.map((run) => Math.max(1, run.rssPeakBytes - run.rssIdleBytes));
  const [participantBytes = 0, subscriptionBytes = 0] = leastSquares(
    runs.map(({ load }) => [load.clients.joined, load.received.streams]),
    grown,
  );
  return { nodeBytes, participantBytes, subscriptionBytes };
}

/** Columns are scaled, as counts differ by millions. */
function leastSquares(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  const columns = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i] ?? 0))) ?? [];
  const scaled = rows.map((row) => row.map((value, i) => value / (columns[i] || 1)));
  const { K } = fcnnlsVector(scaled, [...values]);
  return K.to1DArray().map((value, i) => value / (columns[i] || 1));
}

const coresOf = (cpu: CpuCosts, traffic: Traffic): number =>
  coresOfNode(cpu) + coresOfTraffic(cpu, traffic);

/** What the fit makes of what it was told: the steady part, medians. */
function fitted({ name, runs }: Cell, cpu: CpuCosts): readonly Compared[] {
  const steady = runs.map(steadyOf).filter((one) => one !== undefined);
  const measured = medianOf(steady.map(({ cores }) => cores));
  const again = medianOf(steady.map(({ traffic }) => coresOf(cpu, { ...NO_TRAFFIC, ...traffic })));
  if (measured === undefined || again === undefined) return [];
  return [compare(name, measured, again)];
}

/**
 * From the description, as `sluice plan` does it. Where the load source sent less than that in every
 * run, it is no fault of the prediction: then from what it sent.
 */
function predicted(
  { name, scenario, runs }: Cell,
  measuredBy: (measured: Measured) => number,
  predictBy: (traffic: Traffic) => number,
): readonly Validated[] {
  if (scenario === undefined) return [];
  const complete = runs.filter(({ load }) => !load.self.isBottleneck);
  const measured = measuredOf(complete.length > 0 ? complete : runs);
  if (measured === undefined) return [];
  const isComplete = complete.length > 0;
  const traffic = isComplete ? trafficOfScenario(scenario) : measured.traffic;
  return [
    {
      ...compare(name, measuredBy(measured), predictBy(traffic)),
      of: isComplete ? 'description' : 'packets',
    },
  ];
}

const compare = (scenario: string, measured: number, predicted: number): Compared => ({
  scenario,
  measured: rounded(measured),
  predicted: rounded(predicted),
  error: Number((predicted / measured - 1).toFixed(3)),
});

const rounded = (value: number): number => Number(value.toPrecision(4));
