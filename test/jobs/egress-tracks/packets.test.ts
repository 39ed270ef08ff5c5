import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { opusConcealment, opusTicks } from '../../../node-image/jobs/egress/tracks/opus';
import { PictureAssembler } from '../../../node-image/jobs/egress/tracks/picture-assembler';
import { type InOrder, ReorderBuffer } from '../../../node-image/jobs/egress/tracks/reorder-buffer';
import { RtpClock } from '../../../node-image/jobs/egress/tracks/rtp-clock';
import { depacketizerOf } from '../../../node-image/jobs/egress/tracks/video-codecs';
import {
  type RtpPacket,
  readRtp,
  readSenderReports,
  writeNack,
} from '../../../node-image/media/taps/rtp-packet';

const packet = (sequence: number, options: Partial<RtpPacket> = {}): RtpPacket => ({
  sequence: sequence & 0xffff,
  timestamp: 0,
  marker: false,
  ssrc: 1,
  payload: Buffer.from([1]),
  ...options,
});
const shown = (items: readonly InOrder[]): (number | string)[] =>
  items.map((item) => ('lost' in item ? `${item.lost} lost` : item.packet.sequence));

test('packets come out in order, one that is sent again in its place, across the end of 16 bits', () => {
  const buffer = new ReorderBuffer({ waitMs: 100 });
  const out = [65_533, 65_534, 0, 1, 65_535, 2, 1].flatMap((one) => buffer.push(packet(one), 0));
  assert.deepEqual(shown(out), [65_533, 65_534, 65_535, 0, 1, 2]);
});

test('a packet that never comes is waited for, then told as lost', () => {
  const buffer = new ReorderBuffer({ waitMs: 100 });
  assert.deepEqual(shown(buffer.push(packet(10), 0)), [10]);
  assert.deepEqual(shown(buffer.push(packet(13), 5)), []);
  assert.deepEqual(buffer.missing(), [11, 12]);
  assert.deepEqual(shown(buffer.take(104)), []);
  assert.deepEqual(shown(buffer.take(105)), ['2 lost', 13]);
  assert.deepEqual(buffer.missing(), []);
});

test('another stream begins anew, as does one whose numbers jump', () => {
  const buffer = new ReorderBuffer({ waitMs: 100 });
  buffer.push(packet(10), 0);
  assert.deepEqual(shown(buffer.push(packet(4, { ssrc: 2 }), 0)), [4]);
  assert.deepEqual(shown(buffer.push(packet(30_000, { ssrc: 2 }), 0)), ['1 lost', 30_000]);
});

test('whatever order packets come in, each comes out once, and no number goes back', () => {
  const orders = fc.shuffledSubarray([...Array(40).keys()], { minLength: 1 });
  fc.assert(
    fc.property(orders, (order) => {
      const buffer = new ReorderBuffer({ waitMs: 10 });
      buffer.push(packet(-1), 0);
      const out = [...order.flatMap((one) => buffer.push(packet(one), 0)), ...buffer.take(100)];
      const numbers = out.flatMap((item) => ('lost' in item ? [] : [item.packet.sequence]));
      const sorted = [...order].sort((a, b) => a - b);
      assert.deepEqual(numbers, sorted);
    }),
  );
});

test('a request to send again names each missing packet', () => {
  const nack = writeNack(0x01020304, [65_535, 0, 5, 100]);
  assert.equal(nack.length % 4, 0);
  assert.equal(nack.readUInt16BE(2), nack.length / 4 - 1);
  assert.deepEqual(
    [nack.readUInt16BE(12), nack.readUInt16BE(14), nack.readUInt16BE(16), nack.readUInt16BE(18)],
    [65_535, 0b10_0001, 100, 0],
  );
});

test('no bytes from the network break the readers', () => {
  const codecs = (['vp8', 'vp9', 'h264', 'av1'] as const).map(depacketizerOf);
  const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 });
  fc.assert(
    fc.property(payloads, (arrays) => {
      const buffers = arrays.map((one) => Buffer.from(one));
      for (const one of buffers) {
        readRtp(one);
        readSenderReports(one);
        opusTicks(one);
      }
      for (const codec of codecs) {
        const frame = codec.frame(buffers);
        if (frame !== undefined) codec.setup(frame.data);
        for (const one of buffers) codec.setup(one);
      }
    }),
    { numRuns: 2000 },
  );
});

