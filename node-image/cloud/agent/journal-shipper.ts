import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { JournalCursor } from './journal-cursor';
import type { JournalEntry } from './journal-entry';
import { JournalError, readJournal } from './journal-reader';

/** A line is sent after so long at most, ms. */
const EVERY_MS = 5000;
/** So much is kept in memory, in characters and lines; the rest waits in the journal. */
const MOST_CHARACTERS = 512 << 10;
const MOST_LINES = 2000;
/** When the journal says nothing for so long, all that was written is known, ms. */
const QUIET_MS = 300;
/** journalctl takes a moment until it says the first. */
const FIRST_QUIET_MS = 2000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** The machine does not wait longer for its last lines, ms. */
const CLOSE_MS = 5000;

/** Where the lines of a machine go. */
export interface LogSink {
  /**
   * Keeps lines of one service, in the order of time.
   *
   * @returns how many it refused, for good.
   * @throws Error where it is to be tried again.
   */
  put(unit: string, lines: readonly JournalEntry[], signal: AbortSignal): Promise<number>;
}

export interface JournalShipperOptions {
  readonly sink: LogSink;
  readonly cursor: JournalCursor;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** @default journalctl */
  readonly program?: string | undefined;
  /** ms. @default 5000 */
  readonly everyMs?: number | undefined;
  /** After the first failure, ms; then longer, up to a minute. @default 1000 */
  readonly retryMs?: number | undefined;
}

interface Flush {
  readonly untilMs: number;
  readonly done: () => void;
}

type Event = 'time' | 'woken' | IteratorResult<JournalEntry>;

/**
 * Sends the journal of this machine's services on. What is sent is remembered only when it was taken:
 * each line arrives at least once, also where the agent, or who takes them, was away meanwhile.
 *
 * Nothing piles up in memory: while nobody takes lines they stay in the journal, which journald keeps
 * within its own bounds, the oldest going first.
 */
export class JournalShipper {
  readonly #options: JournalShipperOptions;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  readonly #flushes = new Set<Flush>();
  #wake: () => void = () => {};
  #retryMs: number;
  #isFailing = false;
  #isForgetful = false;
  #lost = 0;
  #closing: Promise<void> | undefined;

  /** Begins at once. */
  constructor(options: JournalShipperOptions) {
    this.#options = options;
    this.#retryMs = options.retryMs ?? FIRST_RETRY_MS;
    this.#running = this.#run();
  }

