import { type ParticipantPermission, Room as RoomInfo } from '@livekit/protocol';
import { publishCodecs } from './join-response';
import type { Room } from './room';
import type { RoomOptions } from './room-types';

/** What counts of somebody in a Room, or on the way back to it. */
interface Member {
  readonly dependent: boolean;
  readonly isPublisher: boolean;
  readonly permission: ParticipantPermission;
}

/** What a Room shows of itself. Source: livekit_models.proto Room. */
export function roomInfo(
  { sid, name, createdMs, metadata, settings, taps }: Room,
  options: RoomOptions,
  members: Iterable<Member>,
): RoomInfo {
  const all = [...members];
  return new RoomInfo({
    sid,
    name,
    emptyTimeout: options.emptyTimeout,
    departureTimeout: options.departureTimeout,
    maxParticipants: options.maxParticipants,
    creationTime: BigInt(Math.floor(createdMs / 1000)),
    creationTimeMs: BigInt(createdMs),
    enabledCodecs: publishCodecs(settings.enabledCodecs),
    metadata,
    numParticipants: all.filter((one) => !one.dependent).length,
    numPublishers: all.filter((one) => one.isPublisher).length,
    activeRecording: taps.isRecording || all.some((one) => one.permission.recorder),
  });
}
