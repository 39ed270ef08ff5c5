import type { Depacketizer, PictureSize, VideoSetup } from './video-frame';
import { hiddenVp9, isVp9KeyFrame, vp9KeyFrameSize } from './vp9-header';

/**
 * VP9, with its spatial layers: those of one picture make a superframe, of which the last is shown.
 *
 * Source: RFC 9628 section 4.2; VP9 bitstream specification annex B.
 */
export function vp9(): Depacketizer {
  /** Of the lowest layer, by the last key frame. */
  let size: PictureSize | undefined;
  return {
    frame(payloads) {
      const [first] = payloads;
      const frames = layersOf(payloads);
      const [lowest] = frames;
      if (first === undefined || lowest === undefined || !begins(first)) {
        return undefined;
      }
      size = vp9KeyFrameSize(lowest) ?? size;
      const data = frames.length === 1 ? lowest : superframe(withOneShown(frames, size));
      return { data, isKey: isVp9KeyFrame(lowest) };
    },

    begins,

    setup(keyFrame): VideoSetup | undefined {
      const frames = framesOf(keyFrame);
      const lowest = frames[0] === undefined ? undefined : vp9KeyFrameSize(frames[0]);
      return lowest && layerSize(lowest, frames.length - 1);
    },
  };
}

function begins(payload: Buffer): boolean {
  // B: of any layer, as the SFU leaves out lower ones that those above do not need.
  return ((payload[0] ?? 0) & 0x08) !== 0;
}

function layersOf(payloads: readonly Buffer[]): Buffer[] {
  const layers: Buffer[][] = [];
  for (const payload of payloads) {
    if (((payload[0] ?? 0) & 0x08) !== 0) {
      layers.push([]);
    }
    layers.at(-1)?.push(payload.subarray(descriptorBytes(payload)));
  }
  return layers.map((parts) => Buffer.concat(parts));
}

/** WebRTC has each layer twice as large as the one below. */
const layerSize = ({ width, height }: PictureSize, layer: number): PictureSize => ({
  width: width * 2 ** layer,
  height: height * 2 ** layer,
});

function withOneShown(frames: readonly Buffer[], lowest: PictureSize | undefined): Buffer[] {
  return frames.map((frame, layer) =>
    lowest === undefined || layer === frames.length - 1
      ? frame
      : (hiddenVp9(frame, layerSize(lowest, layer)) ?? frame),
  );
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
