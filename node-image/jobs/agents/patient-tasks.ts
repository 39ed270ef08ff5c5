import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../../cluster/registry';

/** What the store does not take now is tried again after so long, in ms, then later each time. */
const AGAIN_MS = 500;
const MAX_AGAIN_MS = 5000;

/** What is to be done in a store that may be away for a while. */
export class PatientTasks {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #ending = new AbortController();

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  /**
   * Does it, and again while the store is away and it is still wanted, for as long as that takes.
   *
   * @param what - for people, such as "to end a job"
   * @returns resolves when it is done, or given up; never rejects.
   */
  async run(what: string, isWanted: () => boolean, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#ending;
    try {
      await pRetry(
        async () => {
          if (isWanted()) await work();
        },
        {
          ...{ retries: Number.POSITIVE_INFINITY, factor: 1.5, randomize: true, unref: true },
          ...{ minTimeout: AGAIN_MS, maxTimeout: MAX_AGAIN_MS, signal },
          shouldRetry: ({ error }) => error instanceof RegistryUnavailableError,
        },
      );
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ err: error }, `it was not possible ${what}`);
    }
  }

  /** Nothing is tried again. Idempotent. */
  close(): void {
    this.#ending.abort();
  }
}
