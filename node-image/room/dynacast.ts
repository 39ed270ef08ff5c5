import {
  SubscribedCodec,
  SubscribedQuality,
  SubscribedQualityUpdate,
  VideoQuality,
} from '@livekit/protocol';
import type { PublishedTrack } from './published-track';

const QUALITIES = [VideoQuality.LOW, VideoQuality.MEDIUM, VideoQuality.HIGH] as const;

export interface DynacastOptions {
  readonly track: PublishedTrack;
  /** What each subscriber needs now, by codec. */
  readonly needs: () => Iterable<{ readonly mimeType: string; readonly quality: VideoQuality }>;
  readonly send: (update: SubscribedQualityUpdate) => void;
  /** How long a layer that nobody needs goes on, in ms. `video.dynacast_pause_delay`. */
  readonly pauseDelayMs: number;
}

/**
 * Tells a publisher which layers of a track somebody watches, so that it need not send the rest.
 *
 * More is asked for at once, less only after a delay: viewers come and go. It is also how a
 * publisher learns that a second codec is needed. Source: SubscribedQualityUpdate.
 */
export class Dynacast {
  readonly #options: DynacastOptions;
  /** The highest quality asked of the publisher, by codec; it sends all of its first codec unasked. */
  #asked = new Map<string, VideoQuality>();
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #hasAsked = false;
  #closed = false;

  constructor(options: DynacastOptions) {
    this.#options = options;
    const [first] = options.track.info.codecs;
    this.#asked.set(first?.mimeType ?? '', VideoQuality.HIGH);
  }

  /** To be called when a subscriber's needs have changed; several calls make one look at them. */
  update(): void {
    if (!this.#scheduled && !this.#closed) {
      this.#scheduled = true;
      queueMicrotask(() => this.#compare());
    }
  }

  /** Says again what was asked: the publisher's signal connection was away. */
  repeat(): void {
    if (this.#hasAsked) {
      this.#send(this.#asked);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #compare(): void {
    this.#scheduled = false;
    if (this.#closed) {
      return;
    }
    const wanted = this.#wanted();
    const more = new Map(this.#asked);
    for (const [mimeType, quality] of wanted) {
      if (rank(quality) > rank(more.get(mimeType) ?? VideoQuality.OFF)) {
        more.set(mimeType, quality);
      } else if (!more.has(mimeType)) {
        more.set(mimeType, VideoQuality.OFF);
      }
    }
    if (
      [...more].some(
        ([mimeType, quality]) =>
          rank(quality) > rank(this.#asked.get(mimeType) ?? VideoQuality.OFF),
      )
    ) {
      this.#send(more);
    }
    if (same(wanted, this.#asked)) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else {
      // A timer that runs goes on: needs that keep changing must not put it off for ever.
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#send(this.#wanted());
      }, this.#options.pauseDelayMs);
    }
  }

  #wanted(): Map<string, VideoQuality> {
    const wanted = new Map<string, VideoQuality>();
    for (const { mimeType } of this.#options.track.info.codecs) {
      wanted.set(mimeType, VideoQuality.OFF);
    }
    for (const { mimeType, quality } of this.#options.needs()) {
      const highest = wanted.get(mimeType) ?? VideoQuality.OFF;
      wanted.set(mimeType, rank(quality) > rank(highest) ? quality : highest);
    }
    return wanted;
  }

  #send(wanted: Map<string, VideoQuality>): void {
    this.#asked = wanted;
    this.#hasAsked = true;
    const codecs = [...wanted].map(
      ([mimeType, highest]) =>
        new SubscribedCodec({
          codec: mimeType.split('/')[1]?.toLowerCase() ?? '',
          qualities: QUALITIES.map(
            (quality) =>
              new SubscribedQuality({ quality, enabled: rank(quality) <= rank(highest) }),
          ),
        }),
    );
    this.#options.send(
      new SubscribedQualityUpdate({
        trackSid: this.#options.track.sid,
        subscribedQualities: codecs[0]?.qualities ?? [],
        subscribedCodecs: codecs,
      }),
    );
  }
}

/** OFF has the highest number in the protocol and is less than LOW. */
const rank = (quality: VideoQuality): number => (quality === VideoQuality.OFF ? -1 : quality);

const same = (a: Map<string, VideoQuality>, b: Map<string, VideoQuality>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
