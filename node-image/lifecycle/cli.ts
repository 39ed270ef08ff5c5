import { CommanderError } from 'commander';
import { ConfigError } from './config';
import { withBareFlags } from './config/options';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit-codes';
import { type NodeCommandOptions, nodeCommand } from './node-command';

export { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit-codes';
export type { ServeOptions } from './node-command';

export interface CliOptions extends Pick<NodeCommandOptions, 'env' | 'serve'> {
  /** What follows the name of the program, as in process.argv.slice(2). */
  readonly argv: readonly string[];
  /** @default - standard output */
  readonly print?: (text: string) => void;
  /** @default - standard error */
  readonly printError?: (text: string) => void;
}

/** What commander ends with when it was asked for help, and gave it. */
const HELP_CODES: ReadonlySet<string> = new Set([
  'commander.help',
  'commander.helpDisplayed',
  'commander.version',
]);

/**
 * The command line of a node.
 *
 * @returns the exit code: 0, 1 (failed while running) or 2 (bad configuration or command line).
 */
export async function runCli(options: CliOptions): Promise<number> {
  const {
    print = (text) => process.stdout.write(text),
    printError = (text) => process.stderr.write(text),
  } = options;
  const program = nodeCommand({ ...options, name: 'sluice-node', print, printError });
  try {
    await program.parseAsync(withBareFlags(options.argv), { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    return exitCodeOf(error, printError);
  }
}

/** Tells of what ended a program, and with which code it has to end. */
export function exitCodeOf(error: unknown, printError: (text: string) => void): number {
  if (error instanceof CommanderError) {
    // Help that nobody asked for, as a command is missing, has another code.
    return HELP_CODES.has(error.code) && error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  if (error instanceof ConfigError) {
    printError(`${error.message}\n`);
    return EXIT_USAGE;
  }
  printError(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT_FAILED;
}
