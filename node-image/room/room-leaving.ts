import { DisconnectReason, type ParticipantInfo } from '@livekit/protocol';
import type { Participant } from './participant';
import type { Room } from './room';
import type { RoomObserver } from './room-observer';

/**
 * Ends what a participant publishes and receives, and closes it.
 *
 * @returns it as it was last.
 */
export function takeOut(
  room: Room,
  participant: Participant,
  reason: DisconnectReason,
  observer: RoomObserver,
): ParticipantInfo {
  const tracks = [...participant.publishing.tracks.values()];
  const received = participant.received();
  participant.close(reason);
  const info = participant.info();
  room.tracks.subscriberLeft(received);
  for (const track of received) {
    observer.trackUnsubscribed?.(track.info.type);
  }
  for (const track of tracks) {
    room.tracks.remove(track);
    observer.trackUnpublished?.(room.info(), info, track.snapshot());
  }
  room.data.peerLeft(participant);
  room.dataTracks.peerLeft(participant);
  room.speakers.forget(participant);
  room.quality.forget(participant);
  return info;
}

/**
 * Whether one who was on its way back, and did not get through, is likely to try again: nobody
 * wanted it gone.
 */
export function triesAgain(reason: DisconnectReason): boolean {
  switch (reason) {
    case DisconnectReason.SIGNAL_CLOSE:
    case DisconnectReason.JOIN_FAILURE:
    case DisconnectReason.CONNECTION_TIMEOUT:
    case DisconnectReason.STATE_MISMATCH:
    case DisconnectReason.MIGRATION:
      return true;
    default:
      return false;
  }
}
