export interface MessageBudgetOptions {
  /** `sluice.signal_messages_per_second` or `data_messages_per_second`. 0: no limit. */
  readonly perSecond: number;
  /** How many seconds' worth may come at once: a join starts with a burst. @default 2 */
  readonly burstSeconds?: number;
  /** Monotonic, in ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * How many messages one connection may send. Not of the library, because it must answer at once:
 * messages may not overtake each other while a promise settles.
 */
export class MessageBudget {
  readonly #perSecond: number;
  readonly #capacity: number;
  readonly #now: () => number;
  #left: number;
  #countedAtMs: number;

  constructor({
    perSecond,
    burstSeconds = 2,
    now = () => performance.now(),
  }: MessageBudgetOptions) {
    this.#perSecond = perSecond;
    this.#capacity = perSecond * burstSeconds;
    this.#now = now;
    this.#left = this.#capacity;
    this.#countedAtMs = now();
  }

  /**
   * @param cost - as how many messages this one counts, above 0; never more than may come at once.
   *   @default 1
   * @returns whether this message is within the limit.
   */
  take(cost = 1): boolean {
    if (this.#perSecond === 0) return true;
    const price = Math.min(cost, this.#capacity);
    const now = this.#now();
    const earned = ((now - this.#countedAtMs) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#capacity, this.#left + earned);
    this.#countedAtMs = now;
    if (this.#left < price) return false;
    this.#left -= price;
    return true;
  }
}
