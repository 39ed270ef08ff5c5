import type { SenderEvents } from './sender';

export interface SenderTriesOptions {
  readonly events: Pick<SenderEvents, 'onRetry' | 'onFailed'>;
  /** Begins anew. */
  readonly start: () => void;
  /** ms before the second try; each of the next waits twice as long. @default 1000 */
  readonly firstWaitMs?: number | undefined;
}

/** Tries in a row; one that has sent for a while starts the count anew. */
const MAX_TRIES = 4;
const FIRST_WAIT_MS = 1000;
/** One that sent for so long was up. */
const WAS_UP_MS = 10_000;

/** How often an address is tried, and when again. */
export class SenderTries {
  readonly #options: SenderTriesOptions;
  #tries = 0;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SenderTriesOptions) {
    this.#options = options;
  }

  /** To be called with each try. */
  begun(): void {
    this.#startedAt = performance.now();
  }

  /**
   * It broke.
   *
   * @param sent - whether it has sent anything
   * @returns whether it is tried again
   */
  broken(error: string, sent: boolean): boolean {
    const { events, start, firstWaitMs = FIRST_WAIT_MS } = this.#options;
    if (sent && performance.now() - this.#startedAt > WAS_UP_MS) this.#tries = 0;
    this.#tries += 1;
    if (this.#tries >= MAX_TRIES) {
      events.onFailed(error);
      return false;
    }
    events.onRetry(error);
    this.#timer = setTimeout(start, firstWaitMs * 2 ** (this.#tries - 1));
    return true;
  }

  /** Nothing is tried any more. Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
