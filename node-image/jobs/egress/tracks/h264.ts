import { BitReader } from './bit-reader';
import type { Depacketizer, VideoSetup } from './video-frame';

const SLICE_IDR = 5;
const SPS = 7;
const PPS = 8;
const DELIMITER = 9;
const STAP_A = 24;
const FU_A = 28;
/** Profiles whose sequence parameter set says how colours are sampled. */
const WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128]);

/** H264, as units with their lengths before them. Source: RFC 6184 section 5, ISO 14496-15. */
export const h264: Depacketizer = {
  frame(payloads) {
    const units = unitsOf(payloads);
    if (units === undefined) {
      return undefined;
    }
    // Where they are set before each key frame, they may change with it.
    const kept = units.filter((unit) => typeOf(unit) !== DELIMITER);
    if (kept.every((unit) => typeOf(unit) > SLICE_IDR)) {
      return undefined;
    }
    return {
      data: withLengths(kept),
      isKey: kept.some((unit) => typeOf(unit) === SLICE_IDR),
    };
  },

  begins(payload) {
    const type = typeOf(payload);
    return type === FU_A ? ((payload[1] ?? 0) & 0x80) !== 0 : type > 0;
  },

  setup(keyFrame): VideoSetup | undefined {
    const units = withoutLengths(keyFrame);
    const sps = units.find((unit) => typeOf(unit) === SPS);
    const pps = units.find((unit) => typeOf(unit) === PPS);
    if (sps === undefined || pps === undefined || sps.length < 4) {
      return undefined;
    }
    return { ...sizeOf(sps), codecPrivate: avcConfiguration(sps, pps) };
  },
};

/** The units of a stream as ffmpeg writes it, with their lengths before them. */
export function fromAnnexB(stream: Buffer): Buffer {
  const units: Buffer[] = [];
  let start = -1;
  for (let at = 0; at + 3 <= stream.length; at += 1) {
    if (stream[at] === 0 && stream[at + 1] === 0 && stream[at + 2] === 1) {
      if (start >= 0) {
        units.push(stream.subarray(start, stream[at - 1] === 0 ? at - 1 : at));
      }
      start = at + 3;
    }
  }
  if (start >= 0) {
    units.push(stream.subarray(start));
  }
  return withLengths(units.filter((unit) => typeOf(unit) <= PPS && typeOf(unit) !== 6));
}

const typeOf = (unit: Buffer): number => (unit[0] ?? 0) & 0x1f;

/** @returns undefined where one has no beginning or no end. */
function unitsOf(payloads: readonly Buffer[]): Buffer[] | undefined {
  const units: Buffer[] = [];
  let fragments: Buffer[] | undefined;
  for (const payload of payloads) {
    const type = typeOf(payload);
    const header = payload[1] ?? 0;
    if (type === FU_A && (header & 0x80) !== 0) {
      const first = ((payload[0] ?? 0) & 0xe0) | (header & 0x1f);
      fragments = [Buffer.from([first]), payload.subarray(2)];
    } else if (type === FU_A) {
      if (fragments === undefined) {
        return undefined;
      }
      fragments.push(payload.subarray(2));
    } else if (type === STAP_A) {
      units.push(...aggregated(payload));
    } else if (type > 0 && type < STAP_A) {
      units.push(payload);
    }
    if (type === FU_A && (header & 0x40) !== 0 && fragments !== undefined) {
      units.push(Buffer.concat(fragments));
      fragments = undefined;
    }
  }
  return fragments === undefined && units.length > 0 ? units : undefined;
}

function aggregated(payload: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 1; at + 2 < payload.length; ) {
    const size = payload.readUInt16BE(at);
    units.push(payload.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return units.filter((unit) => unit.length > 0);
}

function withLengths(units: readonly Buffer[]): Buffer {
  return Buffer.concat(
    units.flatMap((unit) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(unit.length);
      return [length, unit];
    }),
  );
}

function withoutLengths(data: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at + 4 < data.length; ) {
    const size = data.readUInt32BE(at);
    units.push(data.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return units;
}

/** AVCDecoderConfigurationRecord, ISO 14496-15 section 5.3.3. */
function avcConfiguration(sps: Buffer, pps: Buffer): Buffer {
  const head = Buffer.from([1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, 0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(sps.length, 6);
  const middle = Buffer.from([1, 0, 0]);
  middle.writeUInt16BE(pps.length, 1);
  return Buffer.concat([head, sps, middle, pps]);
}

/** Source: H.264 section 7.3.2.1.1. */
function sizeOf(sps: Buffer): { width: number; height: number } {
  const bits = new BitReader(withoutEscapes(sps.subarray(4)));
  bits.exponential();
  let chroma = 1;
  if (WITH_CHROMA.has(sps[1] ?? 0)) {
    chroma = readChroma(bits);
  }
  bits.exponential();
  readOrderCount(bits);
  bits.exponential();
  bits.read(1);
  const width = (bits.exponential() + 1) * 16;
  const rows = bits.exponential() + 1;
  const framesOnly = bits.flag();
  if (!framesOnly) {
    bits.read(1);
  }
  bits.read(1);
  const height = rows * 16 * (framesOnly ? 1 : 2);
  if (!bits.flag()) {
    return { width, height };
  }
  const [left, right, top, bottom] = [0, 1, 2, 3].map(() => bits.exponential());
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (framesOnly ? 1 : 2);
  return {
    width: width - ((left ?? 0) + (right ?? 0)) * unitX,
    height: height - ((top ?? 0) + (bottom ?? 0)) * unitY,
  };
}

function readChroma(bits: BitReader): number {
  const chroma = bits.exponential();
  if (chroma === 3) {
    bits.read(1);
  }
  bits.exponential();
  bits.exponential();
  bits.read(1);
  if (bits.flag()) {
    for (let list = 0; list < (chroma === 3 ? 12 : 8); list += 1) {
      if (bits.flag()) {
        skipScalingList(bits, list < 6 ? 16 : 64);
      }
    }
  }
  return chroma;
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let index = 0; index < size; index += 1) {
    if (next !== 0) {
      next = (last + bits.signedExponential() + 256) % 256;
    }
    last = next === 0 ? last : next;
  }
}

function readOrderCount(bits: BitReader): void {
  const type = bits.exponential();
  if (type === 0) {
    bits.exponential();
  } else if (type === 1) {
    bits.read(1);
    bits.signedExponential();
    bits.signedExponential();
    const count = Math.min(255, bits.exponential());
    for (let index = 0; index < count; index += 1) {
      bits.signedExponential();
    }
  }
}

function withoutEscapes(data: Buffer): Buffer {
  const plain: number[] = [];
  let zeros = 0;
  for (const byte of data) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    plain.push(byte);
  }
  return Buffer.from(plain);
}
