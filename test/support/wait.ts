import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

export interface UntilOptions {
  /** @default 10000 */
  readonly timeoutMs?: number;
  /** @default 50 */
  readonly intervalMs?: number;
  /** Called when time runs out: what to add to the message. */
  readonly explain?: () => Promise<string> | string;
}

/**
 * Asks `probe` again and again until it answers something truthy.
 *
 * @throws Error naming `what` and the last answer when the time is over.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T> | T,
  options: UntilOptions = {},
): Promise<T> {
  const { timeoutMs = 10_000, intervalMs = 50 } = options;
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  do {
    const value = await probe();
    if (value) return value;
    last = value;
    await sleep(intervalMs);
  } while (Date.now() < deadline);
  const more = options.explain ? `\n${await options.explain()}` : '';
  throw new Error(`waited ${timeoutMs} ms for ${what}, last seen: ${String(last)}${more}`);
}

/** Rejects with `what` unless `promise` settles in time. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = 10_000): Promise<T> {
  const abort = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(timeoutMs, undefined, { signal: abort.signal }).then(() => {
        throw new Error(`waited ${timeoutMs} ms for ${what}`);
      }),
    ]);
  } finally {
    abort.abort();
  }
}
