import type { Readable } from 'node:stream';
import type { Producer, Router } from 'mediasoup/types';
import { RtpTap } from '../../../media/taps/rtp-tap';
import { LiveStream } from '../../egress/tracks/live-stream';
import type { VideoCodec } from '../../egress/tracks/matroska-stream';
import { SourceClock } from '../../egress/tracks/source-clock';
import { type FeedItem, TrackFeed } from '../../egress/tracks/track-feed';
import { depacketizerOf, videoCodecOf } from '../../egress/tracks/video-codecs';
import type { VideoSetup } from '../../egress/tracks/video-frame';

/** What has come, as soon as it can be read. */
export interface LiveMedia {
  /** Matroska */
  readonly readable: Readable;
  readonly audio: boolean;
  readonly video: { readonly codec: VideoCodec; readonly setup: VideoSetup } | undefined;
}

export interface LiveInputOptions {
  readonly router: Router;
  /** One of each kind at most: Opus, and H264, VP8, VP9 or AV1. */
  readonly producers: readonly Producer[];
  /** Called once, with the first media of all of them, or of those that came in time. */
  readonly onMedia: (media: LiveMedia) => void;
  /** How long the others are waited for after the first, in ms. @default 5000 */
  readonly waitMs?: number;
}

const WAIT_MS = 5000;
/** A missing packet is waited for so long, in ms: what is live is seen that much later after a loss. */
const LOSS_WAIT_MS = 500;
const TICK_MS = 100;
/** As much may come before it can be read, in pieces: no sender sends more in that time. */
const MAX_EARLY = 5000;

interface Early {
  readonly kind: 'audio' | 'video';
  readonly item: FeedItem;
}

/** What producers of this node send, as one live stream for ffmpeg: in step, and without holes. */
export class LiveInput {
  readonly #options: LiveInputOptions;
  readonly #feeds: TrackFeed[] = [];
  readonly #early: Early[] = [];
  #codec: VideoCodec | undefined;
  #firstMs: number | undefined;
  #stream: LiveStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #clock = new SourceClock();
  #closed = false;

  private constructor(options: LiveInputOptions) {
    this.#options = options;
  }

  /** Begins to take what comes. */
  static async open(options: LiveInputOptions): Promise<LiveInput> {
    const input = new LiveInput(options);
    try {
      for (const producer of options.producers) await input.#take(producer);
    } catch (error) {
      input.close();
      throw error;
    }
    input.#timer = setInterval(() => input.#tick(), TICK_MS);
    return input;
  }

  /** Idempotent. What was taken can still be read. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    for (const feed of this.#feeds) feed.close();
    this.#early.length = 0;
    this.#stream?.end(this.#clock.nowMs(), undefined);
  }

  async #take(producer: Producer): Promise<void> {
    const { router } = this.#options;
    const { kind } = producer;
    const tap = await RtpTap.create({ router, producer });
    if (kind === 'video') this.#codec = videoCodecOf(tap.mimeType);
    const feed = new TrackFeed({
      tap,
      depacketizer: this.#codec && kind === 'video' ? depacketizerOf(this.#codec) : undefined,
      lossWaitMs: LOSS_WAIT_MS,
      onItem: (item) => this.#item({ kind, item }),
      // Its transport is closed then, and whoever has that knows.
      onEnded: () => {},
    });
    this.#feeds.push(feed);
    await feed.start();
  }

  #item(early: Early): void {
    if (this.#closed) return;
    const { item } = early;
    if (!this.#clock.admits(item.timeMs)) return;
    if (this.#stream === undefined) {
      this.#firstMs ??= Date.now();
      if (this.#early.length < MAX_EARLY) this.#early.push(early);
    } else {
      write(this.#stream, early);
    }
  }

  #tick(): void {
    if (this.#stream === undefined) this.#begin();
    else this.#stream.tick(this.#clock.nowMs(), undefined);
  }

  #begin(): void {
    const { producers, waitMs = WAIT_MS, onMedia } = this.#options;
    const first = (kind: 'audio' | 'video'): FeedItem | undefined =>
      this.#early.find((one) => one.kind === kind)?.item;
    const [audio, picture] = [first('audio'), first('video')];
    if (this.#firstMs === undefined) return;
    const missing = producers.some(({ kind }) => first(kind) === undefined);
    if (missing && Date.now() - this.#firstMs < waitMs) return;
    const setup =
      picture && this.#codec ? depacketizerOf(this.#codec).setup(picture.data) : undefined;
    const video = setup && this.#codec ? { codec: this.#codec, setup } : undefined;
    const origin = (video && picture) ?? audio;
    if (origin === undefined) return;
    const stream = new LiveStream({
      ...{ audio: audio !== undefined, video, originMs: origin.timeMs },
    });
    this.#stream = stream;
    for (const one of this.#early.splice(0)) {
      // What has no place in the stream is not written into it.
      if (one.kind === 'audio' || video !== undefined) write(stream, one);
    }
    onMedia({ readable: stream.readable, audio: audio !== undefined, video });
  }
}

function write(stream: LiveStream, { kind, item }: Early): void {
  if (kind === 'audio') stream.sound(item);
  else stream.picture(item);
}
