import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { JOURNAL_FIELDS, type JournalEntry, parseJournalLine } from './journal-entry';

/** A line that is longer is not kept, in bytes: an entry of a service has 48 KiB at most. */
const LONGEST_LINE = 4 << 20;
const NEWLINE = 0x0a;
const SHOWN_OF_ERRORS = 500;

export interface ReadJournalOptions {
  /** Cursor of the last entry that is known. @default - all since this machine was started */
  readonly after?: string | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** @default journalctl */
  readonly program?: string | undefined;
}

/** journalctl could not be started, or has ended by itself: it follows the journal for ever otherwise. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/**
 * Follows the journal of the services of this machine. It is read only as fast as it is taken: what
 * waits, waits in the journal.
 *
 * @throws JournalError with what journalctl said.
 */
export async function* readJournal(options: ReadJournalOptions): AsyncGenerator<JournalEntry> {
  const { signal, program = 'journalctl' } = options;
  let { after } = options;
  if (after !== undefined) {
    // Who follows sees the present boot alone: what is left of those before comes first.
    for await (const entry of entriesOf(program, [`--after-cursor=${after}`], signal)) {
      after = entry.cursor;
      yield entry;
    }
  }
  // All of it, and not its last ten lines.
  const follow = ['--follow', '--no-tail'];
  const from = after === undefined ? '--boot' : `--after-cursor=${after}`;
  yield* entriesOf(program, [...follow, from], signal);
  if (!signal.aborted) throw new JournalError(`${program} does not follow the journal: it ended`);
}

/** @throws JournalError where it fails. */
async function* entriesOf(
  program: string,
  options: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<JournalEntry> {
  const child = spawn(
    program,
    // Long fields would be left out otherwise.
    ['--all', '--output=json', `--output-fields=${JOURNAL_FIELDS.join(',')}`, ...options],
    { stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' },
  );
  // Whatever else may still hold the other end of it.
  const end = (): unknown => child.stdout.destroy();
  signal.addEventListener('abort', end, { once: true });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors = `${errors}${data.toString()}`.slice(-SHOWN_OF_ERRORS);
  });
  const ended = once(child, 'close').then(
    ([code]) => (code === 0 ? undefined : errors.trim() || `it ended with ${code}`),
    (error: unknown) => String(error),
  );
  try {
    for await (const line of linesOf(child.stdout)) {
      const entry = parseJournalLine(line);
      if (entry !== undefined) yield entry;
    }
    const why = await ended;
    if (why !== undefined && !signal.aborted) {
      throw new JournalError(`${program} does not read the journal: ${why}`);
    }
  } finally {
    signal.removeEventListener('abort', end);
    child.kill('SIGKILL');
  }
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      if (bytes <= LONGEST_LINE) yield Buffer.concat([...parts, rest.subarray(0, end)]).toString();
      parts = [];
      bytes = 0;
      rest = rest.subarray(end + 1);
    }
    bytes += rest.length;
    parts = bytes <= LONGEST_LINE ? [...parts, rest] : [];
  }
}
