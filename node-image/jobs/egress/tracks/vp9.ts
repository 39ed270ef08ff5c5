import { BitReader } from './bit-reader';
import type { Depacketizer, VideoSetup } from './video-frame';

const SYNC_CODE = 0x49_83_42;
const SRGB = 7;

/**
 * VP9, with its spatial layers: those of one picture make a superframe.
 *
 * Source: RFC 9628 section 4.2; VP9 bitstream specification section 6.2 and annex B.
 */
export const vp9: Depacketizer = {
  frame(payloads) {
    const layers: Buffer[][] = [];
    for (const payload of payloads) {
      if (((payload[0] ?? 0) & 0x08) !== 0) {
        layers.push([]);
      }
      layers.at(-1)?.push(payload.subarray(descriptorBytes(payload)));
    }
    const [first] = payloads;
    if (first === undefined || layers.length === 0 || !vp9.begins(first)) {
      return undefined;
    }
    const frames = layers.map((parts) => Buffer.concat(parts));
    const isKey = frames[0] !== undefined && isKeyFrame(frames[0]);
    return { data: frames.length === 1 ? Buffer.concat(frames) : superframe(frames), isKey };
  },

  begins(payload) {
    const first = payload[0] ?? 0;
    // B, of the lowest layer.
    return (first & 0x08) !== 0 && spatialLayer(payload) === 0;
  },

  setup(keyFrame): VideoSetup | undefined {
    const sizes = framesOf(keyFrame).flatMap((frame) => sizeOf(frame) ?? []);
    // Of a superframe the last one is shown, and it may be no key frame itself.
    return sizes.at(-1);
  },
};

function spatialLayer(payload: Buffer): number {
  const first = payload[0] ?? 0;
  if ((first & 0x20) === 0) {
    return 0;
  }
  const at = 1 + pictureIdBytes(payload);
  return ((payload[at] ?? 0) >> 1) & 0x07;
}

function pictureIdBytes(payload: Buffer): number {
  if (((payload[0] ?? 0) & 0x80) === 0) {
    return 0;
  }
  return ((payload[1] ?? 0) & 0x80) === 0 ? 1 : 2;
}

function descriptorBytes(payload: Buffer): number {
  const first = payload[0] ?? 0;
  const isFlexible = (first & 0x10) !== 0;
  let at = 1 + pictureIdBytes(payload);
  if ((first & 0x20) !== 0) {
    at += isFlexible ? 1 : 2;
  }
  if (isFlexible && (first & 0x40) !== 0) {
    for (let index = 0; index < 3; index += 1) {
      at += 1;
      if (((payload[at - 1] ?? 0) & 1) === 0) {
        break;
      }
    }
  }
  if ((first & 0x02) !== 0) {
    at += structureBytes(payload.subarray(at));
  }
  return Math.min(at, payload.length);
}

/** The scalability structure. */
function structureBytes(structure: Buffer): number {
  const first = structure[0] ?? 0;
  let at = 1 + ((first & 0x10) === 0 ? 0 : ((first >> 5) + 1) * 4);
  if ((first & 0x08) !== 0) {
    const pictures = structure[at] ?? 0;
    at += 1;
    for (let index = 0; index < pictures && at < structure.length; index += 1) {
      at += 1 + (((structure[at] ?? 0) >> 2) & 0x03);
    }
  }
  return at;
}

function isKeyFrame(frame: Buffer): boolean {
  const bits = new BitReader(frame);
  return readFrameType(bits) === 0;
}

/** 0: a key frame; undefined: nothing that is decoded. */
function readFrameType(bits: BitReader): number | undefined {
  const isVp9 = bits.read(2) === 2;
  const profile = bits.read(1) + bits.read(1) * 2;
  if (profile === 3) {
    bits.read(1);
  }
  const showsExisting = bits.read(1) === 1;
  return isVp9 && !showsExisting ? bits.read(1) : undefined;
}

function sizeOf(frame: Buffer): VideoSetup | undefined {
  const bits = new BitReader(frame);
  const profile = ((frame[0] ?? 0) >> 5) & 1;
  if (readFrameType(bits) !== 0) {
    return undefined;
  }
  bits.read(2);
  if (bits.read(24) !== SYNC_CODE) {
    return undefined;
  }
  const colorSpace = bits.read(3);
  if (colorSpace !== SRGB) {
    bits.read(profile === 1 ? 4 : 1);
  } else if (profile === 1) {
    bits.read(1);
  }
  return { width: bits.read(16) + 1, height: bits.read(16) + 1 };
}

/** Frames with the index that decoders take them apart by. */
function superframe(frames: readonly Buffer[]): Buffer {
  const marker = 0xc0 | (3 << 3) | (frames.length - 1);
  const index = Buffer.alloc(2 + frames.length * 4, marker);
  for (const [at, frame] of frames.entries()) {
    index.writeUInt32LE(frame.length, 1 + at * 4);
  }
  return Buffer.concat([...frames, index]);
}

function framesOf(data: Buffer): Buffer[] {
  const marker = data[data.length - 1] ?? 0;
  const count = (marker & 0x07) + 1;
  const bytes = ((marker >> 3) & 0x03) + 1;
  const start = data.length - 2 - count * bytes;
  if (marker >> 5 !== 6 || start < 0 || data[start] !== marker) {
    return [data];
  }
  let at = 0;
  return Array.from({ length: count }, (_, index) => {
    const size = data.readUIntLE(start + 1 + index * bytes, bytes);
    at += size;
    return data.subarray(at - size, at);
  });
}
