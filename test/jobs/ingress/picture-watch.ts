import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeClient } from '../../support/rtc-node';

/** Watches somebody's picture, by whatever track it comes. */
export class PictureWatch {
  readonly #viewer: NodeClient;
  readonly #identity: string;
  readonly #over: Promise<void>;
  #closed = false;
  #lastMs = 0;
  #longestMs = 0;

  constructor(viewer: NodeClient, identity: string) {
    this.#viewer = viewer;
    this.#identity = identity;
    this.#over = this.#watch();
  }

  /** From a picture to the next, at most, in ms. */
  get longestGapMs(): number {
    return Math.round(this.#longestMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#over;
  }

  async #watch(): Promise<void> {
    while (!this.#closed) {
      const seen = await this.#viewer.sees(this.#identity, 2, 1000).catch(() => undefined);
      const now = performance.now();
      if (seen !== undefined) {
        if (this.#lastMs > 0) this.#longestMs = Math.max(this.#longestMs, now - this.#lastMs);
        this.#lastMs = now;
      }
      await sleep(40);
    }
  }
}
