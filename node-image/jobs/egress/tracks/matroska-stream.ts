import { Readable } from 'node:stream';
import { opusHead } from './opus';
import type { VideoSetup } from './video-frame';

export type VideoCodec = 'h264' | 'vp8' | 'vp9' | 'av1';

export interface MatroskaTracks {
  /** Another codec than Rooms have is named as Matroska names it. */
  readonly video?: {
    readonly codec: VideoCodec | { readonly id: string };
    readonly setup: VideoSetup;
  };
  readonly audio?: MatroskaAudio;
}

export interface MatroskaAudio {
  readonly channels: number;
  /** Hz @default 48000 */
  readonly sampleRate?: number;
  /** As Matroska names it, and what its decoder has to know. @default Opus */
  readonly codec?: { readonly id: string; readonly codecPrivate: Buffer | undefined };
}

/** Whoever reads does not keep up. */
export class NotReadError extends Error {
  override readonly name = 'NotReadError';
}

const CODEC_IDS: Readonly<Record<VideoCodec, string>> = {
  h264: 'V_MPEG4/ISO/AVC',
  vp8: 'V_VP8',
  vp9: 'V_VP9',
  av1: 'V_AV1',
};
const OPUS = 'A_OPUS';
const VIDEO = 1;
const AUDIO = 2;
/** A cluster tells time in 16 bits: a new one begins in time. */
const CLUSTER_MS = 5000;
/** As much may wait to be read, in bytes: a minute of a good picture. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const UNKNOWN_SIZE = Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

/**
 * Matroska as it comes into being: each frame can be read at once, in whatever order tracks have
 * frames. Source: RFC 9559, section 5 and "live" of section 23.2; RFC 8794.
 */
export class MatroskaStream {
  readonly readable: Readable;
  #clusterMs: number | undefined;
  #closed = false;

  constructor(tracks: MatroskaTracks) {
    this.readable = new Readable({ read: () => {}, highWaterMark: MAX_WAITING_BYTES });
    this.readable.push(head(tracks));
  }

  /** @param timeMs - since the beginning of the stream */
  video(data: Buffer, timeMs: number, isKey: boolean): void {
    this.#block(VIDEO, data, timeMs, isKey);
  }

  /** @param timeMs - since the beginning of the stream */
  audio(data: Buffer, timeMs: number): void {
    this.#block(AUDIO, data, timeMs, true);
  }

  /** What is written can still be read. Idempotent. */
  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.readable.push(null);
    }
  }

  #block(track: number, data: Buffer, timeMs: number, isKey: boolean): void {
    if (this.#closed || this.readable.destroyed) {
      return;
    }
    const time = Math.max(0, Math.round(timeMs));
    const offset = time - (this.#clusterMs ?? 0);
    const isNew = this.#clusterMs === undefined || offset > CLUSTER_MS || offset < -CLUSTER_MS;
    if (isNew || (isKey && track === VIDEO)) {
      this.#clusterMs = time;
      this.readable.push(
        Buffer.concat([id(0x1f43b675), UNKNOWN_SIZE, element(0xe7, unsigned(time))]),
      );
    }
    const block = Buffer.alloc(4);
    block[0] = 0x80 | track;
    block.writeInt16BE(time - (this.#clusterMs ?? 0), 1);
    block[3] = isKey ? 0x80 : 0;
    const size = sizeOf(block.length + data.length);
    if (!this.readable.push(Buffer.concat([id(0xa3), size, block, data]))) {
      this.#closed = true;
      const problem = `${MAX_WAITING_BYTES} bytes of media wait to be read: whoever reads is too slow`;
      this.readable.destroy(new NotReadError(problem));
    }
  }
}

function head({ video, audio }: MatroskaTracks): Buffer {
  const ebml = element(
    0x1a45dfa3,
    element(0x4282, Buffer.from('matroska')),
    element(0x4287, unsigned(4)),
    element(0x4285, unsigned(2)),
  );
  const info = element(
    0x1549a966,
    element(0x2ad7b1, unsigned(1_000_000)),
    element(0x4d80, Buffer.from('sluice')),
    element(0x5741, Buffer.from('sluice')),
  );
  const tracks = element(
    0x1654ae6b,
    ...(video === undefined ? [] : [videoEntry(video.codec, video.setup)]),
    ...(audio === undefined ? [] : [audioEntry(audio)]),
  );
  return Buffer.concat([ebml, id(0x18538067), UNKNOWN_SIZE, info, tracks]);
}

function videoEntry(
  codec: VideoCodec | { readonly id: string },
  { width, height, codecPrivate }: VideoSetup,
): Buffer {
  const codecId = typeof codec === 'string' ? CODEC_IDS[codec] : codec.id;
  return element(
    0xae,
    element(0xd7, unsigned(VIDEO)),
    element(0x73c5, unsigned(VIDEO)),
    element(0x83, unsigned(1)),
    element(0x9c, unsigned(0)),
    element(0x86, Buffer.from(codecId)),
    ...(codecPrivate === undefined ? [] : [element(0x63a2, codecPrivate)]),
    element(0xe0, element(0xb0, unsigned(width)), element(0xba, unsigned(height))),
  );
}

function audioEntry({ channels, sampleRate = 48_000, codec }: MatroskaAudio): Buffer {
  const { id: codecId = OPUS, codecPrivate } = codec ?? {};
  const known = codecPrivate ?? (codecId === OPUS ? opusHead(channels) : undefined);
  const rate = Buffer.alloc(8);
  rate.writeDoubleBE(sampleRate);
  return element(
    0xae,
    element(0xd7, unsigned(AUDIO)),
    element(0x73c5, unsigned(AUDIO)),
    element(0x83, unsigned(2)),
    element(0x9c, unsigned(0)),
    element(0x86, Buffer.from(codecId)),
    ...(known === undefined ? [] : [element(0x63a2, known)]),
    // What a decoder needs before it is right again: 80 ms.
    ...(codecId === OPUS ? [element(0x56bb, unsigned(80_000_000))] : []),
    element(0xe1, element(0xb5, rate), element(0x9f, unsigned(channels))),
  );
}

function element(code: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([id(code), sizeOf(body.length), body]);
}

/** The marker that says its length is part of it. */
const id = (code: number): Buffer => unsigned(code);

/** As many bytes as are needed, at least one. */
function unsigned(value: number): Buffer {
  const bytes = Math.max(1, Math.ceil((value.toString(2).length || 1) / 8));
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, Math.min(6, bytes));
  return buffer;
}

/** In four bytes: no frame is larger. */
function sizeOf(bytes: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE((0x10_00_00_00 | bytes) >>> 0);
  return buffer;
}
