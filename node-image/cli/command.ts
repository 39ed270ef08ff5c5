import { Command, InvalidArgumentError } from 'commander';
import { AdminClientError } from '../api/cluster/admin-client';
import { parseDuration } from '../contract';
import { EXIT_FAILED, EXIT_UNREACHABLE, EXIT_USAGE } from '../lifecycle/exit-codes';
import { CliError, type CliIo } from './io';

/** A command that writes where the program does, and never ends the process by itself. */
export function newCommand(name: string, io: CliIo): Command {
  return new Command(name)
    .exitOverride()
    .showHelpAfterError('(--help says what there is)')
    .configureOutput({
      writeOut: (text) => io.print(text),
      writeErr: (text) => io.printError(text),
      getOutHelpWidth: () => Math.min(io.columns, 100),
      getErrHelpWidth: () => Math.min(io.columns, 100),
    });
}

/** What `--help` ends with. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;

/** Reads a duration of the command line. @returns ms */
export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new InvalidArgumentError(
      'Allowed is a duration with its unit, such as 90s, 15m or 1h30m.',
    );
  }
  return Math.round(ms);
}

/** Reads a whole number, 1 or more, of the command line. */
export function countArgument(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new InvalidArgumentError('Allowed is a whole number, 1 or more.');
  }
  return Number(text);
}

export const asJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Which exit code a refusal of the cluster stands for. */
export function cliErrorOf(error: unknown): CliError | undefined {
  if (error instanceof CliError) {
    return error;
  }
  if (!(error instanceof AdminClientError)) {
    return undefined;
  }
  const { code, message } = error;
  if (['unreachable', 'not_sluice', 'unavailable'].includes(code)) {
    return new CliError(EXIT_UNREACHABLE, message);
  }
  return new CliError(code === 'invalid' ? EXIT_USAGE : EXIT_FAILED, message);
}
