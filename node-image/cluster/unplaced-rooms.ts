/** Whoever asked for it tries again within that time, or has given up, ms. */
const FORGET_MS = 60_000;
/** So many are remembered: more than any group grows for at a time. */
const MOST = 10_000;

/**
 * Rooms that found no node lately, and still have none: the group is to grow for them. Who asks for the
 * same Room again counts once.
 */
export class UnplacedRooms {
  readonly #now: () => number;
  /** When each was asked for last; the oldest first. */
  readonly #rooms = new Map<string, number>();

  /** @param now - monotonic, ms. @default performance.now */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add(room: string): void {
    this.#rooms.delete(room);
    this.#rooms.set(room, this.#now());
    const [oldest] = this.#rooms.keys();
    if (this.#rooms.size > MOST && oldest !== undefined) this.#rooms.delete(oldest);
  }

  /** It has a node now. */
  remove(room: string): void {
    this.#rooms.delete(room);
  }

  get count(): number {
    for (const [room, atMs] of this.#rooms) {
      if (this.#now() - atMs < FORGET_MS) break;
      this.#rooms.delete(room);
    }
    return this.#rooms.size;
  }
}
