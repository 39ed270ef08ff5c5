/**
 * How many tracks go to those who receive from one worker, or from one Room's part of it.
 *
 * What is counted here is counted above as well.
 */
export class Tally {
  readonly #above: Tally | undefined;
  #total = 0;

  constructor(above?: Tally) {
    this.#above = above;
  }

  get total(): number {
    return this.#total;
  }

  /** @internal */
  add(change: number): void {
    this.#total += change;
    this.#above?.add(change);
  }
}

/** A viewer counts for a picture and sound at least: a publisher may come when all are there. */
const LEAST_TRACKS = 2;

/** One who receives, counted from before it has a transport until it is gone. */
export class Seat {
  readonly #tally: Tally;
  #expected: number;
  #tracks = 0;
  #counted = 0;
  #closed = false;

  /**
   * @param expected - how many tracks it is about to receive. Those who join at once would all be
   *   taken for idle otherwise.
   */
  constructor(tally: Tally, expected: number) {
    this.#tally = tally;
    this.#expected = Math.max(LEAST_TRACKS, expected);
    this.#count();
  }

  /** What it was about to receive it receives by now, or does not want. */
  settle(): void {
    this.#expected = LEAST_TRACKS;
    this.#count();
  }

  /** One more track goes to it, or with -1 one less. */
  change(by: 1 | -1): void {
    this.#tracks += by;
    this.#count();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#count();
  }

  #count(): void {
    const now = this.#closed ? 0 : Math.max(this.#expected, this.#tracks);
    this.#tally.add(now - this.#counted);
    this.#counted = now;
  }
}
