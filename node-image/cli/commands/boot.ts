import type { Command } from 'commander';
import { BOOT_STATUS_FILE } from '../../lifecycle/boot/boot-status';
import { EXIT_FAILED } from '../../lifecycle/exit-codes';
import { durationArgument, newCommand } from '../command';
import { CliError, type CliIo } from '../io';

/** Where the metadata service is, by the variable that the SDKs of AWS know too. */
export const METADATA_VARIABLE = 'AWS_EC2_METADATA_SERVICE_ENDPOINT';

/** Of the unit of the agent: StateDirectory. */
export const STATE_FOLDER = '/var/lib/sluice/agent';
/** A deployment waits for so long, unless it says otherwise. */
const WITHIN_MS = 20 * 60_000;

interface Options {
  readonly wait?: boolean;
  readonly within: number;
}

export function bootCommand(io: CliIo): Command {
  const command = newCommand('boot', io);
  return command
    .summary('make this machine ready for its services')
    .description(
      'make this machine ready for its services, as /etc/sluice/boot.json says: configuration, secrets, data volume',
    )
    .option('--wait', 'change nothing: wait until a call works through the node of this machine')
    .option(
      '--within <time>',
      'with --wait: after so long it has failed',
      durationArgument,
      WITHIN_MS,
    )
    .addHelpText(
      'after',
      `
Run by sluice-boot.service, as root, before everything else. It can be run again: what is there
stays, and a configuration that cannot be used changes nothing. What has changed is taken over by
\`systemctl restart sluice-node\`, which drains the node first.

A deployment to Azure runs it with --wait on the machine, and fails with what it says.`,
    )
    .action(async () => {
      const { wait = false, within } = command.opts<Options>();
      if (wait) return waitUntilReady(io, within);
      // With the SDKs of a cloud, which no other command needs.
      const { boot } = await import('../../lifecycle/boot/boot.js');
      const { BootError } = await import('../../lifecycle/boot/boot-error.js');
      const { Machine } = await import('../../lifecycle/boot/machine.js');
      try {
        await boot({
          machine: new Machine(),
          say: (line) => io.print(`boot: ${line}\n`),
          metadataUrl: io.env[METADATA_VARIABLE],
        });
      } catch (error) {
        throw error instanceof BootError ? new CliError(EXIT_FAILED, error.message) : error;
      }
    });
}

async function waitUntilReady(io: CliIo, withinMs: number): Promise<void> {
  const { waitUntilReady: untilReady } = await import('../../lifecycle/boot/wait-until-ready.js');
  try {
    await untilReady({ statusFile: BOOT_STATUS_FILE, stateFolder: STATE_FOLDER, withinMs });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CliError(EXIT_FAILED, error.message, { cause: error });
  }
  io.print('boot: a call works through the node of this machine\n');
}
