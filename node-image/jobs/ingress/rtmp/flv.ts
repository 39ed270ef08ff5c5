/** The kinds of FLV tags, which are those of RTMP's messages. */
export const TAG = { audio: 8, video: 9, data: 18 } as const;

/** One piece of what a sender sends: of RTMP, and of FLV. */
export interface FlvTag {
  readonly type: number;
  /** ms, modulo 2^32 */
  readonly timestamp: number;
  readonly body: Buffer;
}

/** What a file begins with. Source: Adobe Flash Video File Format Specification 10.1, Annex E. */
export function flvHeader(has: { readonly audio: boolean; readonly video: boolean }): Buffer {
  const flags = (has.audio ? 4 : 0) | (has.video ? 1 : 0);
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
}

/** A tag, and its size after it. */
export function flvTag({ type, timestamp, body }: FlvTag): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(type);
  head.writeUIntBE(body.length, 1, 3);
  head.writeUIntBE(timestamp & 0xffffff, 4, 3);
  head.writeUInt8((timestamp >>> 24) & 0xff, 7);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(11 + body.length);
  return Buffer.concat([head, body, size]);
}

const H264 = 7;
const AAC = 10;
const KEY_FRAME = 1;

/** What a piece of video is. */
export interface VideoTag {
  readonly isH264: boolean;
  readonly isKey: boolean;
  /** The description of the stream, not a picture. */
  readonly isHeader: boolean;
  /** How much later it is shown than decoded, in ms: never anything else than 0 without B-frames. */
  readonly offsetMs: number;
}

/** @returns undefined for what is none. */
export function videoTag(body: Buffer): VideoTag | undefined {
  const [first] = body;
  if (first === undefined) return undefined;
  // The extended form has the highest bit set.
  const isH264 = (first & 0x80) === 0 && (first & 0x0f) === H264 && body.length >= 5;
  const isHeader = isH264 && body[1] === 0;
  const offsetMs = isH264 && body[1] === 1 ? body.readIntBE(2, 3) : 0;
  return { isH264, isKey: ((first >> 4) & 0x07) === KEY_FRAME, isHeader, offsetMs };
}

/** Whether a piece of sound describes the stream: AAC's configuration. */
export const isAudioHeader = (body: Buffer): boolean =>
  body.length >= 2 && (body[0] ?? 0) >> 4 === AAC && body[1] === 0;
