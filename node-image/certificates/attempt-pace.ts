const HOUR_MS = 3_600_000;
/** Let's Encrypt takes five failed proofs an hour for a name, and then none for an hour. */
const MOST_FAILURES_AN_HOUR = 4;
/** After a first failure, ms; after each further one twice as long. */
const PAUSE_MS = 60_000;
/** The same where this machine cannot reach itself by its name. It may be just this machine that cannot. */
const BLIND_PAUSE_MS = 150_000;

export interface AttemptPaceOptions {
  readonly nowMs: number;
  /** When there was nobody to order yet, ms since 1970. */
  readonly sinceMs: number;
  /** When orders failed, ms since 1970. */
  readonly failures: readonly number[];
  /** The authority wants none before. */
  readonly notBeforeMs?: number | undefined;
  /** Whether this machine reaches itself by its name, on port 80. */
  readonly isReached: boolean;
}

/** When the next order may be placed, ms since 1970; pure. */
export function nextAttemptMs(options: AttemptPaceOptions): number {
  const { nowMs, sinceMs, isReached, notBeforeMs = 0 } = options;
  const failures = recentFailures(options.failures, nowMs);
  const pauseMs = (isReached ? PAUSE_MS : BLIND_PAUSE_MS) * 2 ** Math.max(0, failures.length - 1);
  const last = failures.at(-1);
  const afterPause = last === undefined ? sinceMs + (isReached ? 0 : pauseMs) : last + pauseMs;
  const [oldest = 0] = failures.slice(-MOST_FAILURES_AN_HOUR);
  const afterHour = failures.length < MOST_FAILURES_AN_HOUR ? 0 : oldest + HOUR_MS;
  return Math.max(afterPause, afterHour, notBeforeMs);
}

/** Those that still count, oldest first. One of a future, as a clock set back leaves it, does not. */
export const recentFailures = (failures: readonly number[], nowMs: number): number[] =>
  failures.filter((atMs) => atMs > nowMs - HOUR_MS && atMs <= nowMs).sort((a, b) => a - b);
