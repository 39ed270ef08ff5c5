/** So often in a row nobody may say that something runs, before it is taken for gone. */
const MOST_MISSED = 12;

/**
 * What services say that they run, asked again and again. Counted are questions that were really
 * asked: while Redis is away nothing is lost.
 */
export class Sightings {
  readonly #missed = new Map<string, number>();

  /** @returns whether it is taken for running. */
  runs(id: string): boolean {
    return (this.#missed.get(id) ?? 0) < MOST_MISSED;
  }

  /**
   * @param expected - what is said to run
   * @param seen - what services say that they run
   */
  asked(expected: readonly string[], seen: ReadonlySet<string>): void {
    const before = new Map(this.#missed);
    this.#missed.clear();
    for (const id of expected) {
      this.#missed.set(id, seen.has(id) ? 0 : (before.get(id) ?? 0) + 1);
    }
  }

  /** Another node asks from now on. */
  forget(): void {
    this.#missed.clear();
  }
}
