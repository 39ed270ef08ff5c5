import type { Logger } from 'pino';

/** A machine that was asked for shows in the list within so long, ms. */
const LISTED_WITHIN_MS = 120_000;
/** A capacity that no machine stands for is believed for so long, ms: then Azure has none to give. */
const MISSING_MS = 600_000;

/** What Azure says of a scale set. */
export interface CapacityFigures {
  /** sku.capacity. It may or may not count machines whose deletion has begun. */
  readonly capacity: number;
  /** Machines that are listed, and not on their way out. */
  readonly live: number;
  /** Machines that are listed, and on their way out. */
  readonly ending: number;
}

export interface ExpectedMachinesOptions {
  /** For the log. */
  readonly group: string;
  readonly log: Logger;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/**
 * How many machines there are to be. Azure's own figure does not do: it may count machines that are
 * being deleted for many minutes, and stays raised where a machine could not be made.
 */
export class ExpectedMachines {
  readonly #options: ExpectedMachinesOptions;
  /** What was asked for from here, until it shows in the list. */
  #asked: { wanted: number; readonly untilMs: number } | undefined;
  #missingSinceMs: number | undefined;
  #isTold = false;

  constructor(options: ExpectedMachinesOptions) {
    this.#options = options;
  }

  /** So many more were asked for. */
  grown(figures: CapacityFigures, count: number): void {
    const wanted = this.wanted(figures) + count;
    this.#asked = { wanted, untilMs: this.#options.now() + LISTED_WITHIN_MS };
    this.#missingSinceMs = undefined;
  }

  /** The end of a live one was asked for. */
  ended(): void {
    if (this.#asked !== undefined) this.#asked.wanted -= 1;
  }

  /** Machines that there are and that come, without those that end. */
  wanted(figures: CapacityFigures): number {
    const { capacity, live, ending } = figures;
    const nowMs = this.#options.now();
    if (this.#asked !== undefined && (nowMs >= this.#asked.untilMs || live >= this.#asked.wanted)) {
      this.#asked = undefined;
    }
    const bySet = Math.max(live, capacity - ending);
    if (bySet <= live) {
      this.#missingSinceMs = undefined;
      this.#isTold = false;
    } else {
      this.#missingSinceMs ??= nowMs;
    }
    const isBelieved = nowMs - (this.#missingSinceMs ?? nowMs) < MISSING_MS;
    if (!isBelieved && !this.#isTold) {
      this.#isTold = true;
      this.#options.log.warn(
        { group: this.#options.group, capacity, machines: live + ending },
        'the scale set has fewer machines than its capacity for 10 minutes: Azure has none to give, see its activity log',
      );
    }
    return Math.max(isBelieved ? bySet : live, this.#asked?.wanted ?? 0);
  }
}
