import { type FlvTag, TAG } from './flv';

/** A piece that comes in the extended form of RTMP. */
export interface ExtendedTag {
  /** Its FourCC, such as `hvc1`. */
  readonly codec: string;
  /** `header` describes the stream; `other` is nothing to be decoded. */
  readonly what: 'header' | 'media' | 'other' | 'several-tracks';
  readonly isKey: boolean;
  /** How much later a picture is shown than decoded, in ms. */
  readonly offsetMs: number;
  readonly data: Buffer;
}

/** Sound in the extended form has this in place of a codec. */
const EXTENDED_SOUND = 9;
const KEY_FRAME = 1;
const FOURCC_BYTES = 4;
/** Kinds of pieces: of pictures, and of sound. */
const START = 0;
const FRAMES = 1;
const FRAMES_WITHOUT_OFFSET = 3;
const PICTURES_OF_SEVERAL = 6;
const SOUND_OF_SEVERAL = 5;
const MODIFIED = 7;
/** Those whose pictures may be shown in another order say by how much. */
const WITH_OFFSET = new Set(['avc1', 'hvc1']);

/**
 * @returns undefined for what comes in the plain form.
 * Source: Enhanced RTMP v2, veovera.org.
 */
export function extendedTag({ type, body }: FlvTag): ExtendedTag | undefined {
  const first = body[0] ?? 0;
  const isPicture = type === TAG.video;
  const isExtended = isPicture
    ? (first & 0x80) !== 0
    : type === TAG.audio && first >> 4 === EXTENDED_SOUND;
  if (!isExtended) return undefined;
  const kind = first & 0x0f;
  const codec = body.toString('latin1', 1, 1 + FOURCC_BYTES);
  const of = (what: ExtendedTag['what'], at = 1 + FOURCC_BYTES, offsetMs = 0): ExtendedTag => ({
    ...{ codec, what, offsetMs, data: body.subarray(at) },
    isKey: isPicture && ((first >> 4) & 0x07) === KEY_FRAME,
  });
  if (kind === START) return of('header');
  if (kind === (isPicture ? PICTURES_OF_SEVERAL : SOUND_OF_SEVERAL) || kind === MODIFIED) {
    return of('several-tracks');
  }
  if (kind === FRAMES && isPicture && WITH_OFFSET.has(codec)) {
    return body.length < 8 ? of('other') : of('media', 8, body.readIntBE(5, 3));
  }
  const isMedia = kind === FRAMES || (isPicture && kind === FRAMES_WITHOUT_OFFSET);
  return of(isMedia ? 'media' : 'other');
}

/** A piece in the plain form, where it can be had in that: H264 and AAC, which everybody reads. */
export function plainTag(tag: FlvTag): FlvTag {
  const extended = extendedTag(tag);
  if (extended === undefined) return tag;
  const { codec, what, isKey, offsetMs, data } = extended;
  if (what !== 'header' && what !== 'media') return tag;
  const kind = what === 'header' ? 0 : 1;
  if (codec === 'avc1') {
    const head = Buffer.from([isKey ? 0x17 : 0x27, kind, 0, 0, 0]);
    head.writeIntBE(offsetMs, 2, 3);
    return { ...tag, body: Buffer.concat([head, data]) };
  }
  // 44.1 kHz and stereo is what it says of all AAC, which knows better itself.
  return codec === 'mp4a'
    ? { ...tag, body: Buffer.concat([Buffer.from([0xaf, kind]), data]) }
    : tag;
}
