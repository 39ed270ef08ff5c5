import { ParticipantPermission } from '@livekit/protocol';
import type { Grants, VideoGrants } from '../room/grants';

/** What a token permits, with LiveKit's defaults. Source: auth/grants.go, VideoGrant. */
export function permissionOfGrants(video: VideoGrants): ParticipantPermission {
  const canPublish = video.canPublish ?? true;
  return new ParticipantPermission({
    canPublish,
    canSubscribe: video.canSubscribe ?? true,
    canPublishData: video.canPublishData ?? canPublish,
    canPublishSources: [...video.canPublishSources],
    canUpdateMetadata: video.canUpdateOwnMetadata ?? false,
    canSubscribeMetrics: video.canSubscribeMetrics ?? false,
    canManageAgentSession: video.canManageAgentSession ?? false,
    hidden: video.hidden,
    recorder: video.recorder,
    agent: video.agent,
  });
}

/** The same grants with a permission that the server API changed, for the refreshed token. */
export function grantsWithPermission(grants: Grants, permission: ParticipantPermission): Grants {
  return {
    ...grants,
    video: {
      ...grants.video,
      canPublish: permission.canPublish,
      canSubscribe: permission.canSubscribe,
      canPublishData: permission.canPublishData,
      canPublishSources: [...permission.canPublishSources],
      canUpdateOwnMetadata: permission.canUpdateMetadata,
      canSubscribeMetrics: permission.canSubscribeMetrics,
      canManageAgentSession: permission.canManageAgentSession,
      hidden: permission.hidden,
      recorder: permission.recorder,
      agent: permission.agent,
    },
  };
}
