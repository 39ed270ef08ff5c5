import { type Command, Option } from 'commander';
import { EXIT_USAGE } from '../../lifecycle/exit-codes';
import { examples, newCommand } from '../command';
import { CliError, type CliIo } from '../io';
import { onThisMachine } from './own-machine';

interface JoinCommandOptions {
  readonly role: 'media' | 'master';
  readonly master: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly name?: string;
  readonly address?: string;
  readonly publicAddress?: string;
}

const VARIABLE = 'SLUICE_TOKEN';

export function joinCommand(io: CliIo): Command {
  return newCommand('join', io)
    .description('make this machine a node of a cluster')
    .addOption(
      new Option('--role <role>', 'what it becomes: master with High Availability only')
        .choices(['media', 'master'])
        .default('media'),
    )
    .requiredOption('--master <host>', 'name or address of a Master Node, as clients know it')
    .option('--token <token>', `what sluice token create has printed; also ${VARIABLE}`)
    .option('--token-file <file>', 'a file with it; - is standard input')
    .option('--name <name>', 'of this machine among the nodes (default: its host name)')
    .option('--address <address>', 'private one of this machine (default: the first there is)')
    .option('--public-address <address>', 'that clients are told; auto asks a STUN server')
    .addHelpText(
      'after',
      `
Run as root on a machine on which install.sh has installed Sluice. The token authenticates the
Master Node too, whatever its certificate is. Where this fails nothing is left of it, and it can be
run again with the same token.
${examples(
  'sluice join --master meet.example.com --token sluice-join-1.4kQ...',
  'sluice join --master 10.0.0.5 --token-file - < token',
  'sluice join --master meet.example.com --token-file token --public-address auto  # behind NAT',
  'sluice join --role master --master meet.example.com --token sluice-join-1.7Zb...',
)}`,
    )
    .action(
      async ({ role, master, name, address, publicAddress, ...given }: JoinCommandOptions) => {
        if (role === 'master' && publicAddress !== undefined) {
          throw new CliError(
            EXIT_USAGE,
            '--public-address is for Media Nodes, which media comes to: leave it out with --role master.',
          );
        }
        const token = await tokenOf(given, io);
        const { join } = await import('../../lifecycle/own-machines/join.js');
        await onThisMachine(({ machine, facts }) =>
          join({
            machine,
            facts,
            role,
            master,
            token,
            name,
            address,
            publicAddress,
            say: (line) => io.print(`join: ${line}\n`),
          }),
        );
      },
    );
}

async function tokenOf(
  { token, tokenFile }: Pick<JoinCommandOptions, 'token' | 'tokenFile'>,
  io: CliIo,
): Promise<string> {
  if (token !== undefined && tokenFile !== undefined) {
    throw new CliError(
      EXIT_USAGE,
      '--token and --token-file do not go together: give one of them.',
    );
  }
  if (tokenFile !== undefined || token === '-') {
    const path = tokenFile ?? '-';
    return io.readFile(path).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new CliError(EXIT_USAGE, `--token-file ${path} cannot be read: ${why}`);
    });
  }
  const text = token ?? io.env[VARIABLE] ?? '';
  if (text !== '') return text;
  throw new CliError(
    EXIT_USAGE,
    `There is no join token: give --token, --token-file or ${VARIABLE}; \`sluice token create\` on a Master Node makes one.`,
  );
}
