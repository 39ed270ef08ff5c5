import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LayerClock } from '../../node-image/media/layer-clock';

const rtp = (ssrc: number, time: number): Buffer => {
  const packet = Buffer.alloc(20, 7);
  packet.writeUInt16BE(0x807d, 0);
  packet.writeUInt32BE(time, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
};
/** @param ntp - in s */
const report = (ssrc: number, time: number, ntp: number): Buffer => {
  const packet = Buffer.alloc(28);
  packet.writeUInt16BE(0x80c8, 0);
  packet.writeUInt32BE(ssrc, 4);
  packet.writeBigUInt64BE(BigInt(ntp * 1000) * (2n ** 32n / 1000n), 8);
  packet.writeUInt32BE(time, 16);
  return packet;
};
const timesOf = (packets: readonly Buffer[]): number[] =>
  packets.map((one) => one.readUInt32BE(one[1] === 0xc8 ? 16 : 4));
const ntpOf = (packet: Buffer | undefined): number =>
  Number((packet ?? Buffer.alloc(16)).readBigUInt64BE(8)) / 2 ** 32;

describe('the clock of layers', () => {
  it('has all of them begin at the same time, whatever their encoders say', () => {
    const clock = new LayerClock();
    assert.deepEqual(timesOf(clock.settle(rtp(1, 0xffff_ff00))), [0]);
    assert.deepEqual(timesOf(clock.settle(rtp(2, 5000))), [0]);
    assert.deepEqual(timesOf(clock.settle(rtp(1, 0xffff_ff00 + 3000 - 2 ** 32))), [3000]);
    assert.deepEqual(timesOf(clock.settle(rtp(2, 8000))), [3000]);
  });

  it('tells of one time by the reports of all, also of those that come first', () => {
    const clock = new LayerClock();
    assert.deepEqual(clock.settle(report(1, 100, 4_000_000)), []);
    const [, first] = clock.settle(rtp(1, 100));
    assert.equal(first?.readUInt32BE(16), 0);
    clock.settle(rtp(2, 5000));
    // Its encoder began half a second later, and counts from there.
    const [second] = clock.settle(report(2, 5000 + 90_000, 4_000_001.5));
    assert.equal(second?.readUInt32BE(16), 90_000);
    assert.ok(Math.abs(ntpOf(second) - ntpOf(first) - 1) < 0.001);
    assert.deepEqual(clock.settle(Buffer.from('no packet')), []);
    assert.deepEqual(clock.settle(Buffer.alloc(0)), []);
  });
});
