import { isIP } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import type { SluiceConfig } from '../../contract';
import { type Environment, isHostName, loadConfig } from '../../lifecycle/config';
import { addConfigOptions, type OptionValues } from '../../lifecycle/config/options';
import type { DoctorQuestion } from '../../lifecycle/doctor/context';
import type { DoctorReport } from '../../lifecycle/doctor/run-doctor';
import { countArgument, examples, newCommand } from '../command';
import { answerOf } from '../findings-table';
import type { CliIo } from '../io';

/** Looks at this machine. */
export type RunDoctor = (question: DoctorQuestion) => Promise<DoctorReport>;

interface Options extends OptionValues {
  readonly domain?: string;
  readonly domainPort: number;
  readonly timeServer?: string;
  readonly json?: boolean;
}

/** Where an installed node has its configuration, and the variables that its unit gives it. */
const CONFIG_FILE = '/etc/sluice/sluice.yaml';
const VARIABLE_FILES = ['/run/sluice/secrets/node.env', '/etc/default/sluice'];
/** Ways to say where the configuration is. */
const CONFIG_OPTIONS = ['config', 'configBody', 'dev'];
const CONFIG_VARIABLES = ['SLUICE_CONFIG', 'LIVEKIT_CONFIG'];
const HTTPS = 443;
const TIME_SERVER = 'pool.ntp.org:123';
/** Of Amazon, on each machine of EC2. */
const AWS_TIME_SERVER = '169.254.169.123:123';

export function doctorCommand(
  io: CliIo,
  run: RunDoctor,
  setExitCode: (code: number) => void,
): Command {
  const command = newCommand('doctor', io);
  addConfigOptions(command);
  return command
    .description('say whether this machine can serve, and what to do where it cannot')
    .option('--domain <name>', 'name or address that clients use (default: turn.domain)', domain)
    .option('--domain-port <port>', 'where the domain answers clients', countArgument, HTTPS)
    .option('--time-server <host:port>', `asked for the time (default: "${TIME_SERVER}")`, server)
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      `
With the configuration of the node, before it runs and while it does: --config, or else
${CONFIG_FILE} where it is there. Changes nothing on the machine. Run it as root to have all of it
looked at. Exit codes: 0 nothing was found that fails; 1 something was; 2 wrong use.
${examples(
  'sluice doctor',
  'sluice doctor --config sluice.yaml --domain meet.example.com',
  'sluice doctor --config sluice.yaml --role media --json',
)}`,
    )
    .action(async () => {
      const options = command.opts<Options>();
      const { isInstalled, ...sources } = await sourcesOf(options, io);
      const { config, warnings } = loadConfig(sources);
      const question = { ...questionOf(options, config, warnings), isInstalled };
      const { isRunning, findings } = await run(question);
      const shown = { json: options.json === true, columns: io.columns };
      const { text, exitCode } = answerOf(
        findings,
        { role: config.sluice.role, running: isRunning },
        shown,
      );
      io.print(text);
      setExitCode(exitCode);
    });
}

/** As the unit of the node has them, where it is the configuration of that one. */
async function sourcesOf(options: Options, io: CliIo) {
  const { env } = io;
  const isSaid =
    CONFIG_OPTIONS.some((name) => options[name] !== undefined) ||
    CONFIG_VARIABLES.some((name) => (env[name] ?? '') !== '');
  const isInstalled =
    options['config'] === CONFIG_FILE || (!isSaid && (await textOf(CONFIG_FILE, io)) !== undefined);
  if (!isInstalled) return { isInstalled, options, env, needsKeys: false };
  const variables = await Promise.all(
    VARIABLE_FILES.map(async (file) => parseVariables((await textOf(file, io)) ?? '')),
  );
  return {
    isInstalled,
    options: { ...options, config: CONFIG_FILE },
    env: Object.assign({}, ...variables, env) as Environment,
    needsKeys: false,
  };
}

/** @returns undefined where there is none, or this user may not read it */
const textOf = (path: string, io: CliIo): Promise<string | undefined> =>
  io.readFile(path).catch(() => undefined);

/** Source: systemd.exec(5), EnvironmentFile; as much of it as these files have. */
export function parseVariables(text: string): Environment {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^([A-Za-z_]\w*)=(.*?)\s*$/.exec(line.trim()) ?? [];
      const plain = value?.replace(/^(['"])(.*)\1$/, '$2');
      return name === undefined || plain === undefined ? [] : [[name, plain] as const];
    }),
  );
}

function questionOf(
  options: Options,
  config: SluiceConfig,
  warnings: readonly string[],
): DoctorQuestion {
  const { turn, sluice } = config;
  const known = turn.domain !== '' && isHostName(turn.domain) ? turn.domain : undefined;
  return {
    config,
    warnings,
    domain: options.domain ?? known,
    domainPort: options.domainPort,
    timeServer: options.timeServer ?? (sluice.cloud.kind === 'aws' ? AWS_TIME_SERVER : TIME_SERVER),
  };
}

function domain(text: string): string {
  if (isIP(text) === 0 && !(isHostName(text) && text.includes('.'))) {
    throw new InvalidArgumentError(
      'Allowed is a host name such as meet.example.com, or an address.',
    );
  }
  return text;
}

function server(text: string): string {
  const [, host = '', port = '123'] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) {
    throw new InvalidArgumentError('Allowed is host:port, such as pool.ntp.org:123.');
  }
  return `${host}:${port}`;
}
