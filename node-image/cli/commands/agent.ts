import type { Command } from 'commander';
import type { SluiceConfig } from '../../contract';
import { BOOT_STATUS_FILE } from '../../lifecycle/boot/boot-status';
import { loadConfig } from '../../lifecycle/config';
import { addConfigOptions } from '../../lifecycle/config/options';
import { EXIT_FAILED, EXIT_USAGE } from '../../lifecycle/exit-codes';
import type { AgentOptions } from '../../lifecycle/run-agent';
import type { BootOutcome, WaitForBootOptions } from '../../lifecycle/wait-for-boot';
import { durationArgument, examples, newCommand } from '../command';
import { CliError, type CliIo } from '../io';
import { METADATA_VARIABLE, STATE_FOLDER } from './boot';

const BOOT_FILE = '/etc/sluice/boot.json';
/** Well within the 15 minutes that a launching hook and a deployment wait. */
const READY_WITHIN_MS = 12 * 60_000;

/** Runs the agent until the process is told to stop. */
export type RunAgent = (options: Omit<AgentOptions, 'signal'>) => Promise<void>;

interface Options {
  readonly bootFile: string;
  readonly bootStatus: string;
  readonly stateFolder: string;
  readonly readyWithin: number;
}

/** Where the node has no configuration: waits for a boot that has failed, and tells so. */
export type WaitForBoot = (options: Omit<WaitForBootOptions, 'signal'>) => Promise<BootOutcome>;

export function agentCommand(
  io: CliIo,
  run: RunAgent,
  waitForBoot: WaitForBoot = waitHere,
): Command {
  const command = newCommand('agent', io);
  addConfigOptions(command);
  return command
    .description('run beside a node on a machine of a cloud: tell when it serves, prepare its end')
    .option('--boot-file <path>', 'what the deployment has written for this machine', BOOT_FILE)
    .option('--boot-status <path>', 'how the last boot of this machine ended', BOOT_STATUS_FILE)
    .option('--state-folder <path>', 'where it keeps how far the journal was sent', STATE_FOLDER)
    .option(
      '--ready-within <time>',
      'a node through which no call works by then has failed',
      durationArgument,
      READY_WITHIN_MS,
    )
    .addHelpText(
      'after',
      `
It tries a call through the node, completes the launching hook and signals the deployment; on Azure,
where nobody waits for a signal, \`sluice boot --wait\` on the machine hears it. Then it
looks for notices of the cloud: orders the drain, holds the end of the machine back meanwhile, and
lets it happen when the node is empty or gone. Where boot.json names a log group, it sends the journal
of the services there. It can be restarted at any time. Where \`sluice boot\` has failed, and there is
no configuration, it signals that at once and waits for a boot that works.
${examples('sluice agent --config /etc/sluice/sluice.yaml')}`,
    )
    .action(async () => {
      const { bootFile, bootStatus, stateFolder, readyWithin } = command.opts<Options>();
      const load = { options: command.opts(), env: io.env };
      let config: SluiceConfig;
      try {
        ({ config } = loadConfig(load));
      } catch (error) {
        const metadataUrl = io.env[METADATA_VARIABLE];
        const outcome = await waitForBoot({
          bootFile,
          statusFile: bootStatus,
          stateFolder,
          metadataUrl,
        });
        if (outcome === 'ended') return;
        if (outcome === 'unexplained') throw error;
        ({ config } = loadConfig(load));
      }
      const { kind } = config.sluice.cloud;
      if (kind === 'none') {
        throw new CliError(
          EXIT_USAGE,
          `sluice.cloud.kind is ${kind}, and the agent speaks to aws and azure only: on other machines it is not needed.`,
        );
      }
      try {
        await run({ config, load, bootFile, stateFolder, readyWithinMs: readyWithin });
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        throw new CliError(EXIT_FAILED, error.message, { cause: error });
      }
    });
}

const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

/** Until this process is told to stop. */
async function waitHere(options: Parameters<WaitForBoot>[0]): Promise<BootOutcome> {
  const { waitForBoot } = await import('../../lifecycle/wait-for-boot.js');
  const end = new AbortController();
  const abort = (): void => end.abort();
  for (const signal of END_SIGNALS) process.on(signal, abort);
  try {
    return await waitForBoot({ ...options, signal: end.signal });
  } finally {
    for (const signal of END_SIGNALS) process.off(signal, abort);
  }
}
