import type { RoomSight, SeenTrack } from '../../../room/tapped-room';

/** Which tracks of a Room an Egress takes. */
export type TracksRequest =
  | { readonly kind: 'track'; readonly trackSid: string }
  | { readonly kind: 'tracks'; readonly audioSid?: string; readonly videoSid?: string }
  | {
      readonly kind: 'participant';
      readonly identity: string;
      /** The screen, and not the camera. */
      readonly screenShare: boolean;
    };

/** What of a request is there now. */
export interface TrackChoice {
  readonly audio: SeenTrack | undefined;
  readonly video: SeenTrack | undefined;
  /** Whether there is anything of what was asked for: where nothing is left, it is over. */
  readonly isThere: boolean;
}

/** Picks the tracks of a request. Pure. */
export function chooseTracks(request: TracksRequest, sight: RoomSight): TrackChoice {
  if (request.kind === 'participant') {
    return chooseOfParticipant(request, sight);
  }
  const tracks = sight.participants.flatMap((participant) => participant.tracks);
  const find = (sid: string | undefined, kind: SeenTrack['kind']): SeenTrack | undefined =>
    tracks.find((track) => track.sid === sid && track.kind === kind);
  const audio = find(request.kind === 'track' ? request.trackSid : request.audioSid, 'audio');
  const video = find(request.kind === 'track' ? request.trackSid : request.videoSid, 'video');
  return { audio, video, isThere: audio !== undefined || video !== undefined };
}

/** What has been asked for, for people. */
export function requestName(request: TracksRequest): string {
  if (request.kind === 'participant') {
    return `participant ${request.identity}`;
  }
  const sids = request.kind === 'track' ? [request.trackSid] : [request.audioSid, request.videoSid];
  return `track ${sids.filter((sid) => sid !== undefined && sid !== '').join(' and ')}`;
}

function chooseOfParticipant(
  { identity, screenShare }: Extract<TracksRequest, { kind: 'participant' }>,
  sight: RoomSight,
): TrackChoice {
  const participant = sight.participants.find((one) => one.identity === identity);
  const tracks = participant?.tracks ?? [];
  const pick = (kind: SeenTrack['kind'], source: string): SeenTrack | undefined => {
    const ofKind = tracks.filter((track) => track.kind === kind);
    // Some clients do not say what a track is.
    return (
      ofKind.find((track) => track.source === source) ??
      ofKind.find((track) => track.source === 'UNKNOWN')
    );
  };
  return {
    audio: pick('audio', screenShare ? 'SCREEN_SHARE_AUDIO' : 'MICROPHONE'),
    video: pick('video', screenShare ? 'SCREEN_SHARE' : 'CAMERA'),
    isThere: participant !== undefined,
  };
}
