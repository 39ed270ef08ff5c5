import { BitReader } from './bit-reader';
import type { PictureSize } from './video-frame';

const SYNC_CODE = 0x49_83_42;
const SRGB = 7;
/** Bits of a segment's features, and which of them have a sign. */
const FEATURE_BITS = [8, 6, 2, 0];
const SIGNED_FEATURES = [true, true, false, false];

/** What the first bits of a frame say; undefined: nothing that is decoded. */
interface FrameStart {
  readonly profile: number;
  readonly isKey: boolean;
  readonly isShown: boolean;
  readonly isResilient: boolean;
  /** Where `show_frame` stands, in bits. */
  readonly shownAt: number;
}

/** Whether a frame of VP9 is a key frame. */
export const isVp9KeyFrame = (frame: Buffer): boolean =>
  readStart(new BitReader(frame))?.isKey === true;

/** The size that a key frame tells. */
export function vp9KeyFrameSize(frame: Buffer): PictureSize | undefined {
  const bits = new BitReader(frame);
  const start = readStart(bits);
  return start?.isKey === true ? readKeyFrameSize(bits, start.profile) : undefined;
}

/**
 * The same frame, decoded and not shown. Of spatial layers only the uppermost is to be seen: libvpx
 * shows the last of a superframe, and other decoders show each that does not say otherwise.
 *
 * @param size - of its picture
 * @returns undefined where it cannot be read
 */
export function hiddenVp9(frame: Buffer, size: PictureSize): Buffer | undefined {
  const bits = new BitReader(frame);
  const start = readStart(bits);
  if (start === undefined || !start.isShown) {
    return start === undefined ? undefined : frame;
  }
  if (start.isKey) {
    const hidden = Buffer.from(frame);
    const byte = start.shownAt >> 3;
    hidden[byte] = (hidden[byte] ?? 0) & ~(0x80 >> (start.shownAt & 7));
    return hidden;
  }
  skipInterHeader(bits, start, size);
  const headerBits = bits.position;
  if (headerBits > frame.length * 8) {
    return undefined;
  }
  // A frame that is not shown says besides whether it is of its own: a bit more, which is 0.
  const written = new BitReader(frame);
  const out: number[] = [];
  for (let at = 0; at < headerBits; at += 1) {
    const bit = written.read(1);
    out.push(at === start.shownAt ? 0 : bit);
    if (at === start.shownAt + 1) {
      out.push(0);
    }
  }
  const header = Buffer.alloc(Math.ceil(out.length / 8));
  for (const [at, bit] of out.entries()) {
    const byte = at >> 3;
    header[byte] = (header[byte] ?? 0) | (bit << (7 - (at & 7)));
  }
  return Buffer.concat([header, frame.subarray(Math.ceil(headerBits / 8))]);
}

/** Source: VP9 bitstream specification section 6.2. */
function readStart(bits: BitReader): FrameStart | undefined {
  const isVp9 = bits.read(2) === 2;
  const profile = bits.read(1) + bits.read(1) * 2;
  if (profile === 3) {
    bits.read(1);
  }
  if (!isVp9 || bits.flag()) {
    return undefined;
  }
  const isKey = !bits.flag();
  const shownAt = bits.position;
  const isShown = bits.flag();
  return { profile, isKey, shownAt, isShown, isResilient: bits.flag() };
}

function readKeyFrameSize(bits: BitReader, profile: number): PictureSize | undefined {
  if (bits.read(24) !== SYNC_CODE) {
    return undefined;
  }
  if (profile >= 2) {
    bits.read(1);
  }
  if (bits.read(3) !== SRGB) {
    bits.read(profile === 1 || profile === 3 ? 4 : 1);
  } else if (profile === 1 || profile === 3) {
    bits.read(1);
  }
  return { width: bits.read(16) + 1, height: bits.read(16) + 1 };
}

/** From behind `error_resilient_mode` to the end of the uncompressed header of a frame that is shown. */
function skipInterHeader(
  bits: BitReader,
  { isResilient }: FrameStart,
  { width }: PictureSize,
): void {
  bits.read(isResilient ? 0 : 2);
  bits.read(8 + 3 * 4);
  // Its size is that of one of three frames that it goes by, or stands here.
  if (!bits.flag() && !bits.flag() && !bits.flag()) {
    bits.read(32);
  }
  if (bits.flag()) {
    bits.read(32);
  }
  bits.read(1);
  if (!bits.flag()) {
    bits.read(2);
  }
  bits.read(isResilient ? 2 : 4);
  skipLoopFilter(bits);
  bits.read(8);
  for (let delta = 0; delta < 3; delta += 1) {
    if (bits.flag()) bits.read(5);
  }
  skipSegmentation(bits);
  skipTiles(bits, width);
  bits.read(16);
}

function skipLoopFilter(bits: BitReader): void {
  bits.read(9);
  if (bits.flag() && bits.flag()) {
    for (let delta = 0; delta < 6; delta += 1) {
      if (bits.flag()) bits.read(7);
    }
  }
}

function skipSegmentation(bits: BitReader): void {
  if (!bits.flag()) {
    return;
  }
  if (bits.flag()) {
    skipProbabilities(bits, 7);
    if (bits.flag()) {
      skipProbabilities(bits, 3);
    }
  }
  if (bits.flag()) {
    bits.read(1);
    for (let feature = 0; feature < 8 * FEATURE_BITS.length; feature += 1) {
      const kind = feature % FEATURE_BITS.length;
      if (bits.flag()) {
        bits.read((FEATURE_BITS[kind] ?? 0) + (SIGNED_FEATURES[kind] === true ? 1 : 0));
      }
    }
  }
}

function skipProbabilities(bits: BitReader, count: number): void {
  for (let index = 0; index < count; index += 1) {
    if (bits.flag()) bits.read(8);
  }
}

function skipTiles(bits: BitReader, width: number): void {
  const columns = Math.ceil(width / 64);
  let least = 0;
  while (64 << least < columns) {
    least += 1;
  }
  let most = 1;
  while (columns >> most >= 4) {
    most += 1;
  }
  for (let more = least; more < most - 1 && bits.flag(); more += 1) {
    // One column more, twice as many.
  }
  if (bits.flag()) {
    bits.read(1);
  }
}
