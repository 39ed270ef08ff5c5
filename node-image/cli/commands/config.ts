import type { Command } from 'commander';
import { AdminClientError } from '../../api/cluster/admin-client';
import type { ConfigAnnounced, ConfigView } from '../../api/cluster/config-routes';
import { EXIT_USAGE } from '../../lifecycle/exit-codes';
import { asJson, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import { CliError, type CliIo } from '../io';
import { printable, tableOf } from '../table';
import { counted, momentInWords } from '../words';

export function configCommand(io: CliIo): Command {
  return newCommand('config', io)
    .description('the configuration that the cluster announces to its nodes')
    .addCommand(showCommand(io))
    .addCommand(setCommand(io))
    .addCommand(statusCommand(io))
    .addHelpText(
      'after',
      `
It lies over the files of the nodes, and below their environment and options. Each node takes it
when it starts; the cluster drains and restarts them one by one.
${examples('sluice config show > room.yaml', 'sluice config set room.yaml', 'sluice config status')}`,
    );
}

function showCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('show', io))
    .description('print it, as it was announced')
    .action(async (options: ConnectionOptions) => {
      const view = await clientOf(options, io).call<ConfigView>('GET', 'config');
      if (options.json === true) {
        io.print(asJson(view));
      } else if (view.announced === undefined) {
        io.print('# Nothing is announced: each node has the configuration of its file.\n');
      } else {
        const { yaml, version, announcedAtMs } = view.announced;
        io.printError(`Version ${version}, announced ${momentInWords(announcedAtMs)}\n`);
        io.print(yaml.endsWith('\n') || yaml === '' ? yaml : `${yaml}\n`);
      }
    });
}

function setCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('set', io))
    .description('check a configuration, and announce it')
    .argument(
      '<file>',
      'YAML as in sluice.yaml, only what is to differ from the files; - for input',
    )
    .option('--check', 'only check it')
    .option('--replaces <version>', 'only if that is the version announced now')
    .addHelpText(
      'after',
      `
What belongs to one node is refused: keys and other secrets, Redis, role, ports, addresses, files.
${examples(
  'sluice config set room.yaml',
  'sluice config set --check room.yaml',
  'echo "room: {max_participants: 20}" | sluice config set -',
)}`,
    )
    .action(
      async (file: string, options: ConnectionOptions & { check?: boolean; replaces?: string }) => {
        const client = clientOf(options, io);
        const yaml = await read(file, io);
        const query = new URLSearchParams({
          ...(options.check === true && { check: 'true' }),
          ...(options.replaces !== undefined && { replaces: options.replaces }),
        });
        const answer = await client
          .call<ConfigAnnounced>('PUT', `config?${query}`, { yaml })
          .catch((error: unknown) => {
            throw named(error, file);
          });
        for (const warning of answer.warnings) {
          io.printError(`${printable(withName(warning, file))}\n`);
        }
        io.print(options.json === true ? asJson(answer) : answerInWords(answer));
      },
    );
}

function statusCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('status', io))
    .description('which node runs with which version')
    .action(async (options: ConnectionOptions) => {
      const view = await clientOf(options, io).call<ConfigView>('GET', 'config');
      io.print(options.json === true ? asJson(view) : statusInWords(view, io.columns));
    });
}

function statusInWords({ announced, waits, nodes }: ConfigView, columns: number): string {
  const version = announced?.version ?? 0;
  const old = nodes.filter((node) => node.configVersion < version);
  const head =
    announced === undefined
      ? 'Nothing is announced.'
      : `Version ${version} is announced; ${
          old.length === 0
            ? 'all nodes have it'
            : `${counted(old.length, 'node has', 'nodes have')} an older one`
        }.`;
  const rows = nodes.map(({ id, role, state, configVersion }) => [
    id,
    role,
    state,
    configVersion === 0
      ? 'its file'
      : configVersion < 0
        ? `its file: it cannot load ${-configVersion}, its log says why`
        : String(configVersion),
  ]);
  const why = waits === undefined || old.length === 0 ? '' : ` It waits: ${printable(waits)}.`;
  const heads = ['Node', 'Role', 'State', 'Version'].map((title) => ({ title }));
  return `${head}${why}\n${rows.length === 0 ? '' : tableOf(heads, rows, columns)}`;
}

const answerInWords = ({ version }: ConfigAnnounced): string =>
  version === undefined
    ? 'It can be announced.\n'
    : `Announced as version ${version}. The nodes take it one by one: sluice config status\n`;

async function read(file: string, io: CliIo): Promise<string> {
  try {
    return await io.readFile(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(EXIT_USAGE, `${file} cannot be read: ${why}`);
  }
}

/** The cluster calls what it was given "config". */
const withName = (text: string, file: string): string =>
  text.replace(/^config:(?=\d)/gm, `${file === '-' ? 'input' : file}:`);

const named = (error: unknown, file: string): unknown =>
  error instanceof AdminClientError && error.code === 'invalid'
    ? new CliError(EXIT_USAGE, withName(error.message, file), { cause: error })
    : error;
