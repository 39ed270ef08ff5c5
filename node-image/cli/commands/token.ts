import { type Command, InvalidArgumentError } from 'commander';
import { joinToken, RECORDER_GRANTS } from '../../api/join-token';
import { EXIT_USAGE } from '../../lifecycle/exit-codes';
import { asJson, durationArgument, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, connectionOf } from '../connection';
import { CliError, type CliIo } from '../io';
import { joinTokenCommands } from './join-tokens';

interface TokenOptions extends ConnectionOptions {
  readonly room?: string;
  readonly identity?: string;
  readonly name?: string;
  readonly metadata?: string;
  readonly attribute?: Readonly<Record<string, string>>;
  readonly validFor: number;
  readonly publish: boolean;
  readonly subscribe: boolean;
  readonly data: boolean;
  readonly hidden?: boolean;
  readonly recorder?: boolean;
  readonly admin?: boolean;
}

const SIX_HOURS_MS = 6 * 3_600_000;

export function tokenCommand(io: CliIo): Command {
  const command = addConnectionOptions(newCommand('token', io))
    .description(
      'make a token by which a participant joins a Room (asks no server), or tokens by which machines join the cluster',
    )
    // The commands below it have options of the same names.
    .enablePositionalOptions()
    .option('--room <name>', 'Room to join; needed')
    .option('--identity <identity>', 'identity of the participant; needed')
    .option('--name <name>', 'shown to others')
    .option('--metadata <text>', 'of the participant')
    .option('--attribute <name=value>', 'of the participant; may be repeated', attribute)
    .option('--valid-for <time>', 'how long one can join with it', durationArgument, SIX_HOURS_MS)
    .option('--no-publish', 'may not publish')
    .option('--no-subscribe', 'may not receive')
    .option('--no-data', 'may not send data')
    .option('--hidden', 'others do not see it')
    .option('--recorder', 'hidden, and only receives')
    .option('--admin', 'may mute, remove and change others of the Room')
    .addHelpText(
      'after',
      examples(
        'sluice token --dev --room demo --identity ada',
        'sluice token --room demo --identity ada --name Ada --valid-for 30m --attribute team=red',
        'sluice token create                       # for sluice join on another machine',
      ),
    )
    .action(async (options: TokenOptions) => {
      const { room = '', identity = '', validFor } = options;
      for (const [name, value] of Object.entries({ room, identity })) {
        if (value !== '') continue;
        throw new CliError(
          EXIT_USAGE,
          `--${name} is missing: a token for a participant needs --room and --identity; one for a machine is made by sluice token create.`,
        );
      }
      const { url, apiKey, apiSecret } = connectionOf(options, io);
      if (validFor < 1000) {
        throw new CliError(EXIT_USAGE, '--valid-for is too short; allowed is 1s or more.');
      }
      const token = await joinToken({
        apiKey,
        secret: apiSecret,
        room,
        identity,
        name: options.name,
        metadata: options.metadata,
        attributes: options.attribute,
        lifeSeconds: Math.ceil(validFor / 1000),
        video: {
          ...(!options.publish && { canPublish: false }),
          ...(!options.subscribe && { canSubscribe: false }),
          ...(!options.data && { canPublishData: false }),
          ...(options.hidden === true && { hidden: true }),
          ...(options.admin === true && { roomAdmin: true }),
          ...(options.recorder === true && RECORDER_GRANTS),
        },
      });
      io.print(options.json === true ? asJson({ token, url, room, identity }) : `${token}\n`);
    });
  for (const below of joinTokenCommands(io)) command.addCommand(below);
  return command;
}

function attribute(
  text: string,
  earlier: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) {
    throw new InvalidArgumentError('Allowed is name=value.');
  }
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
}
