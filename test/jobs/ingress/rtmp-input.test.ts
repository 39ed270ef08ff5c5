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
import { extendedTag, plainTag } from '../../../node-image/jobs/ingress/rtmp/extended';
import { type FlvTag, flvTag, TAG } from '../../../node-image/jobs/ingress/rtmp/flv';
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
    for (const [type, body, what] of [
      [TAG.video, Buffer.from([0x90, 1]), /a codec that is not known by enhanced/],
      [TAG.video, Buffer.from([0x91, ...Buffer.from('vvc1')]), /the codec vvc1/],
      [TAG.video, Buffer.from([0x96, ...Buffer.from('hvc1')]), /several tracks/],
      [TAG.audio, Buffer.from([0x90, ...Buffer.from('fLaC')]), /the codec fLaC/],
      [TAG.audio, Buffer.from([0x90, ...Buffer.from('av01')]), /the codec av01/],
    ] as const) {
      const { unreadable } = new TagGauge().take({ type, timestamp: 0, body }) ?? {};
      assert.match(unreadable ?? '', what);
      assert.match(unreadable ?? '', /set it to H264, HEVC, AV1 or VP9, and AAC or Opus$/);
    }
    const tag = flvTag({ type: 9, timestamp: 0x1234_5678, body: Buffer.from('abc') });
    assert.deepEqual([...tag.subarray(4, 8)], [0x34, 0x56, 0x78, 0x12]);
    assert.equal(tag.readUInt32BE(tag.length - 4), tag.length - 4);
  });

  it('is put into the plain form of RTMP where there is one, and else told apart', () => {
    const of = (type: number, first: number, codec: string, ...rest: number[]) => ({
      ...{ type, timestamp: 5 },
      body: Buffer.from([first, ...Buffer.from(codec), ...rest]),
    });
    const plain = (tag: FlvTag): number[] => [...plainTag(tag).body];
    const { video, audio } = TAG;
    assert.deepEqual(plain(of(video, 0x90, 'avc1', 1, 2)), [0x17, 0, 0, 0, 0, 1, 2]);
    assert.deepEqual(plain(of(video, 0xa1, 'avc1', 0, 0, 80, 9)), [0x27, 1, 0, 0, 80, 9]);
    assert.deepEqual(plain(of(video, 0xa3, 'avc1', 9)), [0x27, 1, 0, 0, 0, 9]);
    assert.deepEqual(plain(of(audio, 0x90, 'mp4a', 0x12, 0x10)), [0xaf, 0, 0x12, 0x10]);
    assert.deepEqual(plain(of(audio, 0x91, 'mp4a', 7)), [0xaf, 1, 7]);
    const other = of(video, 0x91, 'hvc1', 0xff, 0xff, 0xd8, 9);
    assert.equal(plainTag(other), other);
    const { isKey, offsetMs, data } = extendedTag(other) ?? {};
    assert.deepEqual([isKey, offsetMs, [...(data ?? [])]], [true, -40, [9]]);

    const gauge = new TagGauge();
    gauge.take(of(video, 0x90, 'hvc1', 1, 2, 3));
    gauge.take(other);
    gauge.take({ type: audio, timestamp: 5, body: Buffer.from([0xaf, 0, 0x11, 0x90]) });
    const { isExtended, copies, videoCodec, audioCodec, video: has } = gauge.known();
    assert.deepEqual([isExtended, copies, has], [true, false, true]);
    assert.deepEqual([...(videoCodec?.header ?? [])], [1, 2, 3]);
    assert.deepEqual({ ...audioCodec?.aac }, { sampleRate: 48_000, channels: 2 });
    // What FLV alone has a place for goes with no such codec.
    const mp3 = gauge.take({ type: audio, timestamp: 5, body: Buffer.from([0x2f, 1, 2]) });
    assert.match(mp3?.unreadable ?? '', /MP3 beside a codec of enhanced RTMP/);
  });
});
