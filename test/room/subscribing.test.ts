import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { SubscriptionError, UpdateTrackSettings, VideoQuality } from '@livekit/protocol';
import type { Consumer, Producer } from 'mediasoup/types';
import { pino } from 'pino';
import type {
  OutgoingTrack,
  SubscriberConnection,
} from '../../node-image/media/subscriber-connection';
import type { Participant } from '../../node-image/room/participant';
import type { PublishedTrack } from '../../node-image/room/published-track';
import type { SignalMessage } from '../../node-image/room/signal-sink';
import {
  type AvailableTrack,
  Subscribing,
  type SubscribingOptions,
} from '../../node-image/room/subscribing';
import { FakeConsumer, FakeProducer, fakeParticipant, fakeTrack, settled } from './fakes';

let publisher: Participant;
let allowed: boolean;
let permitted: boolean;
let added: OutgoingTrack[];
let consumers: FakeConsumer[];
let changes: string[];
let messages: SignalMessage[];
/** How the next tracks are added; undefined adds them at once. */
let adding: (() => Promise<void>) | undefined;

beforeEach(() => {
  publisher = fakeParticipant('ann').participant;
  allowed = true;
  permitted = true;
  added = [];
  consumers = [];
  changes = [];
  messages = [];
  adding = undefined;
});

const connection = {
  add: async (track: OutgoingTrack): Promise<Consumer> => {
    added.push(track);
    await adding?.();
    const fake = new FakeConsumer('simple');
    consumers.push(fake);
    return fake.consumer;
  },
} as unknown as SubscriberConnection;

async function subscriber(
  options: Partial<SubscribingOptions> = {},
  available: AvailableTrack[] = [],
): Promise<Subscribing> {
  const subscribing = new Subscribing({
    log: pino({ level: 'silent' }),
    autoSubscribe: true,
    adaptiveStream: false,
    syncStreams: false,
    limits: { video: 0, audio: 0 },
    allowed: () => allowed,
    permittedBy: () => permitted,
    isPublished: ({ track }) => track.producers.size > 0,
    connection: async () => connection,
    send: (message) => messages.push(message),
    onChanged: ({ track }, subscribed) => changes.push(`${subscribed ? '+' : '-'}${track.sid}`),
    ...options,
  });
  await subscribing.start(available);
  return subscribing;
}

/** A track whose first codecs are on their way, as many as are named. */
async function track(sid: string, codecs = ['video/VP8'], sent = 1): Promise<AvailableTrack> {
  const one: PublishedTrack = fakeTrack(sid, codecs);
  for (const mimeType of codecs.slice(0, sent)) {
    await one.addProducer(mimeType, new FakeProducer(`${sid} ${mimeType}`).producer);
  }
  return { publisher, track: one };
}

describe('a participant that wants everything', () => {
  test('gets what there is when it starts, and what comes later', async () => {
    const subscribing = await subscriber({}, [await track('TR_1')]);
    subscribing.reconcile(await track('TR_2'));
    await settled();
    assert.deepEqual(
      added.map((one) => one.trackSid),
      ['TR_1', 'TR_2'],
    );
    assert.deepEqual(changes, ['+TR_1', '+TR_2']);
    assert.ok(subscribing.receivesFrom(publisher.sid));
  });

  test('gets nothing twice', async () => {
    const one = await track('TR_1');
    const subscribing = await subscriber({}, [one]);
    subscribing.reconcile(one);
    assert.equal(added.length, 1);
  });

  test('gets nothing of what it does not want, until it does', async () => {
    const one = await track('TR_1');
    const subscribing = await subscriber({}, [one]);
    subscribing.choose('TR_1', false);
    subscribing.reconcile(one);
    assert.deepEqual(changes, ['+TR_1', '-TR_1']);
    assert.equal(consumers[0]?.closed, true);
    assert.equal(subscribing.receivesFrom(publisher.sid), false);
    subscribing.choose('TR_1', true);
    subscribing.reconcile(one);
    assert.deepEqual(changes, ['+TR_1', '-TR_1', '+TR_1']);
  });

  test('is named streams by the track, or by what plays in step', async () => {
    await subscriber({}, [await track('TR_1')]);
    const camera = await track('TR_2');
    camera.track.info.stream = 'camera';
    await subscriber({ syncStreams: true }, [camera]);
    assert.deepEqual(
      added.map((one) => one.streamId),
      [`${publisher.sid}|TR_1`, `${publisher.sid}|camera`],
    );
  });
});

