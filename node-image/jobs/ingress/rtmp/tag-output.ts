import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { MatroskaStream } from '../../egress/tracks/matroska-stream';
import { extendedTag } from './extended';
import { type FlvTag, flvHeader, flvTag, isAudioHeader, TAG, videoTag } from './flv';
import type { GaugedStream } from './tag-gauge';

/** What may wait for ffmpeg, in bytes: some seconds. */
const HIGH_WATER = 4 << 20;
const POLL_MS = 50;

/** Tags on their way into ffmpeg. */
export interface TagOutput {
  /** As ffmpeg calls it. */
  readonly format: 'flv' | 'matroska';
  readonly readable: Readable;
  /** @returns false where it is behind. */
  write(tag: FlvTag): boolean;
  drained(): Promise<void>;
  /** Idempotent. */
  close(): void;
}

/** The form that has a place for what is sent. */
export const tagOutput = (stream: GaugedStream): TagOutput =>
  stream.isExtended ? new MatroskaOutput(stream) : new FlvOutput(stream);

/** Tags as they are. */
class FlvOutput implements TagOutput {
  readonly format = 'flv';
  readonly readable = new PassThrough({ highWaterMark: HIGH_WATER });

  constructor(has: GaugedStream) {
    this.readable.write(flvHeader(has));
  }

  write(tag: FlvTag): boolean {
    return this.readable.write(flvTag(tag));
  }

  drained(): Promise<void> {
    if (!this.readable.writableNeedDrain || this.readable.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.readable.once('drain', resolve);
      this.readable.once('close', resolve);
    });
  }

  close(): void {
    this.readable.end();
    this.readable.destroy();
  }
}

/** Tags as Matroska, which old ffmpegs read of codecs that they do not know in FLV. */
class MatroskaOutput implements TagOutput {
  readonly format = 'matroska';
  readonly readable: Readable;
  readonly #matroska: MatroskaStream;
  #firstMs: number | undefined;

  constructor({ video, videoCodec, audio, audioCodec, size }: GaugedStream) {
    const { width = 1280, height = 720 } = size ?? {};
    this.#matroska = new MatroskaStream({
      ...(video && {
        video: {
          codec: { id: videoCodec?.matroska ?? '' },
          setup: { width, height, ...(videoCodec?.header && { codecPrivate: videoCodec.header }) },
        },
      }),
      ...(audio && {
        audio: {
          channels: audioCodec?.aac?.channels ?? 2,
          sampleRate: audioCodec?.aac?.sampleRate ?? 48_000,
          codec: { id: audioCodec?.matroska ?? '', codecPrivate: audioCodec?.header },
        },
      }),
    });
    this.readable = this.#matroska.readable;
    // Whoever does not read ends by itself.
    this.readable.on('error', () => {});
  }

  write(tag: FlvTag): boolean {
    const media = mediaOf(tag);
    if (media === undefined) return true;
    this.#firstMs ??= tag.timestamp;
    // Modulo 2^32, as RTMP counts.
    const timeMs = ((tag.timestamp - this.#firstMs) | 0) + media.offsetMs;
    if (tag.type === TAG.video) this.#matroska.video(media.data, timeMs, media.isKey);
    else this.#matroska.audio(media.data, timeMs);
    return this.readable.readableLength < HIGH_WATER;
  }

  async drained(): Promise<void> {
    while (!this.readable.destroyed && this.readable.readableLength >= HIGH_WATER) {
      await sleep(POLL_MS);
    }
  }

  close(): void {
    this.#matroska.close();
    this.readable.destroy();
  }
}

interface Media {
  readonly data: Buffer;
  readonly isKey: boolean;
  readonly offsetMs: number;
}

/** @returns undefined for what describes the stream, or is nothing of it. */
function mediaOf(tag: FlvTag): Media | undefined {
  const extended = extendedTag(tag);
  if (extended !== undefined) return extended.what === 'media' ? extended : undefined;
  const { type, body } = tag;
  if (type === TAG.audio) {
    return isAudioHeader(body) || body.length <= 2
      ? undefined
      : { data: body.subarray(2), isKey: true, offsetMs: 0 };
  }
  const video = type === TAG.video ? videoTag(body) : undefined;
  if (video === undefined || video.isHeader || body.length <= 5) return undefined;
  return { data: body.subarray(5), isKey: video.isKey, offsetMs: video.offsetMs };
}
