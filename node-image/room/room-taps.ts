import { TrackSource, VideoQuality } from '@livekit/protocol';
import type { Producer } from 'mediasoup/types';
import { RtpTap } from '../media/taps/rtp-tap';
import type { ExpectedParticipant } from './expected-participants';
import type { Participant } from './participant';
import type { PublishedTrack } from './published-track';
import type { Room } from './room';
import type { RoomMembers } from './room-members';
import type { RoomSight, SeenParticipant, SeenTrack, TappedRoom } from './tapped-room';

export interface RoomTapsOptions {
  readonly room: Pick<Room, 'name' | 'sid' | 'media' | 'tracks'>;
  readonly members: Pick<RoomMembers, 'all'>;
  /** The first tap is there, or the last one is gone. */
  readonly onRecording: () => void;
}

/** A track that is taken out of a Room, and how it is sent. */
export interface TakenTrack {
  readonly producer: Producer;
  /** Nobody takes it any more. Idempotent. */
  readonly release: () => void;
}

/** Those who take the media of one Room out of it: for recordings, and for other nodes. */
export class RoomTaps {
  readonly #options: RoomTapsOptions;
  readonly #listeners = new Set<() => void>();
  #state: RoomSight['state'] = 'open';
  #taken = 0;
  #isScheduled = false;

  constructor(options: RoomTapsOptions) {
    this.#options = options;
  }

  /** Whether anything is taken out of the Room. */
  get isRecording(): boolean {
    return this.#taken > 0;
  }

  sight(): RoomSight {
    const { room, members } = this.#options;
    const participants = members.all().map(seenParticipant);
    return { state: this.#state, sid: room.sid, participants };
  }

  /** Called soon after anything has changed. @returns ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** To be called when anything of `sight` has changed; several calls make one look at it. */
  changed(): void {
    if (!this.#isScheduled && this.#listeners.size > 0) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        for (const listener of [...this.#listeners]) {
          listener();
        }
      });
    }
  }

  /** The Room has ended here. Idempotent. */
  end(state: 'finished' | 'moved'): void {
    if (this.#state === 'open') {
      this.#state = state;
      this.changed();
    }
  }

  /**
   * Counts a track as taken: its publisher is asked for all of it, and the Room is recorded.
   *
   * @returns undefined where there is no such track, or nothing is sent of it
   */
  take(trackSid: string): TakenTrack | undefined {
    const { onRecording } = this.#options;
    const { tracks } = this.#options.room;
    const track = tracks.get(trackSid)?.track;
    const mimeType = track?.mimeTypes[0];
    const producer = mimeType === undefined ? undefined : track?.producers.get(mimeType);
    if (mimeType === undefined || producer === undefined || this.#state !== 'open') {
      return undefined;
    }
    const need = { mimeType, quality: VideoQuality.HIGH };
    tracks.addNeed(trackSid, need);
    this.#taken += 1;
    if (this.#taken === 1) {
      onRecording();
    }
    let isTaken = true;
    const release = (): void => {
      if (isTaken) {
        isTaken = false;
        tracks.removeNeed(trackSid, need);
        this.#taken -= 1;
        if (this.#taken === 0) {
          onRecording();
        }
      }
    };
    return { producer, release };
  }

  /** The Room for one who records it. */
  open(): TappedRoom {
    const taps = new Set<RtpTap>();
    const ends = new Set<() => void>();
    let isClosed = false;
    return {
      name: this.#options.room.name,
      sight: () => this.sight(),
      onChange: (listener) => {
        const end = this.onChange(listener);
        ends.add(end);
        return end;
      },
      tap: async (trackSid) => {
        const tap = isClosed ? undefined : await this.#tap(trackSid);
        if (tap !== undefined && isClosed) {
          tap.close();
          return undefined;
        }
        if (tap !== undefined) {
          taps.add(tap);
          tap.onceClosed(() => taps.delete(tap));
        }
        return tap;
      },
      close: () => {
        isClosed = true;
        for (const end of ends) end();
        for (const tap of [...taps]) tap.close();
      },
    };
  }

  async #tap(trackSid: string): Promise<RtpTap | undefined> {
    const taken = this.take(trackSid);
    if (taken === undefined) {
      return undefined;
    }
    try {
      const { router } = this.#options.room.media;
      const tap = await RtpTap.create({ router, producer: taken.producer });
      tap.onceClosed(taken.release);
      return tap;
    } catch (error) {
      taken.release();
      // The publisher may have ended it just now.
      if (taken.producer.closed) {
        return undefined;
      }
      throw error;
    }
  }
}

function seenParticipant(member: Participant | ExpectedParticipant): SeenParticipant {
  const tracks = 'publishing' in member ? [...member.publishing.tracks.values()] : [];
  return { identity: member.identity, tracks: tracks.map(seenTrack) };
}

function seenTrack(track: PublishedTrack): SeenTrack {
  const { info } = track;
  return {
    sid: track.sid,
    kind: track.isVideo ? 'video' : 'audio',
    source: TrackSource[info.source] ?? 'UNKNOWN',
    muted: track.muted,
    mimeType: (track.mimeTypes[0] ?? info.mimeType).toLowerCase(),
    width: info.width,
    height: info.height,
  };
}
