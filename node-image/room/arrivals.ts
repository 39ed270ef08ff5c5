import type { RoomHandover } from './handover';

/** Rooms that have been handed over, until they are here; and who waits for one. */
export class Arrivals {
  readonly #handovers = new Map<string, RoomHandover>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #waitMs: number;

  /** @param waitMs - how long one waits for a handover, in ms. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  put(handover: RoomHandover): void {
    const { name } = handover.facts;
    this.#handovers.set(name, handover);
    for (const stop of this.#waiting.get(name) ?? []) {
      stop();
    }
  }

  has(room: string): boolean {
    return this.#handovers.has(room);
  }

  take(room: string): RoomHandover | undefined {
    const handover = this.#handovers.get(room);
    this.#handovers.delete(room);
    return handover;
  }

  /** @returns whether this one was still waiting to be taken. */
  drop(handover: RoomHandover): boolean {
    const { name } = handover.facts;
    return this.#handovers.get(name) === handover && this.#handovers.delete(name);
  }

  /** Resolves when the Room's handover is here, or does not come. */
  wait(room: string): Promise<void> {
    if (this.has(room)) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(room) ?? new Set();
      this.#waiting.set(room, waiting);
      const stop = (): void => {
        clearTimeout(timer);
        waiting.delete(stop);
        if (waiting.size === 0) {
          this.#waiting.delete(room);
        }
        resolve();
      };
      const timer = setTimeout(stop, this.#waitMs);
      waiting.add(stop);
    });
  }
}
