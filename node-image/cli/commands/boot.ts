import type { Command } from 'commander';
import { EXIT_FAILED } from '../../lifecycle/exit-codes';
import { newCommand } from '../command';
import { CliError, type CliIo } from '../io';

/** Where the metadata service is, by the variable that the SDKs of AWS know too. */
export const METADATA_VARIABLE = 'AWS_EC2_METADATA_SERVICE_ENDPOINT';

export function bootCommand(io: CliIo): Command {
  return newCommand('boot', io)
    .summary('make this machine ready for its services')
    .description(
      'make this machine ready for its services, as /etc/sluice/boot.json says: configuration, secrets, data volume',
    )
    .addHelpText(
      'after',
      `
Run by sluice-boot.service, as root, before everything else. It can be run again: what is there
stays, and a configuration that cannot be used changes nothing. What has changed is taken over by
\`systemctl restart sluice-node\`, which drains the node first.`,
    )
    .action(async () => {
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
