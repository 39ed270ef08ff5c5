import { ParticipantPermission, TrackSource } from '@livekit/protocol';
import type { VideoGrants } from './grants';

/** What a token allows, with LiveKit's defaults. Source: livekit/protocol auth/grants.go. */
export function permissionOf(video: VideoGrants): ParticipantPermission {
  const canPublish = video.canPublish ?? true;
  return new ParticipantPermission({
    canSubscribe: video.canSubscribe ?? true,
    canPublish,
    canPublishData: video.canPublishData ?? canPublish,
    canPublishSources: [...video.canPublishSources],
    hidden: video.hidden,
    recorder: video.recorder,
    agent: video.agent,
    canUpdateMetadata: video.canUpdateOwnMetadata ?? false,
    canSubscribeMetrics: video.canSubscribeMetrics ?? false,
    canManageAgentSession: video.canManageAgentSession ?? false,
  });
}

/** The grants of a token that stands for a changed permission: what a refreshed token must say. */
export function grantsWith(video: VideoGrants, permission: ParticipantPermission): VideoGrants {
  return {
    ...video,
    canPublish: permission.canPublish,
    canSubscribe: permission.canSubscribe,
    canPublishData: permission.canPublishData,
    canPublishSources: [...permission.canPublishSources],
    canUpdateOwnMetadata: permission.canUpdateMetadata,
    hidden: permission.hidden,
    recorder: permission.recorder,
    agent: permission.agent,
    canSubscribeMetrics: permission.canSubscribeMetrics,
    canManageAgentSession: permission.canManageAgentSession,
  };
}

/** Whether a source may be published; an empty list of sources means every one. */
export function mayPublish(permission: ParticipantPermission, source: TrackSource): boolean {
  if (!permission.canPublish) {
    return false;
  }
  return permission.canPublishSources.length === 0 || permission.canPublishSources.includes(source);
}

/** The name of the stream that a source belongs to. */
export function streamOf(source: TrackSource): string {
  switch (source) {
    case TrackSource.CAMERA:
    case TrackSource.MICROPHONE:
      return 'camera';
    case TrackSource.SCREEN_SHARE:
    case TrackSource.SCREEN_SHARE_AUDIO:
      return 'screen';
    default:
      return 'unknown';
  }
}
