import { MatroskaStream, type VideoCodec } from './matroska-stream';
import { FILL_MS, OPUS_SILENCE, opusConcealment, opusTicks } from './opus';
import type { FeedItem } from './track-feed';
import type { VideoSetup } from './video-frame';

export interface LiveStreamOptions {
  readonly audio: boolean;
  readonly video: { readonly codec: VideoCodec; readonly setup: VideoSetup } | undefined;
  /** What time 0 of the stream is, in ms since 1970 by the clock of the SFU. */
  readonly originMs: number;
}

/** How far behind sound is given up that did not come, in ms: more than a lost packet is waited for. */
const SILENT_AFTER_MS = 2000;
/** Likewise for a picture that nobody expects, as its track is muted or gone. */
const DARK_AFTER_MS = 500;
/** Black pictures come so often, in ms. */
const DARK_MS = 200;
/** So many packets a decoder bridges before silence is better: 400 ms, as DTX pauses. */
const CONCEALED = 20;

/**
 * One stream of sound and picture without a hole. Sound is put together packet to packet: what is
 * missing is filled, what is too much left out, so that it stays within one packet of its time.
 */
export class LiveStream {
  readonly #options: LiveStreamOptions;
  readonly #matroska: MatroskaStream;
  /** Where the next sound belongs, in ms since 1970. */
  #soundMs: number;
  #lastSound = OPUS_SILENCE;
  #pictureMs: number;
  #hasPicture = false;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    this.#matroska = new MatroskaStream({
      ...(options.video === undefined ? {} : { video: options.video }),
      ...(options.audio ? { audio: { channels: 2 } } : {}),
    });
    this.#soundMs = options.originMs;
    this.#pictureMs = options.originMs;
  }

  get readable(): MatroskaStream['readable'] {
    return this.#matroska.readable;
  }

  sound({ data, timeMs }: FeedItem): void {
    const durationMs = opusTicks(data) / 48;
    if (timeMs < this.#soundMs - durationMs) {
      // Its place is taken, or it is from before the beginning.
      return;
    }
    this.#fill(timeMs);
    this.#matroska.audio(data, this.#soundMs - this.#options.originMs);
    this.#soundMs += durationMs;
    this.#lastSound = data;
  }

  picture({ data, timeMs, isKey }: FeedItem): void {
    const isFirst = !this.#hasPicture;
    if (timeMs < this.#options.originMs) {
      return;
    }
    // Two at one time would be one.
    const time = isFirst ? timeMs : Math.max(timeMs, this.#pictureMs + 1);
    this.#hasPicture = true;
    this.#pictureMs = time;
    this.#matroska.video(data, time - this.#options.originMs, isKey);
  }

  /**
   * Fills in what did not come.
   *
   * @param nowMs - by the clock of the SFU
   * @param dark - what is shown while no picture is expected
   */
  tick(nowMs: number, dark: Buffer | undefined): void {
    this.#complete(nowMs - SILENT_AFTER_MS, nowMs - DARK_AFTER_MS, dark);
  }

  /** Fills in what is missing up to now, after which nothing comes. What is written can be read. */
  end(nowMs: number, dark: Buffer | undefined): void {
    this.#complete(nowMs, nowMs, dark);
    this.#matroska.close();
  }

  #complete(soundUntilMs: number, pictureUntilMs: number, dark: Buffer | undefined): void {
    if (this.#options.audio) {
      this.#fill(soundUntilMs);
    }
    while (dark !== undefined && this.#pictureMs + DARK_MS <= pictureUntilMs) {
      const timeMs = this.#hasPicture ? this.#pictureMs + DARK_MS : this.#options.originMs;
      this.picture({ data: dark, timeMs, isKey: true });
    }
  }

  #fill(untilMs: number): void {
    for (let filled = 0; this.#soundMs + FILL_MS <= untilMs; filled += 1) {
      const isLong = filled >= CONCEALED || untilMs - this.#soundMs > CONCEALED * FILL_MS * 2;
      const data = isLong ? OPUS_SILENCE : opusConcealment(this.#lastSound);
      this.#matroska.audio(data, this.#soundMs - this.#options.originMs);
      this.#soundMs += FILL_MS;
    }
  }
}
