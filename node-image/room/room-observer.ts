import type {
  ConnectionQuality,
  ParticipantInfo,
  Room,
  TrackInfo,
  TrackType,
} from '@livekit/protocol';

/**
 * Told of what happens in the Rooms of this node, in order, at most once each.
 *
 * Webhooks and metrics implement it. Every argument is a copy made for the call. An observer
 * must not throw; what it throws is logged and changes nothing.
 */
export interface RoomObserver {
  roomStarted?(room: Room): void;
  roomFinished?(room: Room): void;
  /** A Room that was elsewhere is here from now on: it has not started anew. */
  roomArrived?(room: Room): void;
  /** A Room has gone elsewhere: it has not finished. */
  roomDeparted?(room: Room): void;
  /** Another agent is wanted in a Room, or one no more. */
  agentsWanted?(room: Room): void;
  /** The participant's primary peer connection is connected. */
  participantJoined?(room: Room, participant: ParticipantInfo): void;
  /** A participant that had joined is gone. */
  participantLeft?(room: Room, participant: ParticipantInfo): void;
  /** A participant that had joined elsewhere belongs to a Room here, and is expected. */
  participantArrived?(room: Room, participant: ParticipantInfo): void;
  /** A participant that was expected is back, with another sid. It has not joined anew. */
  participantRejoined?(room: Room, participant: ParticipantInfo): void;
  /** A participant that had joined is sent elsewhere with its Room. It has not left. */
  participantDeparted?(room: Room, participant: ParticipantInfo): void;
  /** A participant is gone before its primary peer connection was ever connected. */
  participantConnectionAborted?(room: Room, participant: ParticipantInfo): void;
  trackPublished?(room: Room, participant: ParticipantInfo, track: TrackInfo): void;
  trackUnpublished?(room: Room, participant: ParticipantInfo, track: TrackInfo): void;
  /** A track begins to go to a subscriber. */
  trackSubscribed?(type: TrackType): void;
  trackUnsubscribed?(type: TrackType): void;
  /** How a participant's connection is now; told when it has changed. */
  quality?(rating: ConnectionQuality, score: number): void;
}
