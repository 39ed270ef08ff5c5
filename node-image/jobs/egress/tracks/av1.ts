import { BitReader } from './bit-reader';
import type { Depacketizer, VideoSetup } from './video-frame';

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;
const TILE_LIST = 8;
const PADDING = 15;

/** AV1, as one temporal unit of units with sizes. Source: RTP Payload Format for AV1 section 4. */
export const av1: Depacketizer = {
  frame(payloads) {
    const units = unitsOf(payloads);
    const kept = units?.filter((unit) => {
      const type = typeOf(unit);
      return type !== TEMPORAL_DELIMITER && type !== TILE_LIST && type !== PADDING;
    });
    if (kept === undefined || kept.length === 0) {
      return undefined;
    }
    return {
      data: Buffer.concat(kept.map(withSize)),
      isKey: typeOf(kept[0] ?? Buffer.alloc(1)) === SEQUENCE_HEADER,
    };
  },

  begins(payload) {
    // Not Z: it begins with a unit, and not with the rest of one.
    return ((payload[0] ?? 0) & 0x80) === 0;
  },

  setup(keyFrame): VideoSetup | undefined {
    const [size, bytes] = readLeb128(keyFrame, hasExtension(keyFrame) ? 2 : 1);
    const start = (hasExtension(keyFrame) ? 2 : 1) + bytes;
    if (typeOf(keyFrame) !== SEQUENCE_HEADER || start + size > keyFrame.length) {
      return undefined;
    }
    const header = readSequenceHeader(keyFrame.subarray(start, start + size));
    const unit = keyFrame.subarray(0, start + size);
    const { width, height } = header;
    const configuration = Buffer.from([0x81, (header.profile << 5) | header.level, header.bits, 0]);
    return { width, height, codecPrivate: Buffer.concat([configuration, unit]) };
  },
};

const typeOf = (unit: Buffer): number => ((unit[0] ?? 0) >> 3) & 0x0f;
const hasExtension = (unit: Buffer): boolean => ((unit[0] ?? 0) & 0x04) !== 0;

/** @returns undefined where one has no beginning or no end. */
function unitsOf(payloads: readonly Buffer[]): Buffer[] | undefined {
  const units: Buffer[] = [];
  let open: Buffer[] | undefined;
  for (const payload of payloads) {
    const first = payload[0] ?? 0;
    const elements = elementsOf(payload, (first >> 4) & 0x03);
    const continues = (first & 0x80) !== 0;
    if (elements === undefined || continues !== (open !== undefined)) {
      return undefined;
    }
    const goesOn = (first & 0x40) !== 0;
    for (const [index, element] of elements.entries()) {
      open = [...(open ?? []), element];
      if (index < elements.length - 1 || !goesOn) {
        units.push(Buffer.concat(open));
        open = undefined;
      }
    }
  }
  return open === undefined ? units.filter((unit) => unit.length > 0) : undefined;
}

/** @param count - as the payload says; 0: each has its size before it */
function elementsOf(payload: Buffer, count: number): Buffer[] | undefined {
  const elements: Buffer[] = [];
  for (let at = 1; at < payload.length; ) {
    if (count > 0 && elements.length === count - 1) {
      elements.push(payload.subarray(at));
      break;
    }
    const [size, bytes] = readLeb128(payload, at);
    at += bytes;
    if (at + size > payload.length) {
      return undefined;
    }
    elements.push(payload.subarray(at, at + size));
    at += size;
  }
  return elements;
}

function withSize(unit: Buffer): Buffer {
  if (((unit[0] ?? 0) & 0x02) !== 0) {
    return unit;
  }
  const headBytes = hasExtension(unit) ? 2 : 1;
  const head = Buffer.from(unit.subarray(0, headBytes));
  head[0] = (head[0] ?? 0) | 0x02;
  const body = unit.subarray(headBytes);
  return Buffer.concat([head, writeLeb128(body.length), body]);
}

function readLeb128(data: Buffer, start: number): [value: number, bytes: number] {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = data[start + index] ?? 0;
    value += (byte & 0x7f) * 128 ** index;
    if ((byte & 0x80) === 0) {
      return [value, index + 1];
    }
  }
  return [value, 8];
}

function writeLeb128(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest >= 128;
    bytes.push((rest % 128) | (more ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** Source: AV1 bitstream specification section 5.5. Of streams of WebRTC: no timing, no decoder model. */
function readSequenceHeader(header: Buffer) {
  const bits = new BitReader(header);
  const profile = bits.read(3);
  bits.read(1);
  const isReduced = bits.flag();
  const { level, tier, hasTiming } = isReduced
    ? { level: bits.read(5), tier: 0, hasTiming: false }
    : readOperatingPoints(bits);
  // Eight bits, 4:2:0: what WebRTC sends.
  const colours = (tier << 7) | 0x0c;
  if (hasTiming) {
    // What follows is not looked at, and the size is in each key frame anyway.
    return { profile, level, bits: colours, width: 0, height: 0 };
  }
  const widthBits = bits.read(4) + 1;
  const heightBits = bits.read(4) + 1;
  const width = bits.read(widthBits) + 1;
  return { profile, level, bits: colours, width, height: bits.read(heightBits) + 1 };
}

/** The level of the first one, which is all that is sent. */
function readOperatingPoints(bits: BitReader) {
  if (bits.flag()) {
    return { level: 8, tier: 0, hasTiming: true };
  }
  const hasDelay = bits.flag();
  const points = Array.from({ length: bits.read(5) + 1 }, () => {
    bits.read(12);
    const level = bits.read(5);
    const tier = level > 7 ? bits.read(1) : 0;
    if (hasDelay && bits.flag()) {
      bits.read(4);
    }
    return { level, tier };
  });
  return { level: points[0]?.level ?? 8, tier: points[0]?.tier ?? 0, hasTiming: false };
}
