import { createHash } from 'node:crypto';
import {
  type AutoParticipantEgress,
  type AutoTrackEgress,
  DirectFileOutput,
  ParticipantEgressRequest,
  RoomCompositeEgressRequest,
  TrackEgressRequest,
} from '@livekit/protocol';
import { idDigits } from '../../room/ids';
import type { EgressRequest } from './from-request';

/** The Egress of a whole Room. */
export function ofRoom(wanted: RoomCompositeEgressRequest, roomName: string): EgressRequest {
  const value = RoomCompositeEgressRequest.fromBinary(wanted.toBinary());
  value.roomName = roomName;
  return { case: 'roomComposite', value };
}

export function ofParticipant(
  wanted: AutoParticipantEgress,
  roomName: string,
  identity: string,
): EgressRequest {
  const { options, fileOutputs, segmentOutputs } = wanted;
  const outputs = { options, fileOutputs, segmentOutputs };
  const value = new ParticipantEgressRequest({ roomName, identity, ...outputs });
  return { case: 'participant', value };
}

export function ofTrack(wanted: AutoTrackEgress, roomName: string, trackId: string): EgressRequest {
  const { filepath, disableManifest, output } = wanted;
  const file = new DirectFileOutput({ filepath, disableManifest, output });
  const value = new TrackEgressRequest({
    roomName,
    trackId,
    output: { case: 'file', value: file },
  });
  return { case: 'track', value };
}

/**
 * The id of an Egress that starts by itself: the same whoever computes it, so that it is made once,
 * however often and by however many nodes it is asked for.
 */
export const autoEgressId = (roomSid: string, ofWhat: 'room' | string): string =>
  `EG_${digest([roomSid, ofWhat], 12)}`;

/** Of one stay of a participant; those of all its stays begin with `stays`. */
export function stayEgressId(
  roomSid: string,
  identity: string,
  participantSid: string,
): { readonly id: string; readonly stays: string } {
  const stays = `EG_${digest([roomSid, 'stays', identity], 8)}`;
  return { id: `${stays}${digest([participantSid], 6)}`, stays };
}

const digest = (parts: readonly string[], length: number): string =>
  idDigits(createHash('sha256').update(JSON.stringify(parts)).digest(), length);
