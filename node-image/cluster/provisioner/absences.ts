/** Where the registry has remembered for less long, nodes may still have to be heard of again, ms. */
const YOUNG_MS = 60_000;
/** Whoever has not looked for longer than that begins anew: meanwhile it may have been back, ms. */
const BREAK_MS = 30_000;

/**
 * How long machines have been without a node, as this process has seen it by its own clock. Only time
 * counts in which the registry could say so without a break.
 */
export class Absences {
  readonly #longestMs: number;
  readonly #since = new Map<string, number>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** @param everyMs - how often it is looked */
  constructor(everyMs: number) {
    this.#longestMs = 2 * everyMs + BREAK_MS;
  }

  /**
   * @param absent - the machines without a node
   * @param registryAgeMs - since when the registry remembers
   * @param nowMs - monotonic
   */
  look(absent: readonly string[], registryAgeMs: number, nowMs: number): void {
    const isBroken = nowMs - this.#lookedMs > this.#longestMs || registryAgeMs < YOUNG_MS;
    if (isBroken) this.#since.clear();
    this.#lookedMs = nowMs;
    for (const machine of this.#since.keys()) {
      if (!absent.includes(machine)) this.#since.delete(machine);
    }
    for (const machine of absent) {
      if (!this.#since.has(machine)) this.#since.set(machine, nowMs);
    }
  }

  /** As of the last look, ms; 0: it has a node. */
  ms(machine: string): number {
    const sinceMs = this.#since.get(machine);
    return sinceMs === undefined ? 0 : this.#lookedMs - sinceMs;
  }
}
