import { ParticipantInfo_State } from '@livekit/protocol';
import { ExpectedParticipant } from './expected-participants';
import { type CarriedParticipant, HANDOVER_VERSION, type RoomHandover } from './handover';
import { newId } from './ids';
import type { Participant } from './participant';
import { changePermission } from './permission-change';
import type { Room } from './room';
import type { RoomObserver } from './room-observer';

/** A participant as it is now, for when it comes back. */
export function carry(participant: Participant): CarriedParticipant {
  const info = participant.info();
  info.tracks = [];
  info.dataTracks = [];
  return { info, grants: participant.grants, isAnnounced: participant.isAnnounced };
}

/** A Room as it is now, to be called while it is frozen: for the node that hosts it from now on. */
export function prepareHandover(room: Room): RoomHandover {
  return {
    version: HANDOVER_VERSION,
    id: newId('HO_'),
    facts: room.facts(),
    participants: [
      ...room.reachable().map(carry),
      ...room.expected.values().map((one) => one.carried()),
    ],
  };
}

/**
 * Takes over who was in a Room: they are expected. Who has come early becomes what it was.
 *
 * @returns those of whom others have to hear.
 */
export function receiveHandover(
  room: Room,
  { participants }: RoomHandover,
  observer: RoomObserver,
  untilMs: number,
): ExpectedParticipant[] {
  const added: ExpectedParticipant[] = [];
  for (const carried of participants) {
    const present = room.participants.get(carried.info.identity);
    if (room.expected.get(carried.info.identity) !== undefined) {
      continue;
    }
    const expected = new ExpectedParticipant(carried, untilMs);
    const isCounted = present?.state === ParticipantInfo_State.ACTIVE;
    if (present?.reachable) {
      // It was quicker than the word of what it had been.
      changePermission(room, present, expected.permission);
      present.becomeAsBefore(expected);
      present.touch(true);
      present.claimsChanged();
    } else {
      room.expected.add(expected);
      added.push(expected);
      if (present !== undefined) {
        present.returning = expected;
      }
    }
    if (expected.isAnnounced && !isCounted) {
      observer.participantArrived?.(room.info(), expected.info());
    }
  }
  return added;
}
