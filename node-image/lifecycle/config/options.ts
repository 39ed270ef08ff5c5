import { type Command, Option } from 'commander';
import { type ConfigKey, configTree, leavesOf } from '../../contract';
import type { ConfigDraft, Path } from './draft';
import { scalarFromText } from './scalars';

/** What the command line said, by the name of the option. Source: commander's `opts()`. */
export type OptionValues = Readonly<Record<string, unknown>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** An option that sets one key, and the variable that sets it too. The option wins. */
interface KeyOption {
  readonly name: string;
  readonly variable?: string;
  readonly path: Path;
  readonly argument: string;
  readonly description: string;
}

const NAMED: readonly KeyOption[] = [
  {
    name: 'role',
    path: ['sluice', 'role'],
    argument: '<role>',
    description: 'single (all in one), master or media; also SLUICE_ROLE',
  },
  {
    name: 'key-file',
    path: ['key_file'],
    argument: '<path>',
    description: 'file of "key: secret" lines, closed to other users',
  },
  {
    name: 'region',
    variable: 'LIVEKIT_REGION',
    path: ['region'],
    argument: '<name>',
    description: 'region of this node, for the regionaware node selector',
  },
  {
    name: 'node-ip',
    variable: 'NODE_IP',
    path: ['rtc', 'node_ip'],
    argument: '<address>',
    description: 'address told to clients; found by itself where left out',
  },
  {
    name: 'udp-port',
    variable: 'UDP_PORT',
    path: ['rtc', 'udp_port'],
    argument: '<port>',
    description: 'UDP port, or range such as 7882-7892, for media',
  },
  {
    name: 'redis-host',
    variable: 'REDIS_HOST',
    path: ['redis', 'address'],
    argument: '<host:port>',
    description: 'Redis that the nodes of a cluster share',
  },
  {
    name: 'redis-password',
    variable: 'REDIS_PASSWORD',
    path: ['redis', 'password'],
    argument: '<password>',
    description: 'password of Redis; the variable keeps it out of the process list',
  },
  {
    name: 'turn-cert',
    variable: 'LIVEKIT_TURN_CERT',
    path: ['turn', 'cert_file'],
    argument: '<path>',
    description: 'PEM file of the certificate for TURN/TLS',
  },
  {
    name: 'turn-key',
    variable: 'LIVEKIT_TURN_KEY',
    path: ['turn', 'key_file'],
    argument: '<path>',
    description: 'PEM file of the private key for TURN/TLS',
  },
];

/** Sections that may stand in files of their own: the options, and variables, that name those. */
export const SECTION_FILES = [
  { section: 'egress', option: 'egress-config', variable: 'SLUICE_EGRESS_CONFIG_FILE' },
  { section: 'ingress', option: 'ingress-config', variable: 'SLUICE_INGRESS_CONFIG_FILE' },
] as const;

const collect = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];

/**
 * Gives a command the options that configure a node: LiveKit's own, and one for each key of
 * sluice.yaml, `--rtc.tcp_port 7881`.
 *
 * @param options.verbose - whether help lists the options of the keys too
 */
export function addConfigOptions(command: Command, options: { verbose?: boolean } = {}): void {
  command
    .option('--config <path>', 'path of sluice.yaml')
    .option('--config-body <yaml>', 'the YAML itself; also SLUICE_CONFIG or LIVEKIT_CONFIG')
    .option('--egress-config <path>', 'path of egress.yaml: the section egress, by itself')
    .option('--ingress-config <path>', 'path of ingress.yaml: the section ingress, by itself')
    .option('--keys <yaml>', 'API keys as "key: secret"; also LIVEKIT_KEYS')
    .addOption(
      new Option('--bind <address>', 'address to listen on; may be repeated').argParser(collect),
    )
    .option('--dev', 'placeholder key, loopback, more logs: not for production')
    .addOption(
      new Option('--disable-strict-config', 'warn of unknown keys instead of failing').hideHelp(),
    );
  for (const { name, variable, argument, description } of NAMED) {
    const also = variable === undefined ? '' : `; also ${variable}`;
    command.option(`--${name} ${argument}`, `${description}${also}`);
  }
  for (const [path, key] of generatedKeys()) {
    if (isOwnSecret(path, key)) {
      continue;
    }
    command.addOption(
      new Option(`--${path} <value>`, `${key.allowed}; also ${variablesOf(path)[0]}`).hideHelp(
        options.verbose !== true,
      ),
    );
  }
}

/** `--turn.enabled` alone means true: commander wants to be told, and must not take the next word. */
export function withBareFlags(argv: readonly string[]): string[] {
  const keys = generatedKeys();
  return argv.map((word) => {
    const key = word.startsWith('--') ? keys.get(word.slice(2)) : undefined;
    return key?.kind === 'flag' ? `${word}=true` : word;
  });
}

/** Puts what options and variables say over what the file says. */
export function applyOptions(draft: ConfigDraft, options: OptionValues, env: Environment): void {
  for (const [path, key] of generatedKeys()) {
    const given = pick(options, env, path, ...variablesOf(path));
    if (given !== undefined) {
      draft.set(path.split('.'), scalarFromText(key, given.text), given.origin);
    }
  }
  for (const { name, variable, path } of NAMED) {
    const given = pick(options, env, name, variable);
    if (given !== undefined) {
      draft.set(path, given.text, given.origin);
    }
  }
  if (options['dev'] === true) {
    draft.set(['development'], true, '--dev');
  }
  if (Array.isArray(options['bind'])) {
    draft.set(['bind_addresses'], options['bind'], '--bind');
  }
}

/** An option, or else the variable that stands for it. An empty variable is not set. */
export function pick(
  options: OptionValues,
  env: Environment,
  name: string,
  ...variables: readonly (string | undefined)[]
): { text: string; origin: string } | undefined {
  const option = options[name.includes('.') ? name : camelCase(name)];
  if (typeof option === 'string') {
    return { text: option, origin: `--${name}` };
  }
  for (const variable of variables) {
    const text = variable === undefined ? undefined : env[variable];
    if (variable !== undefined && text !== undefined && text !== '') {
      return { text, origin: variable };
    }
  }
  return undefined;
}

/** The keys that have an option of their own: those with one value. */
function generatedKeys(): Map<string, ConfigKey> {
  const leaves = leavesOf(configTree());
  for (const [path, key] of leaves) {
    // `--region` is there already.
    if (!['text', 'number', 'flag', 'either'].includes(key.kind) || path === 'region') {
      leaves.delete(path);
    }
  }
  return leaves;
}

/** Everybody on the machine can read the arguments of a program; LiveKit's options stay as they are. */
const isOwnSecret = (path: string, key: ConfigKey): boolean =>
  key.secret && path.startsWith('sluice.');

/** The variables of a key, the better one first: `SLUICE_ROLE`, `LIVEKIT_SLUICE_ROLE`. */
function variablesOf(path: string): [string, ...string[]] {
  const name = path.replaceAll('.', '_').toUpperCase();
  return path.startsWith('sluice.') ? [name, `LIVEKIT_${name}`] : [`LIVEKIT_${name}`];
}

const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
