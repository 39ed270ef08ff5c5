import { Command, CommanderError } from 'commander';
import { AccessToken } from 'livekit-server-sdk';
import { customAlphabet } from 'nanoid';
import type { SluiceConfig } from '../contract';
import { ConfigError, type Environment, loadConfig } from './config';
import { addConfigOptions, withBareFlags } from './config/options';
import { portLines } from './config/ports-command';

export interface ServeOptions {
  /** Whether to serve the web page. @default true with --dev, else false */
  readonly console: boolean;
  /** What is odd about the configuration, for the log. */
  readonly warnings: readonly string[];
}

export interface CliOptions {
  /** What follows the name of the program, as in process.argv.slice(2). */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Starts the node. The program goes on until this is settled. */
  readonly serve: (config: SluiceConfig, options: ServeOptions) => Promise<void>;
  /** @default - standard output */
  readonly print?: (text: string) => void;
  /** @default - standard error */
  readonly printError?: (text: string) => void;
}

export const EXIT_OK = 0;
/** Something went wrong while it ran. */
export const EXIT_FAILED = 1;
/** The configuration or the command line cannot be used; starting again will not help. */
export const EXIT_USAGE = 2;

/** What commander ends with when it was asked for help, and gave it. */
const HELP_CODES: ReadonlySet<string> = new Set(['commander.help', 'commander.helpDisplayed']);
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const JOIN_TOKEN_LIFE = '30d';

/**
 * The command line of a node: serves, unless told to do something else.
 *
 * @returns the exit code: 0, 1 (failed while running) or 2 (bad configuration or command line).
 */
export async function runCli(options: CliOptions): Promise<number> {
  const {
    print = (text) => process.stdout.write(text),
    printError = (text) => process.stderr.write(text),
  } = options;
  const program = buildProgram({ ...options, print, printError });
  try {
    await program.parseAsync(withBareFlags(options.argv), { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError) {
      return HELP_CODES.has(error.code) ? EXIT_OK : EXIT_USAGE;
    }
    if (error instanceof ConfigError) {
      printError(`${error.message}\n`);
      return EXIT_USAGE;
    }
    printError(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT_FAILED;
  }
}

function buildProgram({ env, serve, print, printError }: Required<CliOptions>): Command {
  const program = new Command('sluice-node')
    .description('A node of a Sluice cluster: an SFU that speaks the LiveKit protocol.')
    .exitOverride()
    // Commander leaves it out of a program that does something by itself.
    .helpCommand(true)
    .configureOutput({ writeOut: print, writeErr: printError });
  addConfigOptions(program);
  program
    .option('--console', 'serve the web page; on with --dev')
    .option('--no-console', 'do not serve the web page')
    .action(async () => {
      const { config, warnings } = loadConfig({ options: program.opts(), env });
      const wanted = program.opts<{ console?: boolean }>().console;
      await serve(config, { console: wanted ?? config.development, warnings });
    });
  const load = (needsKeys: boolean) => loadConfig({ options: program.opts(), env, needsKeys });

  program
    .command('generate-keys')
    .description('make an API key and its secret')
    .action(() => {
      print(`API Key:  API${customAlphabet(BASE62, 12)()}\n`);
      // 43 characters of 62 are 256 bits.
      print(`API Secret:  ${customAlphabet(BASE62, 43)()}\n`);
    });
  program
    .command('ports')
    .description('list the ports this configuration uses')
    .action(() => print(portLines(load(false).config)));
  program
    .command('create-join-token')
    .description('make a token that joins a Room, for development')
    .requiredOption('--room <name>', 'Room to join')
    .requiredOption('--identity <identity>', 'identity of the participant')
    .option('--recorder', 'hidden, and only receives')
    .action(async (given: { room: string; identity: string; recorder?: boolean }) => {
      print(`Token: ${await joinToken(load(true).config, given)}\n`);
    });
  program
    .command('help-verbose')
    .description('help with the options of every key of sluice.yaml')
    .action(() => {
      const verbose = new Command(program.name()).configureOutput({ writeOut: print });
      addConfigOptions(verbose, { verbose: true });
      verbose.outputHelp();
    });
  return program;
}

async function joinToken(
  config: SluiceConfig,
  given: { room: string; identity: string; recorder?: boolean },
): Promise<string> {
  const [first] = Object.entries(config.keys);
  const token = new AccessToken(first?.[0], first?.[1], {
    identity: given.identity,
    ttl: JOIN_TOKEN_LIFE,
  });
  token.addGrant({
    roomJoin: true,
    room: given.room,
    ...(given.recorder === true && {
      hidden: true,
      recorder: true,
      canPublish: false,
      canPublishData: false,
    }),
  });
  return await token.toJwt();
}
