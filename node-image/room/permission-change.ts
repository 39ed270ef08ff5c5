import type { ParticipantPermission } from '@livekit/protocol';
import type { Participant } from './participant';
import { grantsWith, mayPublish } from './permission';
import type { Room } from './room';

/**
 * Gives a participant another permission: what it may no longer publish or receive ends at once.
 *
 * @returns whether anything has changed.
 */
export function changePermission(
  room: Room,
  participant: Participant,
  permission: ParticipantPermission,
): boolean {
  if (participant.permission.equals(permission)) {
    return false;
  }
  const { grants } = participant;
  participant.setPermission(permission.clone(), {
    ...grants,
    video: grantsWith(grants.video, permission),
  });
  participant.publishing.forgetAnnounced((info) => mayPublish(permission, info.source));
  for (const track of [...participant.publishing.tracks.values()]) {
    if (!mayPublish(permission, track.info.source)) {
      participant.publishing.unpublish(track);
    }
  }
  room.tracks.reconcileSubscriber(participant);
  room.dataTracks.permissionsChanged();
  participant.touch(true);
  participant.claimsChanged();
  return true;
}
