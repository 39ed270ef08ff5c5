import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulcastCodecInfo } from '@livekit/protocol';
import { FakeProducer, fakeTrack } from './fakes';

describe('a published track', () => {
  test('mutes all that it is sent in, and what comes while it is muted', async () => {
    const track = fakeTrack('TR_1', ['video/VP9', 'video/VP8']);
    const [vp9, vp8] = [new FakeProducer('vp9'), new FakeProducer('vp8')];
    await track.addProducer('video/VP9', vp9.producer);
    await track.setMuted(true);
    await track.addProducer('video/VP8', vp8.producer);
    assert.deepEqual([vp9.paused, vp8.paused, track.info.muted], [true, true, true]);
    await track.setMuted(false);
    assert.deepEqual([vp9.paused, vp8.paused, track.info.muted], [false, false, false]);
  });

  test('names the codecs it is sent in by the choice of its publisher', async () => {
    const track = fakeTrack('TR_1', ['video/VP9', 'video/VP8']);
    await track.addProducer('video/VP8', new FakeProducer('vp8').producer);
    await track.addProducer('video/VP9', new FakeProducer('vp9').producer);
    assert.deepEqual(track.mimeTypes, ['video/VP9', 'video/VP8']);
  });

  test('is known by the ids of all its codecs', () => {
    const track = fakeTrack('TR_1', [], {
      codecs: [
        new SimulcastCodecInfo({ cid: 'one', sdpCid: 'other' }),
        new SimulcastCodecInfo({ cid: 'two' }),
      ],
    });
    const known = ['cid-TR_1', 'one', 'other', 'two', 'three'].filter((id) => track.ownsCid(id));
    assert.deepEqual(known, ['cid-TR_1', 'one', 'other', 'two']);
  });

  test('ends a stream that another of the same codec replaces', async () => {
    const track = fakeTrack('TR_1');
    const [before, after] = [new FakeProducer('1'), new FakeProducer('2')];
    await track.addProducer('video/VP8', before.producer);
    await track.addProducer('video/VP8', after.producer);
    assert.deepEqual([before.closed, after.closed], [true, false]);
    assert.equal(track.removeProducer(before.producer), false);
    assert.equal(track.removeProducer(after.producer), true);
    assert.equal(track.producers.size, 0);
  });

  test('gives others a copy that later changes do not touch', async () => {
    const track = fakeTrack('TR_1');
    const copy = track.snapshot();
    await track.setMuted(true);
    assert.equal(copy.muted, false);
  });

  test('ends with all that it is sent in', async () => {
    const track = fakeTrack('TR_1');
    const producer = new FakeProducer('1');
    await track.addProducer('video/VP8', producer.producer);
    track.close();
    assert.deepEqual([producer.closed, track.producers.size], [true, 0]);
  });
});
