import type { Logger } from 'pino';
import type { HostedRooms } from '../cluster/hosted-rooms';
import { RegistryUnavailableError } from '../cluster/registry';
import { RoomError } from '../room/errors';
import { type RoomFacts, roomFactsSchema } from '../room/handover';
import { type RoomClaim, RoomElsewhereError, type RoomOwnership } from '../room/room-ownership';

/** Rooms are this node's where the registry says so. */
export class RegistryOwnership implements RoomOwnership {
  readonly outlivesNode: boolean;
  readonly #hosted: HostedRooms;
  readonly #log: Logger;

  constructor(options: {
    readonly hosted: HostedRooms;
    /** Whether the registry goes on when this process ends. */
    readonly outlivesNode: boolean;
    readonly log: Logger;
  }) {
    this.outlivesNode = options.outlivesNode;
    this.#hosted = options.hosted;
    this.#log = options.log;
  }

  async claim(room: string): Promise<RoomClaim> {
    try {
      const claim = await this.#hosted.claim(room);
      if (claim === undefined) {
        throw new RoomElsewhereError(`Room ${room} is not hosted by this node`);
      }
      const { epoch, facts, isMoving } = claim;
      return { epoch, isMoving, facts: facts === undefined ? undefined : this.#read(room, facts) };
    } catch (error) {
      if (error instanceof RegistryUnavailableError) {
        throw new RoomError(
          'unavailable',
          'the registry of the cluster does not answer, so no new Room can be made; try again',
        );
      }
      throw error;
    }
  }

  changed(room: string, facts: RoomFacts): void {
    this.#hosted.changed(room, JSON.stringify(facts));
  }

  released(room: string): void {
    this.#hosted.released(room);
  }

  /** What cannot be read is as good as not there: the Room begins anew. */
  #read(room: string, text: string): RoomFacts | undefined {
    try {
      return roomFactsSchema.parse(JSON.parse(text));
    } catch (error) {
      this.#log.warn({ err: error, room }, 'the facts of a Room cannot be read; it begins anew');
      return undefined;
    }
  }
}