test('no picture is given out before a key frame, nor after a loss before the next', () => {
  const assembler = new PictureAssembler(depacketizerOf('vp8'));
  const picture = (sequence: number, isKey: boolean): InOrder => ({
    packet: packet(sequence, {
      timestamp: sequence * 3000,
      marker: true,
      payload: Buffer.from([0x10, isKey ? 0 : 1, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0]),
    }),
  });
  const keys = (items: readonly InOrder[]): boolean[] =>
    assembler.push(items).map(({ isKey }) => isKey);
  assert.deepEqual(keys([picture(1, false), picture(2, true), picture(3, false)]), [true, false]);
  assert.equal(assembler.needsKeyFrame, false);
  assert.deepEqual(keys([{ lost: 1 }, picture(5, false)]), []);
  assert.equal(assembler.needsKeyFrame, true);
  assert.deepEqual(keys([picture(6, true)]), [true]);
});

test('a picture without its first or its middle packet is none', () => {
  const assembler = new PictureAssembler(depacketizerOf('vp8'));
  const part = (sequence: number, first: boolean, marker: boolean): InOrder => ({
    packet: packet(sequence, {
      timestamp: 9000,
      marker,
      payload: Buffer.from([first ? 0x10 : 0, 0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0]),
    }),
  });
  assert.deepEqual(assembler.push([part(2, false, false), part(3, false, true)]), []);
  assert.deepEqual(assembler.push([part(4, true, false), { lost: 1 }, part(6, false, true)]), []);
});

test('AV1 units with and without sizes, in one and in several packets, make one temporal unit', () => {
  const av1 = depacketizerOf('av1');
  const sequence = [0x08, 0, 0, 0];
  // W is 0: each unit has its size before it.
  const sized = Buffer.from([0x08, 4, ...sequence, 3, 0x30, 1, 2]);
  const whole = av1.frame([sized]);
  assert.deepEqual([...(whole?.data ?? [])], [0x0a, 3, 0, 0, 0, 0x32, 2, 1, 2]);
  assert.equal(whole?.isKey, true);
  const first = Buffer.from([0x68, 4, ...sequence, 0x30, 1]);
  const second = Buffer.from([0x90, 2]);
  assert.deepEqual(av1.frame([first, second])?.data, whole?.data);
  assert.equal(av1.frame([first]), undefined);
});

test('H264 units that are split and put together come out with their lengths', () => {
  const h264 = depacketizerOf('h264');
  const together = Buffer.from([24, 0, 2, 0x67, 1, 0, 2, 0x68, 2]);
  const parts = [Buffer.from([0x7c, 0x85, 7]), Buffer.from([0x7c, 0x45, 8])];
  const frame = h264.frame([together, ...parts]);
  const expected = [0, 0, 0, 2, 0x67, 1, 0, 0, 0, 2, 0x68, 2, 0, 0, 0, 3, 0x65, 7, 8];
  assert.deepEqual([...(frame?.data ?? [])], expected);
  assert.equal(frame?.isKey, true);
  assert.equal(h264.frame([Buffer.from([0x7c, 0x05, 7])]), undefined);
});

test('a clock follows reports by small steps, and a new timeline at once', () => {
  const clock = new RtpClock(1000);
  const at = (timestamp: number): number => clock.timeMs(clock.ticks(timestamp, 50_000));
  assert.equal(at(100), 50_000);
  const report = (ntpMs: number, rtpTimestamp: number): void =>
    clock.report({ ssrc: 1, ntpMs, rtpTimestamp });
  report(50_300, 100);
  assert.equal(at(110), 50_310);
  for (const timestamp of [110, 120, 130]) report(50_210 + timestamp, timestamp);
  assert.equal(at(130), 50_340);
  report(50_360, 130);
  assert.equal(at(130), 50_345);
  report(50_445, 130);
  assert.equal(at(130), 50_370);
  report(90_000, 130);
  assert.equal(at(140), 90_010);
});

test('timestamps go on past 32 bits', () => {
  const clock = new RtpClock(90_000);
  const first = clock.ticks(0xffff_ff00, 0);
  assert.equal(clock.ticks(0x100, 0) - first, 0x200);
});

test('a packet that conceals lasts 20 ms, in the codec mode of the one before', () => {
  for (let config = 0; config < 32; config += 1) {
    const concealment = opusConcealment(Buffer.from([(config << 3) | 4, 1, 2]));
    assert.equal(opusTicks(concealment), 960, `configuration ${config}`);
    assert.equal(concealment.length, 1);
  }
  assert.equal(opusTicks(Buffer.from([0x0b, 3])), 960 * 3);
});
