import { resolve } from 'node:path';
import type { Command } from 'commander';
import { EXIT_FAILED } from '../../lifecycle/exit-codes';
import { examples, newCommand } from '../command';
import { CliError, type CliIo } from '../io';
import { type AskPassphrase, readPassphrase } from '../passphrase';

const CONFIG_FILE = '/etc/sluice/sluice.yaml';

interface BackupCommandOptions {
  readonly config: string;
  readonly passphraseFile?: string;
  readonly force?: boolean;
}

export function backupCommand(io: CliIo, ask?: AskPassphrase): Command {
  return newCommand('backup', io)
    .summary('write down what cannot be made again of a cluster')
    .description('write configuration, keys, certificates and registry into an encrypted file')
    .argument('<file>', 'to write')
    .option('--config <file>', 'of the Master Node or Single Node of this machine', CONFIG_FILE)
    .option('--passphrase-file <file>', 'a file with the passphrase; - is standard input')
    .option('--force', 'replace the file, where it is there already')
    .addHelpText(
      'after',
      `
Run on a Master Node while the cluster runs, as root or as the user of the node. The passphrase is
asked for at the terminal, unless it is in a file: without it nobody reads the backup, you included.
The file is one of age (age-encryption.org) with a tar in it.
${examples(
  'sluice backup /var/backups/sluice.age',
  'sluice backup sluice.age --passphrase-file passphrase --force',
)}`,
    )
    .action(async (file: string, options: BackupCommandOptions) => {
      const { config, passphraseFile, force = false } = options;
      const passphrase = await readPassphrase({ io, file: passphraseFile, isNew: true, ask });
      const { backup } = await import('../../lifecycle/backup/backup.js');
      const done = await onMachine((machine) =>
        backup({
          machine,
          configFile: resolve(config),
          env: io.env,
          file: resolve(file),
          passphrase,
          force,
        }),
      );
      io.print(
        `${file} has ${done.files} files, ${done.documents} documents of the registry and where ${done.rooms} Rooms are.\n`,
      );
      for (const name of done.missing) {
        io.printError(
          `${name} comes from your environment, and is not in it: keep it elsewhere.\n`,
        );
      }
    });
}

/** @throws CliError with the one sentence of what went wrong. */
export async function onMachine<T>(
  act: (machine: import('../../lifecycle/boot/machine').Machine) => Promise<T>,
): Promise<T> {
  const { Machine } = await import('../../lifecycle/boot/machine.js');
  const { BootError } = await import('../../lifecycle/boot/boot-error.js');
  const { BackupError } = await import('../../lifecycle/backup/backup-error.js');
  try {
    // Others cannot give files away.
    return await act(new Machine({ chown: process.getuid?.() === 0 }));
  } catch (error) {
    if (!(error instanceof BackupError || error instanceof BootError)) throw error;
    throw new CliError(EXIT_FAILED, error.message, { cause: error });
  }
}
