import type { RoomFacts } from '../../node-image/room/handover';
import type { RoomClaim, RoomOwnership } from '../../node-image/room/room-ownership';

/** As long as clients try to come back to a Room that was lost, in ms. */
const KEEP_MS = 60_000;

/**
 * The ownership of a node that shares with nobody: every Room is its own.
 *
 * Facts are given back for a minute after they were told last: a Room is told of once more when it
 * is lost.
 */
export class SoleOwnership implements RoomOwnership {
  readonly #facts = new Map<string, { readonly facts: RoomFacts; readonly atMs: number }>();
  readonly #now: () => number;

  /** @param now - ms since 1970. @default Date.now */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async claim(room: string): Promise<RoomClaim> {
    this.#prune();
    return { epoch: 1, facts: this.#facts.get(room)?.facts, isMoving: false };
  }

  changed(room: string, facts: RoomFacts): void {
    this.#prune();
    this.#facts.delete(room);
    this.#facts.set(room, { facts, atMs: this.#now() });
  }

  released(room: string): void {
    this.#facts.delete(room);
  }

  /** The oldest stand first. */
  #prune(): void {
    const oldest = this.#now() - KEEP_MS;
    for (const [room, { atMs }] of this.#facts) {
      if (atMs > oldest) {
        return;
      }
      this.#facts.delete(room);
    }
  }
}
