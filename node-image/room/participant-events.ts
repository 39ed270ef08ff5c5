import type { ParticipantEvents } from './participant';
import type { Room } from './room';
import type { RoomNews } from './room-news';
import type { RoomObserver } from './room-observer';

/** What a Room does when something about one of its participants has changed. */
export function participantEvents(
  room: Room,
  news: RoomNews,
  observer: RoomObserver,
): ParticipantEvents {
  return {
    changed: (participant, immediate) => room.broadcast(participant, immediate),
    published: (participant, track) => {
      participant.touch();
      room.tracks.add(participant, track);
      news.soon();
      observer.trackPublished?.(room.info(), participant.info(), track.snapshot());
    },
    codecAdded: (participant, track) => {
      participant.touch();
      room.tracks.codecAdded(track);
    },
    unpublished: (participant, track) => {
      room.tracks.remove(track);
      // No longer a publisher, perhaps, but those who saw the track must hear of its end now.
      participant.touch(true);
      news.soon();
      observer.trackUnpublished?.(room.info(), participant.info(), track.snapshot());
    },
  };
}
