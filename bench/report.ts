/** Tables of what was measured. */
import type { Floor } from './floor';
import type { Measurement } from './measure';
import type { Scenario } from './scenarios';
import type { ServerKind } from './servers';

/** The runs of one server at one scenario. */
export interface Cell {
  readonly scenario: Scenario;
  readonly server: ServerKind;
  readonly runs: readonly Measurement[];
  /** Of encrypting and sending the same packets; undefined where no sound and no picture was sent. */
  readonly floor?: Floor | undefined;
}

/** Figures of the table, each with its name and how it is got from a run. */
const COLUMNS: readonly (readonly [
  string,
  (run: Measurement, cell: Cell) => number | undefined | null,
  number,
])[] = [
  ['packets/s', (run) => run.steadyPacketsPerSecond, 0],
  ['CPU µs a packet, steady', (run) => run.steadyCpuMicrosecondsPerPacket, 1],
  ['CPU µs a packet, with joins', (run) => run.cpuMicrosecondsPerPacket, 1],
  ['floor µs', (_, cell) => cell.floor?.cpuMicrosecondsPerPacket, 1],
  ['× floor', (_, cell) => timesFloor(cell), 1],
  ['server CPU s', (run) => run.serverCpuSeconds, 2],
  ['lost %', (run) => run.lostShare * 100, 2],
  ['first frame p50 ms', (run) => run.load.firstFrameMs.p50, 0],
  ['p95', (run) => run.load.firstFrameMs.p95, 0],
  ['p99', (run) => run.load.firstFrameMs.p99, 0],
  ['latency p50 ms', (run) => run.load.latencyMs.p50, 2],
  ['p99 ', (run) => run.load.latencyMs.p99, 1],
  ['jitter p50 ms', (run) => run.load.jitterMs.p50, 2],
  ['p99  ', (run) => run.load.jitterMs.p99, 1],
  ['first 20 s kbit/s', (run) => perThousand(run.load.first20s.bitsPerSecond), 0],
  ['kB a participant', (run) => run.bytesPerParticipant / 1000, 0],
  ['kB a subscription', (run) => perThousand(run.bytesPerSubscription), 0],
  ['descriptors a participant', (run) => run.fileDescriptorsPerParticipant, 2],
];

const perThousand = (value: number | null | undefined): number | undefined =>
  value == null ? undefined : value / 1000;

/** The middle one of the values that there are. */
export function medianOf(values: readonly (number | null | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value != null).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Median CPU a packet of a cell: of the steady state where there was one. */
export const costOf = ({ runs }: Cell): number | undefined =>
  medianOf(runs.map((run) => run.steadyCpuMicrosecondsPerPacket ?? run.cpuMicrosecondsPerPacket));

/** What a packet costs, in floors. */
export function timesFloor(cell: Cell): number | undefined {
  const [cost, floor] = [costOf(cell), cell.floor?.cpuMicrosecondsPerPacket];
  return cost === undefined || floor === undefined ? undefined : cost / floor;
}

/** Markdown: medians of the runs, ratios of both servers, and what is to be doubted. */
export function tableOf(cells: readonly Cell[]): string {
  const rows = [
    ['scenario', 'server', 'runs', ...COLUMNS.map(([name]) => name.trim())],
    ...cells.map((cell) => [
      cell.scenario.name,
      cell.server,
      `${cell.runs.length}`,
      ...COLUMNS.map(
        ([, value, digits]) =>
          medianOf(cell.runs.map((run) => value(run, cell)))?.toFixed(digits) ?? '',
      ),
    ]),
  ];
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  const rule = `|${rows[0]?.map((_, i) => (i < 2 ? ' --- ' : ' ---: ')).join('|')}|`;
  const [head = [], ...rest] = rows;
  return [line(head), rule, ...rest.map(line)].join('\n');
}

/** Lines that compare Sluice with the peer in scenarios where both ran. */
export function ratiosOf(cells: readonly Cell[]): readonly string[] {
  return cells
    .filter(({ server }) => server === 'sluice')
    .flatMap((ours) => {
      const theirs = cells.find(
        (cell) => cell.server !== 'sluice' && cell.scenario.name === ours.scenario.name,
      );
      const [a, b] = [costOf(ours), theirs && costOf(theirs)];
      if (a === undefined || b === undefined || b === 0) return [];
      return [`${ours.scenario.name}: CPU a packet ${(a / b).toFixed(2)} of livekit-server's`];
    });
}

/** What is to be doubted of which run. */
export function doubtsOf(cells: readonly Cell[]): readonly string[] {
  return cells.flatMap(({ scenario, server, runs }) =>
    runs.flatMap((run, i) =>
      run.doubts.map((doubt) => `${scenario.name}, ${server}, run ${i + 1}: ${doubt}`),
    ),
  );
}
