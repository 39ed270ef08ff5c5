/** Makes node-image/capacity/costs.json of what the bench measured. Started by fit.mjs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { version as mediasoupVersion } from 'mediasoup';
import { calibrate } from '../node-image/capacity/calibrate';
import { type Costs, costsSchema, errorOf } from '../node-image/capacity/costs';
import { tableOf } from '../node-image/cli/table';
import { PROGRAM_VERSION } from '../node-image/lifecycle/version';
import { fitCosts, HELD_OUT } from './fit-costs';
import type { BenchResults } from './fit-rows';

const { values } = parseArgs({
  options: {
    results: { type: 'string', default: join(__dirname, 'results', 'bench.json') },
    'hold-out': { type: 'string', multiple: true, default: [...HELD_OUT] },
    doubt: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: join(__dirname, '../node-image/capacity/costs.json') },
  },
});

/** What other programs may use of the machine before the figures are doubted. */
const OTHERS_ALLOWED = 0.1;

async function main(): Promise<void> {
  const results = await read(values.results);
  const fitted = fitCosts({ results, heldOut: values['hold-out'] });
  const { measuredAt, ...machine } = results.machine;
  // Now, on the same machine, so that others can be compared with it.
  const { microsecondsPerPacket } = await calibrate();
  const costs: Costs = {
    doubts: [...values.doubt, ...doubtsOf(results)],
    measuredAt,
    machine: { processor: machine.processor, cores: machine.cores, node: machine.node },
    versions: { sluice: PROGRAM_VERSION, mediasoup: mediasoupVersion },
    ...fitted,
    cpu: mapped(fitted.cpu, (value) => Number(value.toPrecision(4))),
    memory: mapped(fitted.memory, Math.round),
    calibration: { microsecondsPerPacket: Number(microsecondsPerPacket.toFixed(3)) },
  };
  await writeFile(values.out, `${JSON.stringify(costsSchema.parse(costs), null, 2)}\n`);
  console.log(report(costs));
}

async function read(file: string): Promise<BenchResults> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `there are no results to fit costs to (${why}): run npm run bench, or name its JSON file by --results`,
    );
  }
  const results = JSON.parse(text) as Partial<BenchResults>;
  if (!Array.isArray(results.cells) || results.machine === undefined) {
    throw new Error(`${file} is no result of npm run bench: it has no machine and no cells`);
  }
  return results as BenchResults;
}

function doubtsOf({ cells }: BenchResults): readonly string[] {
  const runs = cells.filter(({ server }) => server === 'sluice').flatMap((cell) => cell.runs);
  const busy = runs.filter(({ othersShare }) => othersShare > OTHERS_ALLOWED);
  return busy.length === 0
    ? []
    : [
        `other programs used the machine in ${busy.length} of ${runs.length} runs, so packets cost more`,
      ];
}

const mapped = <T extends Record<string, number>>(all: T, change: (value: number) => number): T =>
  Object.fromEntries(Object.entries(all).map(([name, value]) => [name, change(value)])) as T;

function report({ cpu, memory, fit, validation, doubts, calibration }: Costs): string {
  const percent = (error: number): string => `${error > 0 ? '+' : ''}${(error * 100).toFixed(1)} %`;
  const rows = [
    ...fit.map((one) => ['fitted, cores', one] as const),
    ...validation.cpu.map((one) => [`validation by ${one.of}, cores`, one] as const),
    ...validation.packets.map((one) => ['validation, packets/s', one] as const),
    ...validation.memory.map((one) => ['validation, bytes', one] as const),
  ];
  const table = tableOf(
    [
      { title: 'what' },
      { title: 'scenario' },
      ...['measured', 'predicted', 'error'].map((title) => ({ title, align: 'right' as const })),
    ],
    rows.map(([what, { scenario, measured, predicted, error }]) => [
      what,
      scenario,
      `${measured}`,
      `${predicted}`,
      percent(error),
    ]),
  );
  return [
    JSON.stringify({ cpu, memory, calibration }, null, 2),
    table,
    `sluice plan takes its CPU to be within ${percent(errorOf({ validation } as Costs)).replace('+', '')} either way.`,
    ...doubts.map((doubt) => `To be doubted: ${doubt}.`),
  ].join('\n');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
