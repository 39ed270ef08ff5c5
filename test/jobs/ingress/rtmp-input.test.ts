import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AmfError, readAmf, writeAmf } from '../../../node-image/jobs/ingress/rtmp/amf0';
import {
  ChunkReader,
  RtmpError,
  type RtmpMessage,
  writeMessage,
} from '../../../node-image/jobs/ingress/rtmp/chunk-reader';
import { flvTag, TAG } from '../../../node-image/jobs/ingress/rtmp/flv';
import { TagGauge } from '../../../node-image/jobs/ingress/rtmp/tag-gauge';

describe('what comes by RTMP', () => {
  it('is put together from chunks, wherever the network cuts them', () => {
    const messages = fc.array(
      fc.record({
        type: fc.constantFrom(8, 9, 18, 20),
        streamId: fc.nat({ max: 3 }),
        timestamp: fc.nat({ max: 0xfffffe }),
        body: fc.uint8Array({ minLength: 1, maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 300 }), (sent, cut) => {
        const all = Buffer.concat(sent.map((one, i) => writeMessage(3 + (i % 4), one, 128)));
        const reader = new ChunkReader();
        const read: RtmpMessage[] = [];
        for (let at = 0; at < all.length; at += cut) {
          read.push(...reader.read(all.subarray(at, at + cut)));
        }
        assert.deepEqual(
          read,
          sent.map((one) => ({ ...one })),
        );
      }),
    );
  });

  it('ends no process, whatever it is, and costs no more than it is allowed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
        const reader = new ChunkReader();
        reader.maxMessageBytes = 4096;
        try {
          for (const { body } of reader.read(Buffer.from(bytes))) {
            assert.ok(body.length <= 4096);
            readAmf(body);
          }
        } catch (error) {
          assert.ok(error instanceof RtmpError || error instanceof AmfError, String(error));
        }
        const gauge = new TagGauge();
        for (const type of [TAG.video, TAG.audio, TAG.data]) {
          gauge.take({ type, timestamp: 0, body: Buffer.from(bytes) });
        }
        gauge.known();
      }),
      { numRuns: 500 },
    );
  });

  it('says commands as it was told them', () => {
    const values = ['connect', 1, { app: 'live', tcUrl: 'rtmp://x/live', fpad: false }, null];
    assert.deepEqual(readAmf(writeAmf(...values)), values);
    const deep = Buffer.concat(Array.from({ length: 20 }, () => Buffer.from([3, 0, 1, 0x61])));
    assert.throws(() => readAmf(deep), AmfError);
    const many = Buffer.alloc(5000, 0x05);
    assert.throws(() => readAmf(many), AmfError);
  });

  it('goes on as it is only where no picture is shown later than it is decoded', () => {
    const picture = (offsetMs: number, codec = 7): Buffer =>
      Buffer.from([0x20 | codec, 1, 0, 0, offsetMs, 0, 0, 0, 1]);
    const known = (...bodies: Buffer[]) => {
      const gauge = new TagGauge();
      bodies.forEach((body, i) => {
        gauge.take({ type: TAG.video, timestamp: i * 40, body });
      });
      return gauge.known();
    };
    assert.equal(known(picture(0), picture(0)).copies, true);
    assert.match(known(picture(0), picture(80)).why ?? '', /B-frames/);
    assert.match(known(picture(0, 2)).why ?? '', /not H264/);
    for (const [body, codec] of [
      [Buffer.from([0x90, ...Buffer.from('hvc1')]), /HEVC/],
      [Buffer.from([0x91, ...Buffer.from('av01')]), /AV1/],
      [Buffer.from([0x90, 1]), /not known/],
    ] as const) {
      const gauge = new TagGauge();
      const { unreadable } = gauge.take({ type: TAG.video, timestamp: 0, body }) ?? {};
      assert.match(unreadable ?? '', codec);
      assert.match(unreadable ?? '', /set it to H264 and AAC$/);
    }
    const opus = Buffer.from([0x90, ...Buffer.from('Opus')]);
    const sound = new TagGauge().take({ type: TAG.audio, timestamp: 0, body: opus });
    assert.match(sound?.unreadable ?? '', /Opus/);
    const tag = flvTag({ type: 9, timestamp: 0x1234_5678, body: Buffer.from('abc') });
    assert.deepEqual([...tag.subarray(4, 8)], [0x34, 0x56, 0x78, 0x12]);
    assert.equal(tag.readUInt32BE(tag.length - 4), tag.length - 4);
  });
});
