import { randomBytes } from 'node:crypto';
import {
  Codec,
  type ICEServer,
  JoinResponse,
  type Room as RoomInfo,
  type ServerInfo,
} from '@livekit/protocol';
import { isEnabled, PUBLISH_CODECS } from '../media/codecs';
import type { ExpectedParticipant } from './expected-participants';
import type { Participant } from './participant';

/** How often a client pings, and how long it waits for anything, in s. LiveKit's values. */
const PING_INTERVAL_S = 5;
const PING_TIMEOUT_S = 15;

/** What marks frames that the server itself puts into an encrypted stream: 13 random bytes a Room. */
export const newSifTrailer = (): Uint8Array => randomBytes(13);

/** The first message to a client that has joined. Source: livekit_rtc.proto JoinResponse. */
export function joinResponse(options: {
  readonly participant: Participant;
  readonly others: Iterable<Participant>;
  /** Who is on the way back. */
  readonly expected: Iterable<ExpectedParticipant>;
  readonly room: RoomInfo;
  readonly serverInfo: ServerInfo;
  readonly iceServers: ICEServer[];
  readonly subscriberPrimary: boolean;
  readonly enabledCodecs: readonly string[];
  readonly sifTrailer: Uint8Array;
}): JoinResponse {
  const { participant, serverInfo } = options;
  const present = [...options.others].filter((one) => one !== participant && one.reachable);
  return new JoinResponse({
    room: options.room,
    participant: participant.info(),
    otherParticipants: [...present, ...options.expected]
      .filter((one) => !one.hidden)
      .map((one) => one.info()),
    iceServers: options.iceServers,
    subscriberPrimary: options.subscriberPrimary,
    pingInterval: PING_INTERVAL_S,
    pingTimeout: PING_TIMEOUT_S,
    serverInfo,
    serverVersion: serverInfo.version,
    serverRegion: serverInfo.region,
    sifTrailer: options.sifTrailer,
    enabledPublishCodecs: publishCodecs(options.enabledCodecs),
    fastPublish: participant.permission.canPublish,
  });
}

/** The codecs of `room.enabled_codecs` that can be had here; an empty list means all of them. */
export const publishCodecs = (enabled: readonly string[]): Codec[] =>
  PUBLISH_CODECS.filter(({ mime }) => mime === 'video/rtx' || isEnabled(mime, enabled)).map(
    (codec) => new Codec(codec),
  );
