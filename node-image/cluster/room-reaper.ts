import type { Logger } from 'pino';
import type { RegisteredNode } from './node-record';
import type { ClusterSnapshot, Registry } from './registry';

/** Clients of a dead node come back within a minute; a Room that nobody came back to has ended. */
const ABANDONED_MS = 90_000;
/** Where the registry has lost its memory, nodes have so long to be heard of again, ms. */
const YOUNG_MS = 60_000;

export interface RoomReaperOptions {
  readonly registry: Registry;
  readonly log: Logger;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** Takes away the Rooms of dead nodes that nobody came back to. */
export class RoomReaper {
  readonly #options: RoomReaperOptions;
  /** Since when a Room has been without its node, by Room and epoch. */
  readonly #since = new Map<string, number>();

  constructor(options: RoomReaperOptions) {
    this.#options = options;
  }

  /** @param known - all nodes that are alive, also those that the registry has forgotten. */
  async run(snapshot: ClusterSnapshot, known: readonly RegisteredNode[]): Promise<void> {
    const { registry, log, now } = this.#options;
    if (snapshot.ageMs < YOUNG_MS) {
      this.#since.clear();
      return;
    }
    const alive = new Set([...known, ...snapshot.nodes].map(({ record }) => record.id));
    const lost = (await registry.rooms()).filter(({ nodeId }) => !alive.has(nodeId));
    const names = new Set(lost.map(({ room, epoch }) => `${epoch} ${room}`));
    for (const name of this.#since.keys()) {
      if (!names.has(name)) {
        this.#since.delete(name);
      }
    }
    for (const { room, epoch, nodeId } of lost) {
      const name = `${epoch} ${room}`;
      const since = this.#since.get(name) ?? now();
      this.#since.set(name, since);
      if (now() - since >= ABANDONED_MS) {
        await registry.release(room, epoch);
        log.info({ room, node: nodeId }, 'a Room of a dead node has ended: nobody came back to it');
      }
    }
  }
}
