/** Measures the servers, alternating. Started by bench.mjs in a network namespace of its own. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { controlSeries } from './control-series';
import { drainSeries } from './drain-series';
import { type Floor, Floors } from './floor';
import { floorSeries } from './floor-series';
import { lkSeries } from './lk-series';
import { ensureLoadSource } from './load-build';
import { type Measurement, measure } from './measure';
import { durationOf, Limits, secondsOf, type Turn, turnsOf } from './plan-of-runs';
import { type Cell, doubtsOf, ratiosOf, tableOf } from './report';
import { writeResults } from './results';
import { allScenarios, type Scenario } from './scenarios';
import type { Extra, ExtraSeries } from './series';
import type { ServerKind } from './servers';
import { socketsSeries } from './sockets-series';
import { sentenceOf, targetsOf } from './targets';
import { trendsOf } from './trend';
import { workersSeries } from './workers-series';

const ADDRESS = '10.87.0.1';
const EXTRAS: readonly ExtraSeries[] = [
  floorSeries,
  controlSeries,
  socketsSeries,
  drainSeries,
  workersSeries,
  lkSeries,
];

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true, default: [] },
    repeat: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '24' },
    minutes: { type: 'string', default: '0' },
    smoke: { type: 'boolean', default: false },
    peer: { type: 'string', default: '' },
    lk: { type: 'string', default: '' },
    name: { type: 'string', default: 'bench' },
    out: { type: 'string', default: join(__dirname, 'results') },
  },
});

async function main(): Promise<void> {
  const { scenarios, extras } = chosen(values.scenario);
  const repeat = within('--repeat', values.repeat, 1, 20);
  const seconds = within('--seconds', values.seconds, 5, 600);
  const minutes = within('--minutes', values.minutes, 0, 10_000);
  const servers: readonly ServerKind[] = values.peer ? ['sluice', 'livekit-server'] : ['sluice'];
  if (!values.peer) {
    console.log(
      'No livekit-server on the PATH and none given by --peer: Sluice is measured alone.',
    );
  }
  const program = await ensureLoadSource();
  const turns = turnsOf(scenarios, servers, repeat);
  const planned = durationOf(turns, seconds) + extras.reduce((sum, one) => sum + one.seconds, 0);
  console.log(
    `${turns.length} runs, at most ${Math.ceil(planned / 60)} min${minutes > 0 ? `, ended after ${minutes} min` : ''}.`,
  );
  const bench = new Bench({ program, seconds, repeat });
  const deadline = minutes > 0 ? performance.now() + minutes * 60_000 : Number.POSITIVE_INFINITY;

  // What is run once comes first, so that a run that is ended has some of everything.
  for (const extra of extras) await bench.runExtra(extra);
  for (const turn of turns) {
    if (performance.now() + durationOf([turn], seconds) * 1_000 > deadline) {
      bench.failures.push(`the ${minutes} min were over before all ${repeat} passes were done`);
      break;
    }
    await bench.runTurn(turn);
  }
  await bench.write();
  bench.tell();
  if (bench.isEmpty) throw new Error('Nothing was measured.');
}

/** What has been measured so far. */
class Bench {
  readonly failures: string[] = [];
  readonly #options: {
    readonly program: string;
    readonly seconds: number;
    readonly repeat: number;
  };
  readonly #floors: Floors;
  readonly #limits = new Limits();
  readonly #runs = new Map<string, { turn: Turn; runs: Measurement[]; floor: Floor | undefined }>();
  readonly #extras: Extra[] = [];

  constructor(options: { program: string; seconds: number; repeat: number }) {
    this.#options = options;
    this.#floors = new Floors({ program: options.program, address: ADDRESS });
  }

  get isEmpty(): boolean {
    return this.#runs.size === 0 && this.#extras.length === 0;
  }

  get #cells(): readonly Cell[] {
    return [...this.#runs.values()].map(({ turn: { scenario, server }, runs, floor }) => ({
      scenario,
      server,
      runs,
      floor,
    }));
  }

  async runTurn(turn: Turn): Promise<void> {
    const { scenario, server, pass } = turn;
    if (!this.#limits.allows(turn)) return;
    const { program, seconds } = this.#options;
    try {
      const run = await measure({
        scenario,
        server,
        peer: values.peer,
        program,
        address: ADDRESS,
        seconds: secondsOf(scenario, seconds),
      });
      this.#limits.note(turn, run);
      const key = `${scenario.name} ${server}`;
      const known = this.#runs.get(key);
      const floor = known ? known.floor : await this.#floors.of(scenario, run);
      this.#runs.set(key, { turn, runs: [...(known?.runs ?? []), run], floor });
      console.log(lineOf(run, pass));
    } catch (error) {
      this.#failed(`${scenario.name}, ${server}, run ${pass}`, error);
    }
    // After each, so that what was measured stays when the bench is ended.
    await this.write();
  }

  async runExtra(series: ExtraSeries): Promise<void> {
    const { program } = this.#options;
    const { peer, lk, smoke } = values;
    try {
      const say = (line: string): void => console.log(`${series.name}: ${line}`);
      const extra = await series.run({ program, peer, lk, address: ADDRESS, isSmoke: smoke, say });
      this.#extras.push(extra);
      console.log(`${extra.title}\n${extra.table}\n`);
    } catch (error) {
      this.#failed(series.name, error);
    }
    await this.write();
  }

  async write(): Promise<void> {
    const { repeat, seconds } = this.#options;
    await writeResults(values.out, values.name, {
      repeat,
      seconds,
      cells: this.#cells,
      ceilings: this.#limits.ceilings(
        this.#cells.map(({ scenario }) => scenario),
        ['sluice', 'livekit-server'],
      ),
      extras: this.#extras,
      failures: this.failures,
    });
  }

  tell(): void {
    const cells = this.#cells;
    const targets = targetsOf(cells, trendsOf(cells)).map(sentenceOf);
    const lines = [...targets, ...ratiosOf(cells), ...doubtsOf(cells), ...this.failures];
    console.log(`\n${cells.length > 0 ? tableOf(cells) : ''}\n\n${lines.join('\n')}`);
  }

  #failed(what: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const [first = ''] = message.split('\n');
    // Results are for others, who have other paths.
    this.failures.push(`${what}: ${first.replace(/(\/[^\s/)]+)+\//g, '')}`);
    console.error(`${what}: ${message}`);
  }
}

