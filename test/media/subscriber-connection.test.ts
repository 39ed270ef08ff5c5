import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, mock, test } from 'node:test';
import type { Consumer, Producer, WebRtcTransport } from 'mediasoup/types';
import { SdpError } from '../../node-image/media/sdp/offer-reader';
import { SubscriberConnection } from '../../node-image/media/subscriber-connection';
import { until } from '../support/wait';
import { answerTo, description } from './support/descriptions';
import { log, TestMedia } from './support/media';
import { sectionLines } from './support/transport';

const ANSWER_TIMEOUT_MS = 200;

interface Offer {
  readonly sdp: string;
  readonly id: number;
  readonly tracks: Record<string, string>;
}

let media: TestMedia;
let source: WebRtcTransport;
let connection: SubscriberConnection;
let offers: Offer[];
let negotiated: string[];
let refused: string[];
const unanswered = mock.fn();
let nextSsrc = 1000;

before(async () => {
  media = await TestMedia.start();
  source = await media.worker.transports.create(media.router, 'publisher');
});
after(() => media.close());
beforeEach(async () => {
  await make(true);
});
afterEach(() => {
  connection.close();
  unanswered.mock.resetCalls();
});

async function make(reuseSections: boolean): Promise<void> {
  offers = [];
  negotiated = [];
  refused = [];
  connection = new SubscriberConnection({
    place: await media.place(),
    log,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    reuseSections,
    events: {
      offer: (sdp, id, tracks) => offers.push({ sdp, id, tracks }),
      negotiated: (trackSid) => negotiated.push(trackSid),
      refused: (trackSid) => refused.push(trackSid),
      unanswered,
    },
  });
}

function publish(kind: 'audio' | 'video'): Promise<Producer> {
  nextSsrc += 1;
  const codec =
    kind === 'audio'
      ? { mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 }
      : { mimeType: 'video/VP8', payloadType: 96, clockRate: 90000 };
  return source.produce({
    kind,
    rtpParameters: { codecs: [codec], encodings: [{ ssrc: nextSsrc }] },
  });
}

async function add(trackSid: string, kind: 'audio' | 'video' = 'video'): Promise<Consumer> {
  const producer = await publish(kind);
  return connection.add({ trackSid, streamId: `PA_a|${trackSid}`, producer });
}

async function offer(number: number): Promise<Offer> {
  const found = await until(`offer ${number}`, () => offers[number - 1], { timeoutMs: 1000 });
  assert.ok(found);
  return found;
}
const accept = async (number: number, without: string[] = []): Promise<void> =>
  connection.answer(answerTo((await offer(number)).sdp, without));
const quiet = () => new Promise((resolve) => setTimeout(resolve, 60));

describe('the first offer', () => {
  test('has all tracks there are when it starts, and none goes out before', async () => {
    await add('TR_1');
    await add('TR_2', 'audio');
    await quiet();
    assert.equal(offers.length, 0);
    connection.start();
    assert.deepEqual((await offer(1)).tracks, { 1: 'TR_1', 2: 'TR_2' });
  });

  test('goes out without tracks, as a primary connection begins with it', async () => {
    connection.start();
    assert.deepEqual((await offer(1)).tracks, {});
    connection.start();
    await quiet();
    assert.equal(offers.length, 1);
  });
});

describe('one offer at a time', () => {
  test('changes meanwhile make one more when the answer has come', async () => {
    connection.start();
    await offer(1);
    await add('TR_1');
    await add('TR_2');
    await quiet();
    assert.equal(offers.length, 1);
    await accept(1);
    assert.deepEqual((await offer(2)).tracks, { 1: 'TR_1', 2: 'TR_2' });
    await accept(2);
    await quiet();
    assert.equal(offers.length, 2);
    assert.deepEqual(negotiated, ['TR_1', 'TR_2']);
  });

  test('a track is understood only when an offer that names it is answered', async () => {
    connection.start();
    await offer(1);
    await add('TR_1');
    await accept(1);
    assert.deepEqual(negotiated, []);
    await accept(2);
    assert.deepEqual(negotiated, ['TR_1']);
  });

  test('versions count up', async () => {
    connection.start();
    await accept(1);
    await add('TR_1');
    const { id, sdp } = await offer(2);
    assert.equal(id, 2);
    assert.match(sdp, /^o=sluice 1 2 /m);
  });

  test('nobody is told of an offer that was answered in time', async () => {
    connection.start();
    await accept(1);
    await new Promise((resolve) => setTimeout(resolve, ANSWER_TIMEOUT_MS * 1.5));
    assert.equal(unanswered.mock.callCount(), 0);
  });

  test('one without an answer is told of, once', async () => {
    connection.start();
    await new Promise((resolve) => setTimeout(resolve, ANSWER_TIMEOUT_MS * 2.5));
    assert.equal(unanswered.mock.callCount(), 1);
  });

  test('an answer that nobody waits for is left alone', async () => {
    await connection.answer('nonsense');
  });

  test('an answer without a fingerprint is refused with a sentence', async () => {
    connection.start();
    await offer(1);
    const sdp = description({ mid: '0', kind: 'application' }).replace(/a=fingerprint.*\r\n/, '');
    await assert.rejects(connection.answer(sdp), SdpError);
  });
});