describe('a participant that chooses', () => {
  test('gets nothing but what it has chosen, though it chose before the track came', async () => {
    const subscribing = await subscriber({ autoSubscribe: false }, [await track('TR_1')]);
    subscribing.choose('TR_2', true);
    subscribing.reconcile(await track('TR_2'));
    assert.deepEqual(changes, ['+TR_2']);
  });
});

describe('a participant that may not subscribe', () => {
  test('gets nothing, until it may', async () => {
    allowed = false;
    const one = await track('TR_1');
    const subscribing = await subscriber({}, [one]);
    assert.deepEqual(changes, []);
    allowed = true;
    subscribing.reconcile(one);
    assert.deepEqual(changes, ['+TR_1']);
    allowed = false;
    subscribing.reconcile(one);
    assert.deepEqual(changes, ['+TR_1', '-TR_1']);
  });
});

describe('a track that its publisher withholds', () => {
  const told = () =>
    messages
      .filter((message) => message.case === 'subscriptionPermissionUpdate')
      .map(({ value }) => 'allowed' in value && value.allowed);

  test('does not come, and the client is told so, once', async () => {
    permitted = false;
    const one = await track('TR_1');
    const subscribing = await subscriber({}, [one]);
    subscribing.reconcile(one);
    assert.deepEqual([changes, told()], [[], [false]]);
    permitted = true;
    subscribing.reconcile(one);
    assert.deepEqual([changes, told()], [['+TR_1'], [false, true]]);
  });

  test('is not told of where it was not wanted', async () => {
    permitted = false;
    await subscriber({ autoSubscribe: false }, [await track('TR_1')]);
    assert.deepEqual(told(), []);
  });
});

describe('as many tracks as one may have', () => {
  test('come, of each kind, and the rest waits for a place', async () => {
    const limits = { video: 1, audio: 1 };
    const [one, two] = [await track('TR_1'), await track('TR_2')];
    const sound = await track('TR_3', ['audio/opus']);
    const subscribing = await subscriber({ limits }, [one, two, sound]);
    assert.deepEqual(changes, ['+TR_1', '+TR_3']);
    subscribing.forget(one);
    subscribing.reconcile(two);
    assert.deepEqual(changes.slice(2), ['-TR_1', '+TR_2']);
  });
});

describe('settings', () => {
  test('said before a track comes are kept for it', async () => {
    const subscribing = await subscriber();
    const request = new UpdateTrackSettings({ quality: VideoQuality.LOW });
    await subscribing.updateSettings(request, 'TR_1');
    subscribing.reconcile(await track('TR_1'));
    assert.equal(subscribing.subscriptions.get('TR_1')?.quality, VideoQuality.LOW);
  });

  test('start at the highest quality, and at the lowest for clients that will say', async () => {
    const plain = await subscriber({}, [await track('TR_1')]);
    const adaptive = await subscriber({ adaptiveStream: true }, [await track('TR_1')]);
    assert.equal(plain.subscriptions.get('TR_1')?.quality, VideoQuality.HIGH);
    assert.equal(adaptive.subscriptions.get('TR_1')?.quality, VideoQuality.LOW);
  });

  test('of a resumed client say what it has switched off', async () => {
    const subscribing = await subscriber({}, [await track('TR_1')]);
    await subscribing.setDisabled('TR_1');
    assert.equal(subscribing.subscriptions.get('TR_1')?.quality, VideoQuality.OFF);
  });
});

