import { RoomError } from '../../node-image/room/errors';
import type { RoomFacts } from '../../node-image/room/handover';
import {
  type RoomClaim,
  RoomElsewhereError,
  type RoomOwnership,
} from '../../node-image/room/room-ownership';

interface Placement {
  owner: string;
  epoch: number;
  facts?: RoomFacts;
  movedFrom?: string;
}

/** Which node hosts which Room, for several nodes in one test. */
export class Placements {
  readonly rooms = new Map<string, Placement>();
  /** What nodes told, as "event room". */
  readonly told: string[] = [];
  available = true;

  /** Places a Room, as a Master Node or the node that it leaves does. */
  place(room: string, owner: string, movedFrom?: string): void {
    const before = this.rooms.get(room);
    this.rooms.set(room, {
      ...before,
      owner,
      epoch: (before?.epoch ?? 0) + 1,
      ...(movedFrom === undefined ? {} : { movedFrom }),
    });
  }

  /** As one node sees them. */
  of(node: string): RoomOwnership {
    return {
      outlivesNode: true,
      claim: async (room): Promise<RoomClaim> => {
        if (!this.available) {
          throw new RoomError('unavailable', 'the registry does not answer');
        }
        const placement = this.rooms.get(room);
        if (placement?.owner !== node) {
          throw new RoomElsewhereError(`room ${room} is not hosted here`);
        }
        const { epoch, facts, movedFrom } = placement;
        return { epoch, facts, isMoving: movedFrom !== undefined };
      },
      changed: (room, facts) => {
        this.told.push(`changed ${room}`);
        const placement = this.rooms.get(room);
        if (placement?.owner === node) {
          placement.facts = facts;
        }
      },
      released: (room) => {
        this.told.push(`released ${room}`);
        this.rooms.delete(room);
      },
    };
  }
}
