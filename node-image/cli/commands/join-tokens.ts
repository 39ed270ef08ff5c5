import { type Command, Option } from 'commander';
import type {
  CreatedJoinToken,
  JoinTokensView,
  RevokedJoinToken,
} from '../../api/cluster/join-token-routes';
import { asJson, durationArgument, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { tableOf } from '../table';
import { momentInWords } from '../words';

interface CreateOptions extends ConnectionOptions {
  readonly validFor?: number;
  readonly role?: 'media' | 'master';
}

/** `sluice token create`, `list` and `revoke`: by which machines join. */
export const joinTokenCommands = (io: CliIo): Command[] => [
  createCommand(io),
  listCommand(io),
  revokeCommand(io),
];

function createCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('create', io))
    .description('make a join token: by it one machine becomes a node (sluice join)')
    .addOption(
      new Option('--role <role>', 'what it becomes: master with High Availability only')
        .choices(['media', 'master'])
        .default('media'),
    )
    .option('--valid-for <time>', 'how long, up to 168h (default: 1h)', durationArgument)
    .action(async ({ validFor, role, ...options }: CreateOptions) => {
      const body = {
        ...(validFor !== undefined && { validFor }),
        ...(role === 'master' && { role }),
      };
      const made = await clientOf(options, io).call<CreatedJoinToken>('POST', 'join-tokens', body);
      if (options.json === true) {
        io.print(asJson(made));
        return;
      }
      io.print(`${made.token}\n`);
      io.printError(
        `Good for one machine, until ${momentInWords(made.expiresAtMs)}, and not shown again. There: sluice join ${role === 'master' ? '--role master ' : ''}--master HOST --token TOKEN\n`,
      );
    });
}

function listCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('list', io))
    .description('the join tokens of late, and who has used them; never their secrets')
    .action(async (options: ConnectionOptions) => {
      const view = await clientOf(options, io).call<JoinTokensView>('GET', 'join-tokens');
      io.print(options.json === true ? asJson(view) : listInWords(view, io.columns));
    });
}

function revokeCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('revoke', io))
    .description('let nobody join by a token any more; who has joined stays')
    .argument('<id>', 'as sluice token list has it')
    .action(async (id: string, options: ConnectionOptions) => {
      const path = `join-tokens/${encodeURIComponent(id)}`;
      const revoked = await clientOf(options, io).call<RevokedJoinToken>('DELETE', path);
      if (options.json === true) {
        io.print(asJson(revoked));
        return;
      }
      const was = revoked.state === 'open' ? '' : ` It was ${revoked.state} before.`;
      io.print(`${revoked.id} is revoked.${was}\n`);
    });
}

function listInWords({ tokens }: JoinTokensView, columns: number): string {
  if (tokens.length === 0) {
    return 'There are no join tokens; sluice token create makes one.\n';
  }
  return tableOf(
    [
      { title: 'Id' },
      { title: 'State' },
      { title: 'Role' },
      { title: 'Until' },
      { title: 'Machine' },
    ],
    tokens.map(({ id, state, role, expiresAtMs, usedBy }) => [
      id,
      state,
      // Masters of an older version have one kind.
      role ?? 'media',
      momentInWords(expiresAtMs),
      usedBy ?? '',
    ]),
    columns,
  );
}
