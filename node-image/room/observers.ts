import type { Logger } from 'pino';
import type { RoomObserver } from './room-observer';

/** One observer that tells several, each whatever the others do. */
export function observeAll(observers: readonly RoomObserver[], log: Logger): RoomObserver {
  const tell = (name: keyof RoomObserver, call: (observer: RoomObserver) => void): void => {
    for (const observer of observers) {
      try {
        call(observer);
      } catch (error) {
        log.error({ err: error, event: name }, 'an observer of rooms failed');
      }
    }
  };
  return {
    roomStarted: (room) => tell('roomStarted', (one) => one.roomStarted?.(room)),
    roomFinished: (room) => tell('roomFinished', (one) => one.roomFinished?.(room)),
    roomArrived: (room) => tell('roomArrived', (one) => one.roomArrived?.(room)),
    roomDeparted: (room) => tell('roomDeparted', (one) => one.roomDeparted?.(room)),
    agentsWanted: (room) => tell('agentsWanted', (one) => one.agentsWanted?.(room)),
    participantArrived: (room, participant) =>
      tell('participantArrived', (one) => one.participantArrived?.(room, participant)),
    participantRejoined: (room, participant) =>
      tell('participantRejoined', (one) => one.participantRejoined?.(room, participant)),
    participantDeparted: (room, participant) =>
      tell('participantDeparted', (one) => one.participantDeparted?.(room, participant)),
    participantJoined: (room, participant) =>
      tell('participantJoined', (one) => one.participantJoined?.(room, participant)),
    participantLeft: (room, participant) =>
      tell('participantLeft', (one) => one.participantLeft?.(room, participant)),
    participantConnectionAborted: (room, participant) =>
      tell('participantConnectionAborted', (one) =>
        one.participantConnectionAborted?.(room, participant),
      ),
    trackPublished: (room, participant, track) =>
      tell('trackPublished', (one) => one.trackPublished?.(room, participant, track)),
    trackUnpublished: (room, participant, track) =>
      tell('trackUnpublished', (one) => one.trackUnpublished?.(room, participant, track)),
    trackSubscribed: (type) => tell('trackSubscribed', (one) => one.trackSubscribed?.(type)),
    trackUnsubscribed: (type) => tell('trackUnsubscribed', (one) => one.trackUnsubscribed?.(type)),
    quality: (rating, score) => tell('quality', (one) => one.quality?.(rating, score)),
  };
}
