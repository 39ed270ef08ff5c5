import type { Depacketizer, VideoSetup } from './video-frame';

/** VP8. Source: RFC 7741 section 4.2, RFC 6386 section 9.1. */
export const vp8: Depacketizer = {
  frame(payloads) {
    const [first] = payloads;
    if (first === undefined || !vp8.begins(first)) {
      return undefined;
    }
    const data = Buffer.concat(
      payloads.map((payload) => payload.subarray(descriptorBytes(payload))),
    );
    return data.length < 3 ? undefined : { data, isKey: ((data[0] ?? 1) & 1) === 0 };
  },

  begins(payload) {
    // S, and partition 0.
    return ((payload[0] ?? 0) & 0x17) === 0x10;
  },

  setup(keyFrame): VideoSetup | undefined {
    return keyFrame.length < 10
      ? undefined
      : { width: keyFrame.readUInt16LE(6) & 0x3fff, height: keyFrame.readUInt16LE(8) & 0x3fff };
  },
};

function descriptorBytes(payload: Buffer): number {
  const first = payload[0] ?? 0;
  if ((first & 0x80) === 0) {
    return 1;
  }
  const extensions = payload[1] ?? 0;
  const hasLongPictureId = (extensions & 0x80) !== 0 && ((payload[2] ?? 0) & 0x80) !== 0;
  return (
    2 +
    ((extensions & 0x80) === 0 ? 0 : hasLongPictureId ? 2 : 1) +
    ((extensions & 0x40) === 0 ? 0 : 1) +
    ((extensions & 0x30) === 0 ? 0 : 1)
  );
}