function lineOf(run: Measurement, number: number): string {
  const cost = run.steadyCpuMicrosecondsPerPacket ?? run.cpuMicrosecondsPerPacket;
  const doubts = run.doubts.length > 0 ? ` (${run.doubts.join('; ')})` : '';
  return `${run.scenario} ${run.server} ${number}: ${run.forwarded} packets, ${cost?.toFixed(1) ?? '-'} µs CPU each, ${(run.lostShare * 100).toFixed(2)} % lost${doubts}`;
}

function chosen(names: readonly string[]): {
  readonly scenarios: readonly Scenario[];
  readonly extras: readonly ExtraSeries[];
} {
  const all = allScenarios();
  const isExtra = (name: string): boolean => EXTRAS.some((one) => one.name === name);
  const unknown = names.filter(
    (name) => !isExtra(name) && !all.some((one) => one.name === name || one.series === name),
  );
  if (unknown.length > 0) {
    const known = [...EXTRAS, ...all].map(({ name }) => name).join(', ');
    throw new Error(
      `--scenario ${unknown.join(' ')} is not known: give one of ${known}, or a series`,
    );
  }
  const takes = (name: string): boolean => names.length === 0 || names.includes(name);
  return {
    scenarios: all.filter((one) => takes(one.name) || takes(one.series)),
    // By itself it says that there is no `lk`; among all others it is left out then.
    extras: EXTRAS.filter(
      ({ name }) => takes(name) && (name !== 'lk' || names.length > 0 || values.lk !== ''),
    ),
  };
}

function within(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw new Error(`${option} is "${text}": a number from ${least} to ${most} is allowed`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
