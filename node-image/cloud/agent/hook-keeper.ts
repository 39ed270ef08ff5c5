import type { Logger } from 'pino';
import type { TerminatingHook } from '../notice-desk';

/** However long a hook waits, it hears of the machine so often, ms. */
const MOST_MS = 300_000;
/** After an attempt that failed, ms: a hook's shortest time is 30 s. */
const RETRY_MS = 3000;

export interface HookKeeperOptions {
  readonly hook: Pick<TerminatingHook, 'times' | 'heartbeat'>;
  readonly machineId: string;
  readonly log: Logger;
  /** After an attempt that failed, and while it is not known how long the hook waits, ms. @default 3000 */
  readonly retryMs?: number | undefined;
}

/**
 * Tells a terminating hook that its machine needs more time: three times within each span that the
 * hook waits, by a loop of its own, whatever else of the machine hangs or fails.
 */
export class HookKeeper {
  readonly #options: HookKeeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #everyMs: number | undefined;
  #inAllMs: number | undefined;
  #isFailing = false;
  #started = false;
  #closed = false;

  constructor(options: HookKeeperOptions) {
    this.#options = options;
  }

  /** How long the hook waits in all, ms; undefined: not known yet, or there is no hook. */
  get inAllMs(): number | undefined {
    return this.#inAllMs;
  }

  /** Idempotent. */
  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    void this.#beat();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #beat(): Promise<void> {
    const { hook, machineId, log } = this.#options;
    const { retryMs = RETRY_MS } = this.#options;
    let pauseMs = Math.min(retryMs, this.#everyMs ?? retryMs);
    try {
      // First: asking how long it waits may fail for long.
      const isWaiting = await hook.heartbeat(machineId);
      if (this.#everyMs === undefined) await this.#learnTimes();
      // Before the machine waits, and after it has gone on, there is nobody to tell.
      if (isWaiting) pauseMs = this.#everyMs ?? retryMs;
      if (this.#isFailing)
        log.info({ machineId }, 'the lifecycle hook hears of this machine again');
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) {
        log.warn(
          { err: error, machineId },
          'the lifecycle hook cannot be told that this machine needs more time; it is tried again',
        );
      }
      this.#isFailing = true;
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#beat(), pauseMs);
  }

  async #learnTimes(): Promise<void> {
    const { hook, machineId, log } = this.#options;
    const times = await hook.times();
    if (times === undefined) {
      log.warn({ machineId }, 'the group has no such terminating hook: it waits for no drain');
      return;
    }
    this.#everyMs = Math.min(MOST_MS, times.heartbeatMs / 3);
    this.#inAllMs = times.inAllMs;
  }
}
