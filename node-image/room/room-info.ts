import { Room as RoomInfo } from '@livekit/protocol';
import { publishCodecs } from './join-response';
import type { Participant } from './participant';
import type { Room } from './room';
import type { RoomOptions } from './room-types';

/** What a Room shows of itself. Source: livekit_models.proto Room. */
export function roomInfo(
  { sid, name, createdMs, metadata, settings }: Room,
  options: RoomOptions,
  participants: Iterable<Participant>,
): RoomInfo {
  const all = [...participants];
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
    activeRecording: all.some((one) => one.permission.recorder),
  });
}
