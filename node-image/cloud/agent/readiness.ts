import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

const PAUSE_MS = 2000;
/** A machine is told of before it waits at its hook: so often it is tried again. */
const TELL_AGAIN = 12;
const TELL_PAUSE_MS = 5000;

/** Who is told whether this machine serves. @returns false where nobody waits to hear it. */
export interface ReadinessListener {
  /** For the log. */
  readonly name: string;
  /** @param failure - why it does not serve; undefined: it does */
  tell(failure?: string): Promise<boolean>;
}

export interface ReadinessOptions {
  /** Makes a call through the node. @returns what it found, for the log. @throws where it does not work */
  readonly call: () => Promise<string>;
  readonly listeners: readonly ReadinessListener[];
  /** A node that does not serve by then has failed, ms. */
  readonly withinMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Between two attempts, ms. @default 2000 */
  readonly pauseMs?: number;
  /** Between two attempts to tell, ms. @default 5000 */
  readonly tellPauseMs?: number;
}

/**
 * Tries calls through the node until one works, and tells so; or tells why none did, when the time is
 * up. Never rejects.
 *
 * @returns whether the node serves.
 */
export async function becomeReady(options: ReadinessOptions): Promise<boolean> {
  const { log, signal, listeners } = options;
  const failure = await failureOf(options);
  if (signal.aborted) return false;
  if (failure !== undefined) {
    log.error({ failure }, 'no call works through this node: the machine has failed');
  }
  await Promise.all(listeners.map((listener) => tell(listener, failure, options)));
  return failure === undefined;
}

async function failureOf(options: ReadinessOptions): Promise<string | undefined> {
  const { call, withinMs, log, signal, pauseMs = PAUSE_MS } = options;
  const untilMs = performance.now() + withinMs;
  let said = '';
  for (;;) {
    try {
      log.info({ call: await call() }, 'a call works through this node');
      return undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== said) log.info({ why }, 'no call works through this node yet');
      said = why;
    }
    if (performance.now() >= untilMs) return said;
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return said;
  }
}

/** Tells one whether this machine serves, until it is heard or nobody waits for it. Never rejects. */
export async function tell(
  listener: ReadinessListener,
  failure: string | undefined,
  {
    log,
    signal,
    tellPauseMs = TELL_PAUSE_MS,
  }: Pick<ReadinessOptions, 'log' | 'signal' | 'tellPauseMs'>,
): Promise<void> {
  for (let unheard = 0; unheard < TELL_AGAIN && !signal.aborted; ) {
    try {
      if (await listener.tell(failure)) {
        log.info({ told: listener.name, failure }, 'told whether this machine serves');
        return;
      }
      unheard += 1;
    } catch (error) {
      log.warn(
        { err: error, told: listener.name },
        'cannot tell whether this machine serves; once more',
      );
    }
    await sleep(tellPauseMs, undefined, { signal }).catch(() => {});
  }
  log.info({ told: listener.name }, 'nobody waits to hear whether this machine serves');
}
