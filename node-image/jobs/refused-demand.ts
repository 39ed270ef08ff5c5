import type { NewJob } from './job-store';

/** What was refused is wanted less and less, and no more after so long, in ms. */
const FORGET_MS = 60_000;
/** So many are remembered: more than any group grows for at a time. */
const MOST = 1000;

interface Refused {
  readonly cpus: number;
  readonly atMs: number;
}

/**
 * CPU cores that jobs need which were refused lately: their callers may try again, and a group that
 * does not let jobs wait is to grow for them as well. Who asks for the same again counts once, and so
 * do jobs of a Room that need the same, as they cannot be told from that.
 */
export class RefusedDemand {
  readonly #now: () => number;
  /** The oldest first. */
  readonly #refused = new Map<string, Refused>();

  /** @param now - monotonic, ms. @default performance.now */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add({ kind, room }: Pick<NewJob, 'kind' | 'room'>, cpus: number): void {
    const key = JSON.stringify([kind, room, cpus]);
    this.#refused.delete(key);
    this.#refused.set(key, { cpus, atMs: this.#now() });
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > MOST && oldest !== undefined) this.#refused.delete(oldest);
  }

  get cpus(): number {
    const now = this.#now();
    let sum = 0;
    for (const [key, { cpus, atMs }] of this.#refused) {
      const left = 1 - (now - atMs) / FORGET_MS;
      if (left > 0) sum += cpus * left;
      else this.#refused.delete(key);
    }
    return Math.round(sum * 100) / 100;
  }
}