  /** Lines that were refused for good. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * Sends what was written until now.
   *
   * @returns whether all of it was taken within this time, ms. Never rejects.
   */
  async flush(withinMs: number): Promise<boolean> {
    if (this.#end.signal.aborted) return false;
    let flush: Flush | undefined;
    const flushed = new Promise<true>((resolve) => {
      flush = { untilMs: Date.now(), done: () => resolve(true) };
      this.#flushes.add(flush);
    });
    this.#wake();
    const late = new AbortController();
    const waited = sleep(withinMs, false as const, { signal: late.signal }).catch(() => false);
    const isDone = await Promise.race([flushed, waited]);
    late.abort();
    if (flush !== undefined) this.#flushes.delete(flush);
    return isDone;
  }

  /** Sends what was written until now, if that takes less than 5 s. Idempotent. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.flush(CLOSE_MS).then(() => {
      this.#end.abort();
      return this.#running;
    });
    return this.#closing;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const attempt = new AbortController();
      try {
        await this.#follow(attempt, AbortSignal.any([signal, attempt.signal]));
      } catch (error) {
        if (!signal.aborted) this.#tell(error);
      }
      // Some of it by chance: machines that fail together do not come back together.
      await this.#pause(this.#retryMs * (0.5 + Math.random() / 2));
      this.#retryMs = Math.min(LAST_RETRY_MS, 2 * this.#retryMs);
    }
  }

  /** @throws Error where the journal cannot be read, or what was read was not taken. */
  async #follow(attempt: AbortController, signal: AbortSignal): Promise<void> {
    const { cursor, program, everyMs = EVERY_MS } = this.#options;
    const after = await cursor.read();
    const journal = readJournal({ after, program, signal });
    const pending: JournalEntry[] = [];
    let characters = 0;
    let sinceMs = 0;
    let hasRead = false;
    const send = async (isAll: (flush: Flush) => boolean): Promise<void> => {
      const flushes = [...this.#flushes].filter(isAll);
      await this.#send(pending.splice(0), signal);
      characters = 0;
      for (const { done } of flushes) done();
    };
    let next = journal.next();
    // Whoever waits for it below hears of it.
    next.catch(() => {});
    try {
      for (;;) {
        const dueMs = pending.length > 0 ? sinceMs + everyMs - performance.now() : undefined;
        const quietMs = hasRead ? QUIET_MS : FIRST_QUIET_MS;
        const event = await this.#event(next, this.#flushes.size > 0 ? quietMs : dueMs);
        if (event === 'woken') continue;
        if (event === 'time') {
          await send(() => true);
          continue;
        }
        if (event.done) return;
        hasRead = true;
        if (pending.length === 0) sinceMs = performance.now();
        const { value: entry } = event;
        pending.push(entry);
        characters += entry.text.length;
        next = journal.next();
        next.catch(() => {});
        const isAll = ({ untilMs }: Flush): boolean => entry.atMs > untilMs;
        const isAwaited = [...this.#flushes].some(isAll);
        const isDue = performance.now() - sinceMs >= everyMs;
        if (isAwaited || isDue || characters >= MOST_CHARACTERS || pending.length >= MOST_LINES) {
          await send(isAll);
        }
      }
    } catch (error) {
      // It may be the cursor that journalctl does not take.
      if (error instanceof JournalError && after !== undefined && !hasRead) cursor.forget();
      throw error;
    } finally {
      attempt.abort();
      await journal.return(undefined).catch(() => {});
    }
  }

  /** What comes first: an entry, the time, or somebody who wakes it. */
  async #event(next: Promise<IteratorResult<JournalEntry>>, dueMs?: number): Promise<Event> {
    const done = new AbortController();
    const woken = new Promise<'woken'>((resolve) => {
      this.#wake = () => resolve('woken');
    });
    const time =
      dueMs === undefined
        ? []
        : [
            sleep(Math.max(0, dueMs), 'time' as const, { signal: done.signal }).catch(
              () => 'time' as const,
            ),
          ];
    try {
      return await Promise.race([next, woken, ...time]);
    } finally {
      done.abort();
    }
  }

  async #send(entries: readonly JournalEntry[], signal: AbortSignal): Promise<void> {
    const last = entries.at(-1);
    if (last === undefined) return;
    const { sink, cursor, log } = this.#options;
    const units = new Map<string, JournalEntry[]>();
    for (const entry of entries) {
      const lines = units.get(entry.unit) ?? [];
      units.set(entry.unit, lines);
      lines.push(entry);
    }
    let refused = 0;
    for (const [unit, lines] of units) refused += await sink.put(unit, lines, signal);
    if (refused > 0) {
      this.#lost += refused;
      log.warn({ lines: refused, inAll: this.#lost }, 'lines of the journal were not taken');
    }
    if (this.#isFailing) log.info('the journal of this machine is sent again');
    this.#isFailing = false;
    this.#retryMs = this.#options.retryMs ?? FIRST_RETRY_MS;
    await cursor.write(last.cursor).catch((error: unknown) => {
      if (!this.#isForgetful) {
        log.warn({ err: error }, 'another agent on this machine will send some lines again');
      }
      this.#isForgetful = true;
    });
  }

  #tell(error: unknown): void {
    const { log } = this.#options;
    if (!this.#isFailing) {
      log.warn(
        { err: error },
        'the journal of this machine is not sent; it is tried again, and lines wait in the journal',
      );
    }
    this.#isFailing = true;
  }

  async #pause(ms: number): Promise<void> {
    const over = new AbortController();
    this.#wake = () => over.abort();
    const signal = AbortSignal.any([over.signal, this.#end.signal]);
    await sleep(ms, undefined, { signal }).catch(() => {});
  }
}
