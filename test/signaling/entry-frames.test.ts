import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FrameTracker, serverFrame } from '../../node-image/signaling/entry/frame-tracker';

interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly length: number;
  readonly masked: boolean;
}

/** Written apart from the code under test, with no header shorter than it has to be. */
function bytesOf({ opcode, isLast, length, masked }: Frame): Buffer {
  const header = Buffer.alloc(14);
  header[0] = (isLast ? 0x80 : 0) | opcode;
  let end = 2;
  if (length < 126) {
    header[1] = length;
  } else if (length < 65_536) {
    header[1] = 126;
    header.writeUInt16BE(length, 2);
    end = 4;
  } else {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(length), 2);
    end = 10;
  }
  if (masked) {
    header[1] = (header[1] ?? 0) | 0x80;
    end += 4;
  }
  return Buffer.concat([header.subarray(0, end), Buffer.alloc(length, 0x88)]);
}

const frame = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  isLast: fc.boolean(),
  length: fc.oneof(
    { weight: 5, arbitrary: fc.nat(130) },
    fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000),
  ),
  masked: fc.boolean(),
});

/** Control frames are always whole. */
const asAllowed = (one: Frame): Frame => (one.opcode > 7 ? { ...one, isLast: true } : one);

describe('FrameTracker', () => {
  test('knows after every byte whether a frame may follow, however the bytes come', () => {
    fc.assert(
      fc.property(
        fc.array(frame.map(asAllowed), { maxLength: 12 }),
        fc.array(fc.nat(200), { minLength: 1, maxLength: 50 }),
        (frames, cuts) => {
          const parts = frames.map(bytesOf);
          const boundaries = new Map([[0, true]]);
          let length = 0;
          for (const [index, part] of parts.entries()) {
            length += part.length;
            const messages = frames.slice(0, index + 1).filter(({ opcode }) => opcode < 8);
            boundaries.set(length, messages.at(-1)?.isLast ?? true);
          }
          const all = Buffer.concat(parts);
          const tracker = new FrameTracker();
          for (let at = 0, turn = 0; at < all.length; turn += 1) {
            const to = Math.min(all.length, at + (cuts[turn % cuts.length] ?? 0) + 1);
            tracker.push(all.subarray(at, to));
            at = to;
            assert.equal(tracker.isAtBoundary, boundaries.get(at) ?? false, `after ${at} bytes`);
          }
          assert.equal(tracker.sawClose, false);
        },
      ),
    );
  });

  test('follows frames longer than 4 GiB without holding them', () => {
    const tracker = new FrameTracker();
    const header = Buffer.alloc(10);
    header[0] = 0x82;
    header[1] = 127;
    header.writeBigUInt64BE(2n ** 32n + 3n, 2);
    tracker.push(header);
    const chunk = Buffer.alloc(2 ** 27);
    for (let count = 0; count < 32; count += 1) tracker.push(chunk);
    tracker.push(Buffer.alloc(2));
    assert.equal(tracker.isAtBoundary, false);
    tracker.push(Buffer.alloc(1));
    assert.equal(tracker.isAtBoundary, true);
  });

  test('lets nothing follow a close frame', () => {
    const tracker = new FrameTracker();
    tracker.push(serverFrame('binary', Buffer.alloc(5)));
    assert.deepEqual([tracker.isAtBoundary, tracker.sawClose], [true, false]);
    tracker.push(serverFrame('close', Buffer.from([3, 232])));
    assert.deepEqual([tracker.isAtBoundary, tracker.sawClose], [false, true]);
  });

  test('reads what serverFrame writes', () => {
    for (const length of [0, 1, 125, 126, 127, 65_535]) {
      const bytes = serverFrame('binary', Buffer.alloc(length, 0x88));
      assert.deepEqual(bytes, bytesOf({ opcode: 2, isLast: true, length, masked: false }));
    }
  });
});
