import type { SeenTrack, TappedRoom } from '../../../room/tapped-room';
import type { VideoCodec } from './matroska-stream';
import { type FeedItem, TrackFeed } from './track-feed';
import { depacketizerOf, videoCodecOf } from './video-codecs';

export interface LaneOptions {
  readonly onItem: (item: FeedItem) => void;
  /** A track has ended that may be there anew: whoever knows looks again. */
  readonly onEnded: () => void;
  /** A track is there that the stream cannot carry, as it has begun with another codec. */
  readonly onRefused: (track: SeenTrack) => void;
  readonly onError: (error: unknown) => void;
}

const RETRY_MS = 500;

const nameOf = ({ sid, mimeType }: SeenTrack): string => `${sid} ${mimeType}`;

/** The sound, or the picture, of an Egress: one track after the other, and sometimes none. */
export class Lane {
  readonly #options: LaneOptions;
  #feed: TrackFeed | undefined;
  #track: SeenTrack | undefined;
  #room: TappedRoom | undefined;
  /** What is being opened, or was last. */
  #turn = 0;
  /** What is being opened now: it is not begun again because something else has changed in the Room. */
  #opening: number | undefined;
  /** What it cannot carry is said once. */
  #refused: string | undefined;
  #codec: VideoCodec | undefined;
  /** Of tracks that are over. */
  #lost = 0;
  #closed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Nothing is to be expected of it: there is no track, or it is muted. */
  get isSilent(): boolean {
    return this.#feed === undefined || this.#track?.muted !== false;
  }

  /** Packets that never came, of all its tracks so far. */
  get lost(): number {
    return this.#lost + (this.#feed?.lost ?? 0);
  }

  /** The stream has begun: from now on it takes this codec alone. */
  fix(codec: VideoCodec | undefined): void {
    this.#codec = codec;
  }

  /** Takes this track from now on, or none. */
  use(room: TappedRoom, track: SeenTrack | undefined): void {
    const isSame = track?.sid === this.#track?.sid && room === this.#room;
    const wasMuted = this.#track?.muted;
    this.#track = track;
    const isSettled =
      track === undefined ||
      this.#feed !== undefined ||
      this.#opening === this.#turn ||
      this.#refused === nameOf(track);
    if (isSame && isSettled) {
      if (wasMuted && track?.muted === false) {
        this.#feed?.restart();
      }
      return;
    }
    this.#room = room;
    this.#end();
    if (track !== undefined) {
      const turn = this.#turn;
      this.#opening = turn;
      void this.#open(room, track)
        .catch((error: unknown) => this.#options.onError(error))
        .finally(() => {
          if (this.#opening === turn) this.#opening = undefined;
        });
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  #end(): void {
    this.#turn += 1;
    this.#feed?.close();
    this.#forget();
  }

  #forget(): void {
    this.#lost += this.#feed?.lost ?? 0;
    this.#feed = undefined;
  }

  async #open(room: TappedRoom, track: SeenTrack): Promise<void> {
    const codec = track.kind === 'video' ? videoCodecOf(track.mimeType) : undefined;
    const isOther = this.#codec !== undefined && codec !== this.#codec;
    if (isOther || (track.kind === 'audio' && track.mimeType !== 'audio/opus')) {
      this.#refused = nameOf(track);
      this.#options.onRefused(track);
      return;
    }
    const turn = this.#turn;
    const tap = await room.tap(track.sid);
    if (turn !== this.#turn || this.#closed) {
      tap?.close();
      return;
    }
    if (tap === undefined) {
      // It is announced, and what carries it is on its way, or just gone.
      setTimeout(() => this.#options.onEnded(), RETRY_MS).unref();
      return;
    }
    const feed = new TrackFeed({
      tap,
      depacketizer: codec === undefined ? undefined : depacketizerOf(codec),
      onItem: (item) => this.#options.onItem(item),
      onEnded: () => {
        if (this.#feed === feed) {
          this.#forget();
          this.#options.onEnded();
        }
      },
    });
    this.#feed = feed;
    // It may end while it starts, and is looked for again then.
    this.#opening = undefined;
    try {
      await feed.start();
    } catch (error) {
      feed.close();
      if (this.#feed === feed) this.#forget();
      throw error;
    }
  }
}
