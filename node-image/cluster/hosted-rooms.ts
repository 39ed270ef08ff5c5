import type { Logger } from 'pino';
import {
  type HostedRoom,
  type Registry,
  RegistryUnavailableError,
  type RoomPlacement,
} from './registry';

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
  /** Of a Single Node: whether it takes new Rooms. @default - always */
  readonly takesNew?: () => boolean;
  readonly log: Logger;
}

interface Hosted {
  readonly epoch: number;
  /** As last told; undefined: nothing yet. */
  facts: string | undefined;
  /** Whether the registry has them. */
  isSaved: boolean;
  isSaving: boolean;
}

/** The Rooms that are this node's by the registry, and what is written down of them. */
export class HostedRooms {
  readonly #options: HostedRoomsOptions;
  readonly #rooms = new Map<string, Hosted>();
  /** Ended while the registry was away. */
  readonly #unreleased = new Map<string, number>();
  readonly #releasing = new Map<string, Promise<void>>();

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
    // One of the same name may just have ended.
    await this.#releasing.get(room);
    let placement: RoomPlacement | undefined;
    try {
      await this.#forgetEnded(room);
      placement = await this.#placement(room);
    } catch (error) {
      const held = this.#rooms.get(room);
      if (held === undefined || !(error instanceof RegistryUnavailableError)) {
        throw error;
      }
      // It is this node's until somebody says otherwise.
      return claimOf(held);
    }
    const known = this.#rooms.get(room);
    if (known !== undefined && known.epoch > (placement?.epoch ?? 0)) {
      // The registry has lost it, and has it again with the next heartbeat.
      return claimOf(known);
    }
    if (placement?.nodeId !== this.#options.nodeId) {
      return undefined;
    }
    const { epoch, facts, movedFrom } = placement;
    if (known?.epoch !== epoch) {
      this.#rooms.set(room, { epoch, facts, isSaved: true, isSaving: false });
    }
    return { epoch, facts, isMoving: movedFrom !== undefined && known?.epoch !== epoch };
  }

  /**
   * The registry has answered a heartbeat with another placement of a Room. It may have been
   * overtaken by what this node has learned since.
   *
   * @returns whether the Room was this node's until now, and is another's.
   */
  loses({ room, nodeId, epoch }: RoomPlacement): boolean {
    const held = this.#rooms.get(room);
    if (held === undefined || held.epoch > epoch) {
      return false;
    }
    if (nodeId === this.#options.nodeId) {
      this.#rooms.set(room, { ...held, epoch, isSaved: false, isSaving: false });
      return false;
    }
    this.#rooms.delete(room);
    return true;
  }

  /** Writes facts down, as soon as that can be done. */
  changed(room: string, facts: string): void {
    const hosted = this.#rooms.get(room);
    if (hosted !== undefined) {
      hosted.facts = facts;
      hosted.isSaved = false;
      void this.#save(room, hosted);
    }
  }

  /** The registry had lost these Rooms, and what it knew of them. */
  restored(rooms: readonly string[]): void {
    for (const room of rooms) {
      const hosted = this.#rooms.get(room);
      if (hosted?.facts !== undefined) {
        hosted.isSaved = false;
      }
    }
    this.catchUp();
  }

  /** The Room has ended. */
  released(room: string): void {
    const hosted = this.#rooms.get(room);
    if (hosted !== undefined) {
      this.#rooms.delete(room);
      this.#unreleased.set(room, hosted.epoch);
      this.#begin(room, hosted.epoch);
    }
  }

  /** The Room is another node's from now on. */
  gaveAway(room: string): void {
    this.#rooms.delete(room);
  }

  /** Once the registry answers again: what could not be told it. */
  catchUp(): void {
    for (const [room, epoch] of this.#unreleased) {
      this.#begin(room, epoch);
    }
    for (const [room, hosted] of this.#rooms) {
      if (!hosted.isSaved) {
        void this.#save(room, hosted);
      }
    }
  }

  /** What could not be told while the registry was away: else the old Room would go on as the new one. */
  async #forgetEnded(room: string): Promise<void> {
    const epoch = this.#unreleased.get(room);
    if (epoch !== undefined) {
      await this.#options.registry.release(room, epoch);
      this.#unreleased.delete(room);
    }
  }

  async #placement(room: string): Promise<RoomPlacement | undefined> {
    const { registry, nodeId, placesItself = false, takesNew = () => true } = this.#options;
    const known = await registry.room(room);
    if (!placesItself || known !== undefined || !takesNew()) {
      return known;
    }
    const result = await registry.place({ room, nodeId });
    return result.outcome === 'outdated' ? undefined : registry.room(room);
  }

  async #save(room: string, hosted: Hosted): Promise<void> {
    if (hosted.isSaving) {
      return;
    }
    hosted.isSaving = true;
    try {
      // Facts may change while they are written.
      while (!hosted.isSaved && hosted.facts !== undefined && this.#rooms.get(room) === hosted) {
        hosted.isSaved = true;
        await this.#options.registry.saveFacts(room, hosted.epoch, hosted.facts);
      }
    } catch {
      // The registry is away; with the next heartbeat that it takes this is tried again.
      hosted.isSaved = false;
    } finally {
      hosted.isSaving = false;
    }
  }

  #begin(room: string, epoch: number): void {
    const releasing = this.#release(room, epoch).finally(() => {
      if (this.#releasing.get(room) === releasing) {
        this.#releasing.delete(room);
      }
    });
    this.#releasing.set(room, releasing);
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

const claimOf = ({ epoch, facts }: Hosted): Claim => ({ epoch, facts, isMoving: false });
