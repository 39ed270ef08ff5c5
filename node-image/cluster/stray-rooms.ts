import type { Logger } from 'pino';
import type { HostedRooms } from './hosted-rooms';
import type { Registry } from './registry';

/** How often a node looks for strays, ms. One has to be seen twice. */
const LOOK_MS = 30_000;

export interface StrayRoomsOptions {
  readonly nodeId: string;
  readonly registry: Registry;
  readonly hosted: HostedRooms;
  /** Whether a Room runs here, or is about to. */
  readonly exists: (room: string) => boolean;
  readonly log: Logger;
  /** @default 30000 */
  readonly lookMs?: number;
}

/**
 * Rooms that are placed on this node and do not run here: whoever asked for them went away before
 * they were made, or they ended while the registry was away. Their placements are taken back.
 */
export class StrayRooms {
  readonly #options: StrayRoomsOptions;
  readonly #timer: NodeJS.Timeout;
  #before = new Set<string>();
  #busy: Promise<void> | undefined;

  constructor(options: StrayRoomsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), options.lookMs ?? LOOK_MS);
    this.#timer.unref();
  }

  /** Looks now; what was there at the last look too is released. Never rejects. */
  look(): Promise<void> {
    this.#busy ??= this.#look()
      .catch(() => {
        // The registry is away: strays can wait.
      })
      .finally(() => {
        this.#busy = undefined;
      });
    return this.#busy;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { nodeId, registry, hosted, exists, log } = this.#options;
    const placed = (await registry.rooms()).filter((one) => one.nodeId === nodeId);
    const strays = new Set<string>();
    for (const { room, epoch } of placed.filter(({ room: name }) => !exists(name))) {
      const name = `${epoch} ${room}`;
      if (this.#before.has(name)) {
        log.info({ room }, 'a Room that was placed here and never opened is taken back');
        hosted.gaveAway(room);
        await registry.release(room, epoch);
      } else {
        strays.add(name);
      }
    }
    this.#before = strays;
  }
}