describe('a section', () => {
  test('that falls free goes to the next track of its kind', async () => {
    const first = await add('TR_1');
    await add('TR_2', 'audio');
    connection.start();
    await accept(1);
    first.close();
    assert.deepEqual((await offer(2)).tracks, { 2: 'TR_2' });
    assert.ok(sectionLines((await offer(2)).sdp, '1').includes('a=inactive'));
    await accept(2);
    await add('TR_3', 'audio');
    await add('TR_4');
    assert.deepEqual((await offer(3)).tracks, { 1: 'TR_4', 2: 'TR_2', 3: 'TR_3' });
  });

  test('goes to one of two tracks that come at the same time', async () => {
    const first = await add('TR_1');
    connection.start();
    await accept(1);
    first.close();
    await Promise.all([add('TR_2'), add('TR_3')]);
    const mids = Object.keys((await offer(2)).tracks);
    await accept(2);
    assert.deepEqual(mids.length === 2 ? mids : Object.keys((await offer(3)).tracks), ['1', '2']);
  });

  test('stays unused where the client cannot take another track on it', async () => {
    connection.close();
    await make(false);
    const first = await add('TR_1');
    connection.start();
    await accept(1);
    first.close();
    await accept(2);
    await add('TR_2');
    assert.deepEqual((await offer(3)).tracks, { 2: 'TR_2' });
  });

  test('that the client refuses is given up, and its track told of', async () => {
    const consumer = await add('TR_1');
    connection.start();
    await accept(1, ['1']);
    assert.deepEqual(refused, ['TR_1']);
    assert.equal(consumer.closed, true);
    await add('TR_2');
    const { sdp, tracks } = await offer(2);
    assert.deepEqual(tracks, { 2: 'TR_2' });
    assert.match(sectionLines(sdp, '1')[0] ?? '', /^m=video 0 /);
  });

  test('without a codec in the answer is refused as well', async () => {
    await add('TR_1');
    connection.start();
    const sdp = answerTo((await offer(1)).sdp).replace(/a=rtpmap:\d+ VP8.*\r\n/, '');
    await connection.answer(sdp);
    assert.deepEqual(refused, ['TR_1']);
  });
});

describe('an ICE restart', () => {
  const ufrag = ({ sdp }: Offer) => /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];

  test('offers other credentials at once, though an answer is due', async () => {
    await add('TR_1');
    connection.start();
    const first = await offer(1);
    await connection.restartIce();
    const second = await offer(2);
    assert.notEqual(ufrag(second), ufrag(first));
    assert.deepEqual(second.tracks, { 1: 'TR_1' });
    await accept(2);
    assert.deepEqual(negotiated, ['TR_1']);
  });
});

test('a track whose publisher ends it while it is added comes to nothing', async () => {
  const producer = await publish('video');
  const adding = connection.add({ trackSid: 'TR_1', streamId: 's', producer });
  producer.close();
  await assert.rejects(adding).catch(async () => {
    // The worker may have been faster: then the consumer ends with its producer.
    const consumer = await adding;
    await until('the consumer to end', () => consumer.closed, { timeoutMs: 1000 });
  });
  connection.start();
  await quiet();
  assert.deepEqual(Object.keys(offers.at(-1)?.tracks ?? {}), []);
});

test('after close nothing is offered', async () => {
  connection.start();
  await accept(1);
  await add('TR_1');
  connection.close();
  connection.close();
  await quiet();
  assert.equal(offers.length, 1);
  assert.equal(unanswered.mock.callCount(), 0);
});

test('lines of a section name what the client needs', async () => {
  await add('TR_1');
  connection.start();
  const lines = sectionLines((await offer(1)).sdp, '1');
  assert.ok(lines.includes('a=msid:PA_a|TR_1 TR_1'));
});
