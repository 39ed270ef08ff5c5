import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../../cluster/registry';

/** What the store does not take now is tried again so often, and for so long, in ms. */
const AGAIN_MS = 1000;
const PATIENCE_MS = 120_000;

/** What is to be done in a store that may be away for a while. */
export class PatientTasks {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #ending = new AbortController();

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  /**
   * Does it, and again while the store is away and it is still wanted. Nothing is thrown.
   *
   * @param what - for people, such as "to end a job"
   */
  run(what: string, isWanted: () => boolean, work: () => Promise<void>): void {
    void this.#run(what, isWanted, work);
  }

  /** Nothing is tried again. Idempotent. */
  close(): void {
    this.#ending.abort();
  }

  async #run(what: string, isWanted: () => boolean, work: () => Promise<void>): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    const { signal } = this.#ending;
    for (;;) {
      try {
        if (isWanted()) await work();
        return;
      } catch (error) {
        const isAway = error instanceof RegistryUnavailableError;
        if (!isAway || performance.now() >= untilMs || signal.aborted) {
          if (!signal.aborted) this.#log.warn({ err: error }, `it was not possible ${what}`);
          return;
        }
        await sleep(AGAIN_MS, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }
}
