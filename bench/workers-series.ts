/** One Room at the same load on 1, 2 and 4 workers: what it costs to bring its tracks to them. */
import { Metrics } from '../test/support/metrics';
import { type Measurement, measure } from './measure';
import { medianOf } from './report';
import { allScenarios, type Scenario } from './scenarios';
import { type ExtraSeries, markdown } from './series';

const WORKERS = [1, 2, 4] as const;
const SECONDS = 18;
const PASSES = 3;
/** What a packet may cost on several workers, in what it costs on one. */
const LIMIT = 1.2;
/** As the node counts them: a picture and sound, of which these viewers receive the picture. */
const TRACKS_OF_VIEWER = 2;

interface Row {
  readonly scenario: string;
  readonly workers: number;
  /** On how many the Room was. */
  readonly used: number;
  readonly packetsPerSecond: number | undefined;
  readonly cpuMicrosecondsPerPacket: number | undefined;
  /** In what it costs on one worker. */
  readonly ratio: number | undefined;
  readonly lostShare: number;
  readonly latencyMs: { readonly p50: number | undefined; readonly p99: number | undefined };
  readonly doubts: readonly string[];
}

export const workersSeries: ExtraSeries = {
  name: 'workers',
  seconds: WORKERS.length * PASSES * (SECONDS + 6),
  run: async ({ program, address, isSmoke, say }) => {
    const name = isSmoke ? 'viewers-10' : 'viewers-100';
    const scenarios = allScenarios().filter((one) => one.name === name);
    const seconds = isSmoke ? 10 : SECONDS;
    const rows: Row[] = [];
    for (const scenario of scenarios) {
      const runs = new Map<number, { run: Measurement; used: number }[]>();
      // Alternating, so that what changes on the machine meanwhile is nobody's alone.
      for (let pass = 1; pass <= (isSmoke ? 1 : PASSES); pass++) {
        for (const workers of WORKERS) {
          const one = await runOn(workers, scenario, { program, address, seconds });
          runs.set(workers, [...(runs.get(workers) ?? []), one]);
          const cost = one.run.steadyCpuMicrosecondsPerPacket?.toFixed(1) ?? '-';
          say(`${scenario.name}, run ${pass}: Room on ${one.used} workers, ${cost} µs a packet`);
        }
      }
      rows.push(...rowsOf(scenario, runs));
    }
    return {
      series: 'workers',
      title: 'A Room on several workers',
      about: `The same load on 1, 2 and 4 workers, with sluice.tracks_per_worker such that all get as many viewers; medians of ${isSmoke ? 1 : PASSES} runs each, alternating. A packet is to cost at most ${LIMIT} of what it costs on one worker.`,
      table: tableOf(rows),
      notes: rows.flatMap(notesOf),
      figures: rows,
    };
  },
};

async function runOn(
  workers: number,
  scenario: Scenario,
  options: { readonly program: string; readonly address: string; readonly seconds: number },
): Promise<{ run: Measurement; used: number }> {
  // The publisher counts too.
  const tracks = Math.ceil((TRACKS_OF_VIEWER * (scenario.size + 1)) / workers);
  let used: Promise<number | undefined> = Promise.resolve(undefined);
  const run = await measure({
    ...options,
    scenario,
    server: 'sluice',
    peer: '',
    sluice: { workers, tracks_per_worker: workers === 1 ? 0 : tracks },
    onSteady: ({ metricsUrl }) => {
      used = Metrics.scrape(metricsUrl).then((metrics) => metrics.of('media_objects', 'router'));
      used.catch(() => {});
    },
  });
  return { run, used: (await used) ?? 0 };
}

function rowsOf(
  scenario: Scenario,
  runs: ReadonlyMap<number, readonly { readonly run: Measurement; readonly used: number }[]>,
): Row[] {
  const cost = (workers: number): number | undefined =>
    medianOf((runs.get(workers) ?? []).map(({ run }) => run.steadyCpuMicrosecondsPerPacket));
  const [one] = WORKERS;
  const base = cost(one);
  return WORKERS.map((workers) => {
    const all = runs.get(workers) ?? [];
    const mine = cost(workers);
    const latency = (of: 'p50' | 'p99') => medianOf(all.map(({ run }) => run.load.latencyMs[of]));
    return {
      scenario: scenario.name,
      workers,
      used: Math.min(...all.map(({ used }) => used)),
      packetsPerSecond: medianOf(all.map(({ run }) => run.steadyPacketsPerSecond)),
      cpuMicrosecondsPerPacket: mine,
      ratio: mine === undefined || base === undefined ? undefined : mine / base,
      lostShare: Math.max(...all.map(({ run }) => run.lostShare)),
      latencyMs: { p50: latency('p50'), p99: latency('p99') },
      doubts: [...new Set(all.flatMap(({ run }) => run.doubts))],
    };
  });
}

function tableOf(rows: readonly Row[]): string {
  return markdown(
    [
      ...['scenario', 'workers', 'of them the Room is on', 'packets/s', 'CPU µs a packet'],
      ...['of one worker', 'lost %', 'latency p50 ms', 'p99'],
    ],
    rows.map((row) => [
      row.scenario,
      `${row.workers}`,
      `${row.used}`,
      row.packetsPerSecond?.toFixed(0) ?? '',
      row.cpuMicrosecondsPerPacket?.toFixed(1) ?? '',
      row.ratio?.toFixed(2) ?? '',
      (row.lostShare * 100).toFixed(2),
      row.latencyMs.p50?.toFixed(2) ?? '',
      row.latencyMs.p99?.toFixed(1) ?? '',
    ]),
  );
}

function notesOf(row: Row): string[] {
  const where = `${row.scenario} on ${row.workers} workers`;
  return [
    ...(row.used === row.workers ? [] : [`${where}: the Room was on ${row.used}`]),
    ...(row.ratio !== undefined && row.ratio > LIMIT
      ? [`${where}: falls short, ${row.ratio.toFixed(2)} of one worker (at most ${LIMIT})`]
      : []),
    ...row.doubts.map((doubt) => `${where}: ${doubt}`),
  ];
}
