import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConnectionState,
  type LocalTrack,
  type Room,
  type TrackPublishOptions,
} from '@livekit/rtc-node';

const LOOK_MS = 1_000;
/** So many looks in a row find nothing sent before a track is published again. */
const MISSING_LOOKS = 5;

export interface KeepPublishedOptions {
  readonly room: Room;
  readonly kind: 'audio' | 'video';
  /**
   * A new one each time: the SDK ends the process where a track that it still holds is published a
   * second time, and both are taken back. Source: local_participant.rs, unpublish_track.
   */
  readonly makeTrack: () => LocalTrack;
  readonly options: TrackPublishOptions;
  readonly signal: AbortSignal;
  /** Told what came of each time that it was published again. */
  readonly onAgain: (result: string) => void;
}

/**
 * Publishes again what the SDK has given up.
 *
 * After a reconnection it publishes all tracks again; where that fails because this node is lost,
 * too, it logs an error, and neither tries again nor says so: the publication stays listed. Source:
 * livekit rust-sdks, room/mod.rs, handle_restarted. An application finds out by what it sends.
 */
export async function keepPublished(given: KeepPublishedOptions): Promise<void> {
  const { room, kind, makeTrack, options, signal, onAgain } = given;
  for (let missing = 0; !signal.aborted; await sleep(LOOK_MS)) {
    missing = (await isSending(room, kind)) === false ? missing + 1 : 0;
    if (missing < MISSING_LOOKS) continue;
    missing = 0;
    const result = await room.localParticipant?.publishTrack(makeTrack(), options).then(
      () => kind,
      (error: unknown) => `${kind}: ${String(error)}`,
    );
    onAgain(result ?? '');
  }
}

/** @returns undefined where that is not known now. */
async function isSending(room: Room, kind: string): Promise<boolean | undefined> {
  if (room.connectionState !== ConnectionState.CONN_CONNECTED) {
    return undefined;
  }
  try {
    const { publisherStats } = await room.getRtcStats();
    return publisherStats.some(
      ({ stats }) => stats.case === 'outboundRtp' && stats.value.stream?.kind === kind,
    );
  } catch {
    return undefined;
  }
}
