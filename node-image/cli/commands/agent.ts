import type { Command } from 'commander';
import { loadConfig } from '../../lifecycle/config';
import { addConfigOptions } from '../../lifecycle/config/options';
import { EXIT_FAILED, EXIT_USAGE } from '../../lifecycle/exit-codes';
import type { AgentOptions } from '../../lifecycle/run-agent';
import { durationArgument, examples, newCommand } from '../command';
import { CliError, type CliIo } from '../io';

const BOOT_FILE = '/etc/sluice/boot.json';
/** Well within the 15 minutes that a launching hook and a deployment wait. */
const READY_WITHIN_MS = 12 * 60_000;

/** Runs the agent until the process is told to stop. */
export type RunAgent = (options: Omit<AgentOptions, 'signal'>) => Promise<void>;

export function agentCommand(io: CliIo, run: RunAgent): Command {
  const command = newCommand('agent', io);
  addConfigOptions(command);
  return command
    .description('run beside a node on a machine of a cloud: tell when it serves, prepare its end')
    .option('--boot-file <path>', 'what the deployment has written for this machine', BOOT_FILE)
    .option(
      '--ready-within <time>',
      'a node through which no call works by then has failed',
      durationArgument,
      READY_WITHIN_MS,
    )
    .addHelpText(
      'after',
      `
It tries a call through the node, completes the launching hook and signals the deployment. Then it
looks for notices of the cloud: orders the drain, holds the end of the machine back meanwhile, and
lets it happen when the node is empty or gone. It can be restarted at any time.
${examples('sluice agent --config /etc/sluice/sluice.yaml')}`,
    )
    .action(async () => {
      const { bootFile, readyWithin } = command.opts<{ bootFile: string; readyWithin: number }>();
      const load = { options: command.opts(), env: io.env };
      const { config } = loadConfig(load);
      const { kind } = config.sluice.cloud;
      if (kind !== 'aws') {
        throw new CliError(
          EXIT_USAGE,
          `sluice.cloud.kind is ${kind}, and the agent speaks to aws only: on other machines it is not needed.`,
        );
      }
      try {
        await run({ config, load, bootFile, readyWithinMs: readyWithin });
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        throw new CliError(EXIT_FAILED, error.message, { cause: error });
      }
    });
}
