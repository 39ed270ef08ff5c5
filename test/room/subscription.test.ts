import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StreamState, VideoQuality } from '@livekit/protocol';
import { DEFAULT_SETTINGS } from '../../node-image/room/quality-layers';
import { Subscription } from '../../node-image/room/subscription';
import { FakeConsumer, fakeTrack, settled } from './fakes';

const off = { ...DEFAULT_SETTINGS, disabled: true };
const low = { ...DEFAULT_SETTINGS, quality: VideoQuality.LOW };

function subscribe(fake: FakeConsumer, states: StreamState[] = []): Subscription {
  const subscription = new Subscription(
    fakeTrack('TR_1'),
    'PA_a',
    'video/VP8',
    DEFAULT_SETTINGS,
    (state) => states.push(state),
  );
  subscription.attach(fake.consumer);
  return subscription;
}

describe('a track that goes to a subscriber', () => {
  test('waits until the client understands it', async () => {
    const fake = new FakeConsumer();
    const subscription = subscribe(fake);
    await subscription.apply(low);
    assert.deepEqual(fake.calls, []);
    await subscription.negotiated(fake.consumer);
    assert.deepEqual(fake.calls, ['layers 0.2', 'resume']);
  });

  test('is started once, however many answers name it', async () => {
    const fake = new FakeConsumer('simple');
    const subscription = subscribe(fake);
    await subscription.negotiated(fake.consumer);
    await subscription.negotiated(fake.consumer);
    assert.deepEqual(fake.calls, ['resume']);
  });

  test('is not started by an answer to the stream before it', async () => {
    const fake = new FakeConsumer();
    await subscribe(fake).negotiated(new FakeConsumer().consumer);
    assert.deepEqual(fake.calls, []);
  });

  test('is left out while it is switched off, and comes back', async () => {
    const fake = new FakeConsumer('simple');
    const subscription = subscribe(fake);
    await subscription.apply(off);
    await subscription.negotiated(fake.consumer);
    assert.equal(fake.paused, true);
    await subscription.apply(DEFAULT_SETTINGS);
    assert.equal(fake.paused, false);
  });

  test('stays off where it is switched off while it starts', async () => {
    const fake = new FakeConsumer('simulcast', true);
    const subscription = subscribe(fake);
    const starting = subscription.negotiated(fake.consumer);
    await subscription.apply(off);
    fake.answer();
    await starting;
    assert.equal(fake.paused, true);
  });

  test('has the layers asked for last, in whichever order the worker answers', async () => {
    const fake = new FakeConsumer('simulcast', true);
    const subscription = subscribe(fake);
    const starting = subscription.negotiated(fake.consumer);
    const changing = subscription.apply(low);
    fake.answer();
    await Promise.all([starting, changing]);
    assert.equal(fake.calls.filter((call) => call.startsWith('layers')).at(-1), 'layers 0.2');
    assert.equal(fake.paused, false);
  });

  test('that ended while its consumer was made leaves no consumer', () => {
    const subscription = new Subscription(fakeTrack('TR_1'), 'PA_a', 'video/VP8');
    subscription.close();
    const fake = new FakeConsumer();
    assert.equal(subscription.attach(fake.consumer), false);
    assert.equal(fake.closed, true);
  });

  test('needs of its publisher what its settings say', async () => {
    const subscription = subscribe(new FakeConsumer());
    assert.equal(subscription.quality, VideoQuality.HIGH);
    await subscription.apply(off);
    assert.equal(subscription.quality, VideoQuality.OFF);
  });
});

describe('the state of the stream', () => {
  test('is told when the way is too narrow for any layer, and when it is wide again', async () => {
    const states: StreamState[] = [];
    const fake = new FakeConsumer();
    await subscribe(fake, states).negotiated(fake.consumer);
    fake.emit('layerschange');
    fake.emit('layerschange');
    fake.currentLayers = { spatialLayer: 0 };
    fake.emit('layerschange');
    await settled();
    assert.deepEqual(states, [StreamState.PAUSED, StreamState.ACTIVE]);
  });

  test('is not told where the publisher sends nothing', async () => {
    const states: StreamState[] = [];
    const fake = new FakeConsumer();
    await subscribe(fake, states).negotiated(fake.consumer);
    fake.score = { ...fake.score, producerScores: [0, 0] };
    fake.emit('layerschange');
    fake.producerPaused = true;
    fake.emit('layerschange');
    assert.deepEqual(states, []);
  });
});
