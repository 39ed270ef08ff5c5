import { resolve } from 'node:path';
import type { Command } from 'commander';
import { examples, newCommand } from '../command';
import type { CliIo } from '../io';
import { type AskPassphrase, readPassphrase } from '../passphrase';
import { onMachine } from './backup';

interface RestoreCommandOptions {
  readonly passphraseFile?: string;
  readonly force?: boolean;
}

export function restoreCommand(io: CliIo, ask?: AskPassphrase): Command {
  return newCommand('restore', io)
    .description('make this machine the Master Node that a backup was made of')
    .argument('<file>', 'that sluice backup has written')
    .option('--passphrase-file <file>', 'a file with the passphrase; - is standard input')
    .option('--force', 'replace what is there: files, and what stands in Redis')
    .addHelpText(
      'after',
      `
Writes the files where they were, and the registry into the Redis that the configuration names. Where
the backup is of a machine that sluice init has set up, install Sluice first, and give this machine
the same private address: its services are started then. Media Nodes that still run keep their calls.
${examples(
  'sluice restore /var/backups/sluice.age',
  'sluice restore sluice.age --passphrase-file passphrase',
)}`,
    )
    .action(async (file: string, { passphraseFile, force = false }: RestoreCommandOptions) => {
      const passphrase = await readPassphrase({ io, file: passphraseFile, isNew: false, ask });
      const { restore } = await import('../../lifecycle/backup/restore.js');
      const done = await onMachine((machine) =>
        restore({
          machine,
          env: io.env,
          file: resolve(file),
          passphrase,
          force,
          say: (line) => io.printError(`restore: ${line}\n`),
        }),
      );
      io.print(
        `The cluster ${done.cluster} is as it was at ${done.madeAt}: ${done.files} files, ${done.documents} documents, ${done.rooms} Rooms put back.\n` +
          (done.started ? 'Its services are started.\n' : `Start the node with ${done.config}.\n`),
      );
    });
}
