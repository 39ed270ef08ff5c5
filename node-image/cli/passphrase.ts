import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { EXIT_USAGE } from '../lifecycle/exit-codes';
import { CliError, type CliIo } from './io';

/** Asks a person at the terminal, and shows nothing of what is typed. @throws CliError where there is none */
export type AskPassphrase = (question: string) => Promise<string>;

export interface PassphraseOptions {
  /** --passphrase-file; - is standard input. */
  readonly file?: string | undefined;
  readonly io: CliIo;
  /** Whether it is asked for twice, as nothing tells that it was mistyped. */
  readonly isNew: boolean;
  /** @default - at the terminal of this process */
  readonly ask?: AskPassphrase | undefined;
}

/** A passphrase is never an argument: other users of the machine could read that. */
export async function readPassphrase(options: PassphraseOptions): Promise<string> {
  const { file, io, isNew, ask = askAtTerminal } = options;
  if (file !== undefined) {
    const text = await io.readFile(file).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new CliError(EXIT_USAGE, `--passphrase-file ${file} cannot be read: ${why}`);
    });
    // An editor ends a file with a newline; whatever else is in it counts.
    return text.replace(/\r?\n$/, '');
  }
  const passphrase = await ask('Passphrase: ');
  if (isNew && (await ask('Once more: ')) !== passphrase) {
    throw new CliError(EXIT_USAGE, 'The two are not the same: run this again.');
  }
  return passphrase;
}

async function askAtTerminal(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new CliError(
      EXIT_USAGE,
      'There is no terminal to ask for the passphrase at: give --passphrase-file, - for standard input.',
    );
  }
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: stdin, output: nowhere, terminal: true });
  // From here on the terminal shows nothing of what is typed.
  stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      const giveUp = (): void =>
        reject(new CliError(EXIT_USAGE, 'No passphrase was given: nothing is done.'));
      reader.once('SIGINT', giveUp);
      reader.once('close', giveUp);
      reader.question('').then(resolve, reject);
    });
  } finally {
    reader.close();
    stderr.write('\n');
  }
}
