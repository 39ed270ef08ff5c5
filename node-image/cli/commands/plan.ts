import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  type Calibration,
  factorOf,
  type MachineCost,
  parseCalibration,
  planCluster,
  plotOfPlan,
  readCosts,
  readPrices,
} from '../../capacity';
import { DEPLOYMENT_DEFAULTS, sentence } from '../../contract';
import { EXIT_FAILED, EXIT_USAGE } from '../../lifecycle/exit-codes';
import { asJson, examples, newCommand } from '../command';
import { CliError, type CliIo } from '../io';
import { type PlanOptions, readQuestion } from './plan-question';
import { planInWords } from './plan-text';

/** Measures what a packet costs on this machine. */
export type RunCalibration = () => Promise<MachineCost>;

interface Options extends PlanOptions {
  readonly calibration?: string;
  readonly calibrate?: boolean;
  readonly plot?: string;
  readonly json?: boolean;
}

/** Where a calibration is written, and looked for. */
const CALIBRATION_FILE = 'sluice-calibration.json';

export function planCommand(
  io: CliIo,
  calibrate: RunCalibration,
  setExitCode: (code: number) => void,
): Command {
  return newCommand('plan', io)
    .description('say which machines a load needs, how many, and what they cost')
    .option('--rooms <count>', 'Rooms at the same time (default: 1)')
    .option('--participants <count>', 'in each Room; all send, and receive all others')
    .option(
      '--publishers <count>',
      'in each Room who send and receive, beside viewers (default: 1)',
    )
    .option('--viewers <count>', 'in each Room who only receive')
    .option('--video <size>', 'what they send: 360p, 720p or 1080p, as simulcast')
    .option('--audio', 'they send sound')
    .option('--watch <size>', 'largest size in which pictures are received (default: as sent)')
    .option('--cloud <name>', 'aws or azure (default: both)')
    .option('--region <name>', 'of the cloud (default: us-east-1, eastus)')
    .option('--machine <type>', 'only this type of Media Nodes')
    .option('--masters <count>', '0: Single Node; 1: Elastic; 3: High Availability (default: 1)')
    .option('--hours <count>', 'hours a month with this load; else the least runs (default: 730)')
    .option('--stay <duration>', 'how long a participant stays (default: 30m)')
    .option(
      '--target-load <share>',
      `load that nodes are kept below (default: ${DEPLOYMENT_DEFAULTS.targetLoad})`,
    )
    .option(
      '--headroom-rooms <count>',
      `Rooms that find place at any time (default: ${DEPLOYMENT_DEFAULTS.headroomRooms})`,
    )
    .option('--calibrate', 'measure this machine for some seconds, for plans of such machines')
    .option('--calibration <file>', `of a machine (default: ${CALIBRATION_FILE}, if it is there)`)
    .option('--plot <file>', 'draw Media Nodes over Rooms, as SVG')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      `
What it goes by: docs/capacity.md. Exit codes: 0 there is an answer; 1 no machine carries such a
Room; 2 wrong use.
${examples(
  'sluice plan --rooms 50 --participants 8 --video 720p --audio',
  'sluice plan --publishers 1 --viewers 1000 --video 720p --cloud aws',
  'sluice plan --calibrate',
)}`,
    )
    .action(async (options: Options) => {
      if (options.calibrate === true) {
        await calibrateHere(io, calibrate, options);
        return;
      }
      setExitCode(await plan(io, options));
    });
}

/** @returns the exit code */
async function plan(io: CliIo, options: Options): Promise<number> {
  const prices = readPrices();
  const costs = readCosts();
  const { question: asked, problems } = readQuestion(options, prices);
  const calibration = await readCalibration(io, options.calibration, (why) => {
    problems.add({
      what: '--calibration',
      given: `${JSON.stringify(options.calibration ?? CALIBRATION_FILE)}: ${why}`,
      allowed: 'a file that `sluice plan --calibrate` wrote',
      fix: 'write it anew, or leave it out',
    });
  });
  if (problems.found.length > 0) {
    throw new CliError(EXIT_USAGE, problems.found.map(sentence).join('\n'));
  }
  const factor = calibration && factorOf(calibration, costs);
  const question = { ...asked, costs, prices, factor: factor ?? 1 };
  const answer = planCluster(question);
  if (options.plot !== undefined) {
    const svg = plotOfPlan(question, answer);
    if (svg === undefined) io.printError('There is nothing to plot: a Room fits no machine.\n');
    else await write(options.plot, svg, '--plot');
  }
  io.print(
    options.json === true
      ? asJson({ ...answer, asked, calibration, pricesOf: prices.asOf, doubts: costs.doubts })
      : planInWords({ question: asked, plan: answer, costs, prices, factor, columns: io.columns }),
  );
  return answer.candidates.length > 0 ? 0 : EXIT_FAILED;
}

async function readCalibration(
  io: CliIo,
  file: string | undefined,
  onProblem: (why: string) => void,
): Promise<Calibration | undefined> {
  let text: string;
  try {
    text = await io.readFile(file ?? CALIBRATION_FILE);
  } catch (error) {
    // Nobody has asked for the one that may be there.
    if (file !== undefined) onProblem(error instanceof Error ? error.message : String(error));
    return undefined;
  }
  try {
    return parseCalibration(text);
  } catch (error) {
    onProblem(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

async function calibrateHere(io: CliIo, run: RunCalibration, options: Options): Promise<void> {
  const { calibrate: _, calibration: file = CALIBRATION_FILE, json, ...others } = options;
  const superfluous = Object.keys(others);
  if (superfluous.length > 0) {
    const names = superfluous.map(
      (name) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
    );
    throw new CliError(
      EXIT_USAGE,
      `--calibrate measures this machine, whatever the load: got ${names.join(', ')} too, allowed are --calibration and --json; leave them out, and plan afterwards.`,
    );
  }
  if (json !== true) io.printError('Measuring: all cores are in use for some seconds.\n');
  const calibration: Calibration = {
    ...(await run()),
    measuredAt: new Date(io.now()).toISOString(),
  };
  await write(file, asJson(calibration), '--calibration');
  const factor = factorOf(calibration, readCosts());
  io.print(
    json === true
      ? asJson({ ...calibration, factor, file })
      : `${calibration.cores} cores of ${calibration.processor}: ${calibration.microsecondsPerPacket.toFixed(1)} µs of CPU a packet, ${factor.toFixed(2)} times that of the machine of the measurement.
Written to ${file}: plans that are made where this file is go by it, others by --calibration.\n`,
  );
}

async function write(file: string, text: string, option: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(
      EXIT_FAILED,
      `${file} cannot be written (${why}): name a file in a folder that is there and yours by ${option}.`,
    );
  }
}
