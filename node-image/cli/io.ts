import type { Environment } from '../lifecycle/config';

/** What the program knows of the world: so tests need none. */
export interface CliIo {
  readonly env: Environment;
  /** What was asked for. */
  print(text: string): void;
  /** What went wrong, and how far it is. */
  printError(text: string): void;
  /** Reads a file, or standard input for "-". @throws an error with `code`, such as ENOENT */
  readFile(path: string): Promise<string>;
  sleep(ms: number): Promise<void>;
  now(): number;
  /** Whether a person watches what is told of progress, so that a line can be written over. */
  readonly isTerminal: boolean;
  /** Characters that fit in a line. */
  readonly columns: number;
}

/** The command cannot go on. The text is one sentence for people, and says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly exitCode: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
