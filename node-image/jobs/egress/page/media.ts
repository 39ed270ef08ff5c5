import type { Channel } from './channels';

/** What is taken of a Room, where it is not all of it: as the node writes it into the address. */
export interface MediaWanted {
  readonly video:
    | { readonly of: 'none' }
    | { readonly of: 'track'; readonly id: string }
    | { readonly of: 'participant'; readonly id: string; readonly screen: boolean };
  /** Sound that no route is for is heard on both channels. */
  readonly captureAll: boolean;
  /** The first that fits counts. */
  readonly routes: readonly {
    readonly by: 'track' | 'identity' | 'kind';
    readonly value: string;
    readonly channel: Channel;
  }[];
}

/** A track, and whose it is. */
export interface Published {
  readonly trackSid: string;
  readonly identity: string;
  /** ParticipantInfo.Kind */
  readonly kind: number;
  readonly isScreen: boolean;
}

/** @returns undefined where all of the Room is wanted */
export const mediaOf = (text: string | null): MediaWanted | undefined =>
  text === null ? undefined : (JSON.parse(text) as MediaWanted);

/** Where a track is heard; undefined: nowhere. Source: AudioConfig, livekit_egress.proto. */
export function channelIn(
  wanted: MediaWanted,
  track: Omit<Published, 'isScreen'>,
): Channel | undefined {
  const of = { track: track.trackSid, identity: track.identity, kind: String(track.kind) };
  const route = wanted.routes.find(({ by, value }) => of[by] === value);
  return route?.channel ?? (wanted.captureAll ? 'both' : undefined);
}

/** Whether a picture is shown. */
export function shows({ video }: MediaWanted, track: Published): boolean {
  if (video.of === 'track') return track.trackSid === video.id;
  if (video.of === 'none') return false;
  return track.identity === video.id && track.isScreen === video.screen;
}

/** Whether it has a channel of its own for anybody. */
export const splitsChannels = (wanted: MediaWanted): boolean =>
  wanted.routes.some(({ channel }) => channel !== 'both');

/** Who and what there is in the Room. */
export interface Present {
  readonly identities: readonly string[];
  readonly trackSids: readonly string[];
}

/** Whether the participant, the picture or the last of single tracks that was asked for is gone. */
export function isOver({ video, routes, captureAll }: MediaWanted, present: Present): boolean {
  if (video.of === 'participant') return !present.identities.includes(video.id);
  if (video.of === 'track') return !present.trackSids.includes(video.id);
  if (captureAll) return false;
  return routes.every(({ by, value }) => by === 'track' && !present.trackSids.includes(value));
}
