import { Argument, Command } from 'commander';
import { joinToken, RECORDER_GRANTS } from '../api/join-token';
import { newApiKey } from '../api/new-key';
import type { SluiceConfig } from '../contract';
import { renderLiveKitConfig } from '../image/livekit-config';
import { ConfigError, type Environment, type LoadConfigOptions, loadConfig } from './config';
import { addConfigOptions } from './config/options';
import { portLines } from './config/ports-command';

export interface ServeOptions {
  /** Whether to serve the web page. @default true with --dev, else false */
  readonly console: boolean;
  /** What is odd about the configuration, for the log. */
  readonly warnings: readonly string[];
  /** What the configuration was loaded from, to load it again with what a cluster has announced. */
  readonly load: LoadConfigOptions;
}

export interface NodeCommandOptions {
  /** What the program is called: "sluice-node", or "serve". */
  readonly name: string;
  readonly env: Environment;
  /** Starts the node. The program goes on until this is settled. */
  readonly serve: (config: SluiceConfig, options: ServeOptions) => Promise<void>;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
}

const JOIN_TOKEN_SECONDS = 30 * 24 * 3600;

/** The command that runs a node: serves, unless told to do something else. */
export function nodeCommand({ name, env, serve, print, printError }: NodeCommandOptions): Command {
  const program = new Command(name)
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
      const from = { options: program.opts(), env };
      const { config, warnings } = loadConfig(from);
      const wanted = program.opts<{ console?: boolean }>().console;
      await serve(config, { console: wanted ?? config.development, warnings, load: from });
    });
  const load = (needsKeys: boolean) => loadConfig({ options: program.opts(), env, needsKeys });

  program
    .command('generate-keys')
    .description('make an API key and its secret')
    .action(() => {
      const { apiKey, secret } = newApiKey();
      print(`API Key:  ${apiKey}\nAPI Secret:  ${secret}\n`);
    });
  program
    .command('ports')
    .description('list the ports this configuration uses')
    .action(() => print(portLines(load(false).config)));
  program
    .command('livekit-config')
    .description("print the configuration of one of LiveKit's own services; it holds secrets")
    .addArgument(new Argument('<service>').choices(['egress', 'ingress']))
    .action((service: 'egress' | 'ingress') => {
      const { config } = load(true);
      const [[apiKey, secret] = ['', '']] = Object.entries(config.keys);
      if (config.egress.ws_url === '') {
        throw new ConfigError([
          `egress.ws_url is not set; livekit/${service} finds this cluster there, such as at wss://meet.example.com`,
        ]);
      }
      print(`${renderLiveKitConfig(service, config, { apiKey, secret })}\n`);
    });
  program
    .command('create-join-token')
    .description('make a token that joins a Room, for development')
    .requiredOption('--room <name>', 'Room to join')
    .requiredOption('--identity <identity>', 'identity of the participant')
    .option('--recorder', 'hidden, and only receives')
    .action(async (given: { room: string; identity: string; recorder?: boolean }) => {
      const [[apiKey, secret] = ['', '']] = Object.entries(load(true).config.keys);
      const token = await joinToken({
        apiKey,
        secret,
        room: given.room,
        identity: given.identity,
        lifeSeconds: JOIN_TOKEN_SECONDS,
        video: given.recorder === true ? RECORDER_GRANTS : undefined,
      });
      print(`Token: ${token}\n`);
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
