import type { Logger } from 'pino';
import type { HostedRoom, Registry, RoomPlacement } from './registry';

/** A Room that this node may host. */
export interface Claim {
  readonly epoch: number;
  /** As the last owner wrote them. */
  readonly facts: string | undefined;
  readonly isMoving: boolean;
}

export interface HostedRoomsOptions {
  readonly registry: Registry;
  readonly nodeId: string;
  /** A Single Node: whatever is asked for here is placed here. @default false */
  readonly placesItself?: boolean;
  readonly log: Logger;
}

interface Hosted {
  readonly epoch: number;
  /** Facts that the registry does not have yet. */
  unsaved: string | undefined;
  saving: boolean;
}

/** The Rooms that are this node's by the registry, and what is written down of them. */
export class HostedRooms {
  readonly #options: HostedRoomsOptions;
  readonly #rooms = new Map<string, Hosted>();
  /** Ended while the registry was away. */
  readonly #unreleased = new Map<string, number>();

  constructor(options: HostedRoomsOptions) {
    this.#options = options;
  }

  /** For the heartbeat. */
  list(): HostedRoom[] {
    return [...this.#rooms].map(([room, { epoch }]) => ({ room, epoch }));
  }

  epochOf(room: string): number | undefined {
    return this.#rooms.get(room)?.epoch;
  }

  /**
   * Takes a Room as this node's.
   *
   * @returns undefined where it is another node's, or nobody's.
   * @throws RegistryUnavailableError
   */
  async claim(room: string): Promise<Claim | undefined> {
    const placement = await this.#placement(room);
    if (placement?.nodeId !== this.#options.nodeId) {
      return undefined;
    }
    const { epoch, facts, movedFrom } = placement;
    const known = this.#rooms.get(room);
    if (known?.epoch !== epoch) {
      this.#rooms.set(room, { epoch, unsaved: undefined, saving: false });
    }
    this.#unreleased.delete(room);
    return { epoch, facts, isMoving: movedFrom !== undefined && known?.epoch !== epoch };
  }

  /** Writes facts down, as soon as that can be done. */
  changed(room: string, facts: string): void {
    const hosted = this.#rooms.get(room);
    if (hosted !== undefined) {
      hosted.unsaved = facts;
      void this.#save(room, hosted);
    }
  }

  /** The Room has ended. */
  released(room: string): void {
    const hosted = this.#rooms.get(room);
    if (hosted !== undefined) {
      this.#rooms.delete(room);
      this.#unreleased.set(room, hosted.epoch);
      void this.#release(room, hosted.epoch);
    }
  }

  /** The Room is another node's from now on. */
  gaveAway(room: string): void {
    this.#rooms.delete(room);
  }

  /** Once the registry answers again: what could not be told it. */
  catchUp(): void {
    for (const [room, epoch] of this.#unreleased) {
      void this.#release(room, epoch);
    }
    for (const [room, hosted] of this.#rooms) {
      if (hosted.unsaved !== undefined) {
        void this.#save(room, hosted);
      }
    }
  }

  async #placement(room: string): Promise<RoomPlacement | undefined> {
    const { registry, nodeId, placesItself = false } = this.#options;
    if (!placesItself) {
      return registry.room(room);
    }
    const result = await registry.place({ room, nodeId });
    return result.outcome === 'outdated' ? undefined : registry.room(room);
  }

  async #save(room: string, hosted: Hosted): Promise<void> {
    if (hosted.saving) {
      return;
    }
    hosted.saving = true;
    try {
      while (hosted.unsaved !== undefined && this.#rooms.get(room) === hosted) {
        const facts = hosted.unsaved;
        hosted.unsaved = undefined;
        try {
          await this.#options.registry.saveFacts(room, hosted.epoch, facts);
        } catch {
          hosted.unsaved ??= facts;
          return;
        }
      }
    } finally {
      hosted.saving = false;
    }
  }

  async #release(room: string, epoch: number): Promise<void> {
    try {
      await this.#options.registry.release(room, epoch);
      if (this.#unreleased.get(room) === epoch) {
        this.#unreleased.delete(room);
      }
    } catch {
      this.#options.log.debug({ room }, 'the registry could not be told that a Room has ended');
    }
  }
}
