import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';
import type { Drainable } from '../cluster/drain';
import type { HostedRooms } from '../cluster/hosted-rooms';
import type { LocalRooms } from '../room/local-rooms';
import type { RoomMover } from './room-mover';

/** The Rooms of a Media Node, as a drain sees them. */
export function drainableRooms(options: {
  readonly rooms: LocalRooms;
  readonly mover: Pick<RoomMover, 'move'>;
  readonly hosted: HostedRooms;
  /** TURN allocations that have to be waited for. */
  readonly relays: () => number;
}): Drainable {
  const { rooms, mover, hosted, relays } = options;
  return {
    rooms: () => rooms.all().map(({ name }) => name),
    participants: () => rooms.all().reduce((sum, room) => sum + room.reachable().length, 0),
    turnAllocations: relays,
    move: (room) => mover.move(room),
    // Its clients join anew, and find another node where there is one.
    putOut: (room) => {
      rooms.get(room)?.close(DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.RECONNECT);
      // It must not begin again here.
      hosted.released(room);
    },
  };
}
