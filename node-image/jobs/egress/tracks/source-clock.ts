/** Media is at most so far off the clock of its SFU, in ms: more than is waited for a lost packet. */
const FAR_MS = 30_000;

/**
 * The clock of the SFU that a source is from, as its media tells it.
 *
 * Times of media are made of RTP timestamps, which are the publisher's to choose: one that jumps by
 * hours is not followed, as all of the time between would have to be filled.
 */
export class SourceClock {
  readonly #now: () => number;
  /** The clock of the SFU, less that of this process, in ms: by the first media. */
  #firstAheadMs: number | undefined;
  /** Likewise, at least: what comes late says less. */
  #aheadMs: number | undefined;

  /** @param now - ms since 1970. @default Date.now */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes the time of media that has just come, in ms. @returns false where it cannot be that time */
  admits(timeMs: number): boolean {
    const aheadMs = timeMs - this.#now();
    this.#firstAheadMs ??= aheadMs;
    if (Math.abs(aheadMs - this.#firstAheadMs) > FAR_MS) return false;
    this.#aheadMs = Math.max(aheadMs, this.#aheadMs ?? aheadMs);
    return true;
  }

  /** What time it is there, in ms since 1970; that of this process before any media. */
  nowMs(): number {
    return this.#now() + (this.#aheadMs ?? 0);
  }
}
