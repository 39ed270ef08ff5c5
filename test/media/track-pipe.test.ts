import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { DirectTransport, Producer, Router } from 'mediasoup/types';
import { PUBLISH_EXTENSIONS } from '../../node-image/media/codecs';
import { TrackPipe } from '../../node-image/media/track-pipe';
import type { WorkerPool } from '../../node-image/media/worker-pool';
import { until } from '../support/wait';
import { startPool } from './support/media';

const OPUS = { mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 };
let pool: WorkerPool;
let home: Router;
let far: Router;
let source: DirectTransport;
let pipe: TrackPipe;
/** What comes in at the far end. */
let arriving: Producer[];
let nextSsrc = 5000;

before(async () => {
  pool = await startPool(2);
});
after(() => pool.close());
beforeEach(async () => {
  const [one, other] = pool.workers;
  assert.ok(one && other);
  home = await one.createRouter();
  far = await other.createRouter();
  source = await home.createDirectTransport();
  arriving = [];
  far.observer.on('newtransport', ({ observer }) =>
    observer.on('newproducer', (producer) => arriving.push(producer)),
  );
  pipe = await TrackPipe.open(home, far);
});

function publish(layers = 0): Promise<Producer> {
  nextSsrc += 1;
  return layers === 0
    ? source.produce({
        kind: 'audio',
        rtpParameters: { codecs: [OPUS], encodings: [{ ssrc: nextSsrc }] },
      })
    : source.produce({
        kind: 'video',
        rtpParameters: {
          codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90000 }],
          encodings: Array.from({ length: layers }, (_, i) => ({
            ssrc: nextSsrc * 10 + i,
            scalabilityMode: 'L1T3',
          })),
        },
      });
}

/** An RTP packet without extensions. Source: RFC 3550 section 5.1. */
function packet(ssrc: number, sequence: number): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(0x80, 0);
  header.writeUInt8(OPUS.payloadType, 1);
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(sequence * 960, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, Buffer.from(`sound ${sequence}`)]);
}

const canConsume = (producer: Producer): boolean =>
  far.canConsume({ producerId: producer.id, rtpCapabilities: far.rtpCapabilities });

describe('a track that is brought to another worker', () => {
  test('arrives there packet by packet, under its own id', async () => {
    const producer = await publish();
    await pipe.bring(producer);
    const sink = await far.createDirectTransport();
    const consumer = await sink.consume({
      producerId: producer.id,
      rtpCapabilities: far.rtpCapabilities,
    });
    const got: string[] = [];
    consumer.on('rtp', (rtp) => got.push(rtp.subarray(rtp.length - 7).toString()));
    for (let i = 1; i <= 9; i++) producer.send(packet(nextSsrc, i));
    await until('nine packets', () => got.length === 9);
    assert.deepEqual(
      got,
      Array.from({ length: 9 }, (_, i) => `sound ${i + 1}`),
    );
  });

  test('is brought once however many need it, and goes with the last of them', async () => {
    const producer = await publish();
    const leases = await Promise.all([1, 2, 3].map(() => pipe.bring(producer)));
    const [sent] = (await home.dump()).mapProducerIdConsumerIds;
    assert.equal(sent?.values.length, 1);
    leases[0]?.release();
    leases[0]?.release();
    leases[1]?.release();
    assert.equal(canConsume(producer), true);
    leases[2]?.release();
    assert.equal(canConsume(producer), false);
    const again = await pipe.bring(producer);
    assert.equal(canConsume(producer), true);
    again.release();
  });

  test('keeps the layers of a simulcast', async () => {
    const producer = await publish(3);
    await pipe.bring(producer);
    const sink = await far.createDirectTransport();
    const consumer = await sink.consume({
      producerId: producer.id,
      rtpCapabilities: far.rtpCapabilities,
    });
    assert.equal(consumer.type, 'simulcast');
    assert.equal(consumer.rtpParameters.encodings?.[0]?.scalabilityMode, 'L3T3');
  });

  test('negotiates no header extension that no publisher sends', async () => {
    const producer = await publish(3);
    await pipe.bring(producer);
    const [arrived] = arriving;
    const uris = (arrived?.rtpParameters.headerExtensions ?? []).map(({ uri }) => uri);
    assert.ok(uris.length > 0);
    // Those that belong to one connection are left out too.
    assert.deepEqual(
      uris.filter((uri) => !PUBLISH_EXTENSIONS.has(uri)),
      [],
    );
  });

  test('is muted and goes on with the one that it is of', async () => {
    const producer = await publish();
    await producer.pause();
    await pipe.bring(producer);
    const sink = await far.createDirectTransport();
    const consumer = await sink.consume({
      producerId: producer.id,
      rtpCapabilities: far.rtpCapabilities,
    });
    assert.equal(consumer.producerPaused, true);
    await producer.resume();
    await until('it to go on', () => !consumer.producerPaused);
    await producer.pause();
    await until('it to be muted', () => consumer.producerPaused);
  });

  test('ends with it', async () => {
    const producer = await publish();
    await pipe.bring(producer);
    const sink = await far.createDirectTransport();
    const consumer = await sink.consume({
      producerId: producer.id,
      rtpCapabilities: far.rtpCapabilities,
    });
    producer.close();
    await until('its end', () => consumer.closed);
    await assert.rejects(pipe.bring(producer));
  });
});

test('a pipe that is closed takes along both of its ends', async () => {
  const producer = await publish();
  await pipe.bring(producer);
  pipe.close();
  assert.equal(canConsume(producer), false);
  assert.deepEqual((await far.dump()).transportIds, []);
});

test('a Router that closes takes along the end of the pipe at home', async () => {
  far.close();
  await until('only the source', async () => (await home.dump()).transportIds.length === 1);
});