describe('a codec that the client cannot take', () => {
  test('is replaced by another that is sent', async () => {
    const one = await track('TR_1', ['video/VP9', 'video/VP8'], 2);
    const subscribing = await subscriber({}, [one]);
    subscribing.refused(one);
    await settled();
    assert.deepEqual(
      added.map(({ producer }) => producer.id),
      ['TR_1 video/VP9', 'TR_1 video/VP8'],
    );
    assert.equal(subscribing.subscriptions.get('TR_1')?.mimeType, 'video/VP8');
  });

  test('is replaced by another that is yet to be sent, when it comes', async () => {
    const one = await track('TR_1', ['video/VP9', 'video/VP8']);
    const subscribing = await subscriber({}, [one]);
    subscribing.refused(one);
    await settled();
    assert.equal(subscribing.subscriptions.get('TR_1')?.mimeType, 'video/VP8');
    assert.equal(added.length, 1);
    await one.track.addProducer('video/VP8', new FakeProducer('late').producer);
    subscribing.reconcile(one);
    await settled();
    assert.equal(added[1]?.producer.id, 'late');
    assert.equal(changes.filter((change) => change === '+TR_1').length, 2, 'once each time');
  });

  test('without another is told of', async () => {
    const one = await track('TR_1');
    const subscribing = await subscriber({}, [one]);
    subscribing.refused(one);
    const answer = messages.find((message) => message.case === 'subscriptionResponse');
    assert.equal(answer?.value.err, SubscriptionError.SE_CODEC_UNSUPPORTED);
    assert.equal(subscribing.subscriptions.size, 0);
  });

  test('is offered in no later track either', async () => {
    const one = await track('TR_1', ['video/VP9', 'video/VP8'], 2);
    const subscribing = await subscriber({}, [one]);
    subscribing.refused(one);
    subscribing.reconcile(await track('TR_2', ['video/VP9', 'video/VP8'], 2));
    assert.equal(subscribing.subscriptions.get('TR_2')?.mimeType, 'video/VP8');
  });
});

describe('what happens while a track is added', () => {
  let go: () => void;
  beforeEach(() => {
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    adding = () => waiting;
  });

  test('its end leaves nothing behind', async () => {
    const subscribing = await subscriber();
    const one = await track('TR_1');
    subscribing.reconcile(one);
    subscribing.forget(one);
    go();
    await settled();
    assert.equal(consumers[0]?.closed, true);
    assert.deepEqual(changes, ['+TR_1', '-TR_1']);
  });

  test("the subscriber's leaving leaves nothing behind", async () => {
    const subscribing = await subscriber();
    subscribing.reconcile(await track('TR_1'));
    subscribing.close();
    go();
    await settled();
    assert.equal(consumers[0]?.closed, true);
  });

  test('the start waits for it, so that one offer brings all', async () => {
    let started = false;
    const starting = subscriber({}, [await track('TR_1')]).then(() => {
      started = true;
    });
    await settled();
    assert.equal(started, false);
    go();
    await starting;
  });
});

describe('a track that cannot be added', () => {
  test('is given up after one try, and told of as ended', async () => {
    let tries = 0;
    adding = async () => {
      tries += 1;
      // Should it be tried without end, this test must come to one.
      if (tries > 100) await new Promise(() => {});
      throw new Error('no such producer');
    };
    const subscribing = await subscriber({}, []);
    subscribing.reconcile(await track('TR_1'));
    await settled();
    assert.equal(tries, 1);
    assert.deepEqual(changes, ['+TR_1', '-TR_1']);
    assert.equal(subscribing.receivesFrom(publisher.sid), false);
  });

  test('because its publisher has just ended it is not tried again', async () => {
    const one = await track('TR_1');
    const producer = one.track.producers.get('video/VP8') as unknown as FakeProducer;
    let tries = 0;
    adding = async () => {
      tries += 1;
      producer.closed = true;
      if (tries > 100) await new Promise(() => {});
      throw new Error('no such producer');
    };
    await subscriber({}, [one]);
    await settled();
    assert.equal(tries, 1);
  });
});

test('a codec that ends is replaced by the other one of its track', async () => {
  const one = await track('TR_1', ['video/VP9', 'video/VP8'], 2);
  const subscribing = await subscriber({}, [one]);
  const [ended] = [...one.track.producers.values()] as Producer[];
  assert.ok(ended);
  ended.close();
  one.track.removeProducer(ended);
  consumers[0]?.emit('producerclose');
  await settled();
  assert.equal(subscribing.subscriptions.get('TR_1')?.mimeType, 'video/VP8');
  assert.equal(added[1]?.producer.id, 'TR_1 video/VP8');
});

test('what a client says of tracks that never come is not kept without end', async () => {
  const subscribing = await subscriber();
  for (let i = 0; i < 20_010; i++) subscribing.choose(`TR_${i}`, false);
  const [early, late] = [await track('TR_0'), await track('TR_20009')];
  subscribing.reconcile(early);
  subscribing.reconcile(late);
  assert.deepEqual(changes, ['+TR_0']);
});
