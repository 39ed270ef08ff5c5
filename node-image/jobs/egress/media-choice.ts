import { AudioChannel, type AudioRoute, type MediaSource } from '@livekit/protocol';
import { invalidInput } from './egress-error';
import type { EgressKind, MediaSpec, SourceSpec } from './spec';

const MAX_ROUTES = 50;

export interface ChosenMedia {
  readonly kind: EgressKind;
  readonly source: SourceSpec;
  readonly audio: boolean;
  readonly video: boolean;
}

/**
 * What a MediaSource takes: of one participant, or of two tracks, as it comes out of the Room; sound of
 * several, or on one channel, by the page of the node.
 *
 * @throws EgressError
 */
export function chosenMedia(given: MediaSource): ChosenMedia {
  const { video, audio } = given;
  const routes = audio?.routes ?? [];
  if (routes.length > MAX_ROUTES) throw invalidInput(`media.audio.routes (at most ${MAX_ROUTES})`);
  if (video.case !== undefined && identityOrTrack(video) === '') throw invalidInput('media.video');
  return unmixed(given) ?? mixed(given);
}

/** @returns undefined where sound has to be mixed for it */
function unmixed({ video, audio }: MediaSource): ChosenMedia | undefined {
  const routes = audio?.routes ?? [];
  if (audio?.captureAll || routes.some(({ channel }) => channel !== AudioChannel.BOTH)) {
    return undefined;
  }
  if (video.case === 'participantVideo') {
    const { identity, preferScreenShare: screenShare } = video.value;
    if (
      !routes.every(({ match }) => match.case === 'participantIdentity' && match.value === identity)
    )
      return undefined;
    const source = { kind: 'participant', identity, screenShare } as const;
    return { kind: 'participant', source, audio: routes.length > 0, video: true };
  }
  const [route, more] = routes;
  if (more !== undefined || (route !== undefined && route.match.case !== 'trackId')) {
    return undefined;
  }
  const audioTrackId = route?.match.case === 'trackId' ? route.match.value : '';
  const videoTrackId = video.case === 'videoTrackId' ? video.value : '';
  if (audioTrackId === '' && videoTrackId === '') throw invalidInput('media');
  return {
    kind: 'track_composite',
    source: { kind: 'tracks', audioTrackId, videoTrackId },
    audio: audioTrackId !== '',
    video: videoTrackId !== '',
  };
}

function mixed({ video, audio }: MediaSource): ChosenMedia {
  const source: MediaSpec = {
    kind: 'media',
    video:
      video.case === undefined
        ? { of: 'none' }
        : video.case === 'videoTrackId'
          ? { of: 'track', id: video.value }
          : { of: 'participant', id: video.value.identity, screen: video.value.preferScreenShare },
    captureAll: audio?.captureAll === true,
    routes: (audio?.routes ?? []).map(routeOf),
  };
  return { kind: 'room_composite', source, audio: true, video: video.case !== undefined };
}

const CHANNELS = {
  [AudioChannel.BOTH]: 'both',
  [AudioChannel.LEFT]: 'left',
  [AudioChannel.RIGHT]: 'right',
} as const;

function routeOf({ match, channel: wanted }: AudioRoute): MediaSpec['routes'][number] {
  const channel = CHANNELS[wanted];
  if (channel === undefined) throw invalidInput('media.audio.routes.channel');
  if (match.case === undefined || match.value === '') {
    throw invalidInput(
      'media.audio.routes.match (track_id, participant_identity or participant_kind)',
    );
  }
  if (match.case === 'participantKind') return { by: 'kind', value: String(match.value), channel };
  return { by: match.case === 'trackId' ? 'track' : 'identity', value: match.value, channel };
}

const identityOrTrack = (video: Exclude<MediaSource['video'], { case: undefined }>): string =>
  video.case === 'videoTrackId' ? video.value : video.value.identity;
