import {
  type AutoParticipantEgress,
  type AutoTrackEgress,
  DirectFileOutput,
  ParticipantEgressRequest,
  type ParticipantInfo,
  ParticipantInfo_Kind,
  type Room,
  RoomCompositeEgressRequest,
  type RoomEgress,
  TrackEgressRequest,
  type TrackInfo,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import type { RoomObserver } from '../../room/room-observer';
import type { EgressControl } from './egress-control';
import { EgressError } from './egress-error';
import type { EgressRequest } from './from-request';

export interface AutoEgressOptions {
  readonly egress: Pick<EgressControl, 'start' | 'check'>;
  /** Whether this is told of participants and tracks: on the node that has the Rooms. @default false */
  readonly observes?: boolean;
  readonly log: Pick<Logger, 'warn'>;
}

/** Egresses that start with a Room, its participants or its tracks. Source: RoomEgress, livekit_room.proto. */
export class AutoEgress implements RoomObserver {
  readonly #options: AutoEgressOptions;
  readonly #rooms = new Map<string, RoomEgress>();

  constructor(options: AutoEgressOptions) {
    this.#options = options;
  }

  /** Whether it could be done, before the Room is made. @throws EgressError */
  check(room: string, wanted: RoomEgress): void {
    const { egress, observes = false } = this.#options;
    if (!observes && (wanted.participant !== undefined || wanted.tracks !== undefined)) {
      const text = 'egress of each participant or track of a room is for a Single Node only';
      throw new EgressError('unimplemented', `${text}: start them when they are published`);
    }
    if (wanted.room !== undefined) egress.check(ofRoom(wanted.room, room));
    if (wanted.participant !== undefined)
      egress.check(ofParticipant(wanted.participant, room, '-'));
    if (wanted.tracks !== undefined) egress.check(ofTrack(wanted.tracks, room, '-'));
  }

  /** Starts what is of the Room, and remembers the rest. @throws EgressError, NoNodeError */
  async created(room: Room, wanted: RoomEgress): Promise<void> {
    // Of a Room that was there already, it has started.
    if (this.#rooms.has(room.name)) return;
    this.#rooms.set(room.name, wanted);
    if (wanted.room === undefined) return;
    await this.#options.egress.start(ofRoom(wanted.room, room.name));
  }

  roomFinished({ name }: Room): void {
    this.#rooms.delete(name);
  }

  participantJoined({ name }: Room, { identity, kind, permission }: ParticipantInfo): void {
    const wanted = this.#rooms.get(name)?.participant;
    const records = kind === ParticipantInfo_Kind.EGRESS || permission?.recorder === true;
    if (wanted === undefined || records || permission?.hidden === true) return;
    this.#start(ofParticipant(wanted, name, identity));
  }

  trackPublished({ name }: Room, _participant: ParticipantInfo, { sid }: TrackInfo): void {
    const wanted = this.#rooms.get(name)?.tracks;
    if (wanted !== undefined) this.#start(ofTrack(wanted, name, sid));
  }

  #start(request: EgressRequest): void {
    const { egress, log } = this.#options;
    egress.start(request).catch((error: unknown) => {
      log.warn({ err: error, request: request.case }, 'an automatic Egress could not be started');
    });
  }
}

function ofRoom(wanted: RoomCompositeEgressRequest, roomName: string): EgressRequest {
  const value = RoomCompositeEgressRequest.fromBinary(wanted.toBinary());
  value.roomName = roomName;
  return { case: 'roomComposite', value };
}

function ofParticipant(
  wanted: AutoParticipantEgress,
  roomName: string,
  identity: string,
): EgressRequest {
  const { options, fileOutputs, segmentOutputs } = wanted;
  const outputs = { options, fileOutputs, segmentOutputs };
  const value = new ParticipantEgressRequest({ roomName, identity, ...outputs });
  return { case: 'participant', value };
}

function ofTrack(wanted: AutoTrackEgress, roomName: string, trackId: string): EgressRequest {
  const { filepath, disableManifest, output } = wanted;
  const file = new DirectFileOutput({ filepath, disableManifest, output });
  const value = new TrackEgressRequest({
    roomName,
    trackId,
    output: { case: 'file', value: file },
  });
  return { case: 'track', value };
}
