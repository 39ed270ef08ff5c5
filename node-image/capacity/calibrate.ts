/** What forwarding a packet costs on this machine: real workers, for some seconds. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import * as mediasoup from 'mediasoup';
import type { Consumer, Producer, Worker } from 'mediasoup/types';

/** What a machine was measured to need. */
export interface MachineCost {
  readonly processor: string;
  readonly cores: number;
  /** CPU of a worker, microseconds for each packet that it encrypts and sends. */
  readonly microsecondsPerPacket: number;
}

export interface CalibrateOptions {
  /** How long it is measured. @default 5 */
  readonly seconds?: number;
  /** Workers, each with the same load. @default - one a core, as a node has */
  readonly workers?: number;
}

const VIDEO = {
  kind: 'video',
  mimeType: 'video/VP8',
  clockRate: 90_000,
  preferredPayloadType: 100,
} as const;
const LOOPBACK = '127.0.0.1';
const CONSUMERS = 25;
/** Packets of a burst, and between two bursts, ms: a picture of 720p and its pace. */
const BURST = 5;
const BURST_EVERY_MS = 10;
const PACKET_BYTES = 1_000;
/** Before it is measured, so that memory and caches are what they are under load. */
const WARM_UP_MS = 1_000;

/**
 * Has one worker a core forward a stream to 25 receivers on this machine, encrypted as for them, and
 * counts the CPU of the workers. All at once, as two cores of a machine are often halves of one.
 *
 * @throws Error when mediasoup's worker does not start
 */
export async function calibrate(options: CalibrateOptions = {}): Promise<MachineCost> {
  const { seconds = 5, workers: count = availableParallelism() } = options;
  const sink = await openSink();
  const workers: Worker[] = [];
  try {
    const senders: Sender[] = [];
    for (let i = 0; i < count; i++) {
      const worker = await mediasoup.createWorker({ logLevel: 'none' });
      workers.push(worker);
      senders.push(await Sender.on(worker, (sink.address() as AddressInfo).port));
    }
    await run(senders, WARM_UP_MS);
    const before = await cpuOf(workers);
    const sentBefore = await sentBy(senders);
    await run(senders, seconds * 1_000);
    // What was sent last is on its way.
    await sleep(200);
    const microseconds = ((await cpuOf(workers)) - before) * 1_000;
    const packets = (await sentBy(senders)) - sentBefore;
    if (packets === 0) throw new Error('the workers of mediasoup have forwarded no packet');
    return {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      microsecondsPerPacket: microseconds / packets,
    };
  } finally {
    for (const worker of workers) worker.close();
    sink.close();
  }
}

/** Takes what is sent, and looks at none of it. */
async function openSink(): Promise<Socket> {
  const sink = createSocket('udp4');
  sink.bind(0, LOOPBACK);
  await once(sink, 'listening');
  return sink;
}

/** A worker with a stream and its receivers. */
class Sender {
  readonly #packet = Buffer.alloc(PACKET_BYTES, 0x5a);
  readonly #producer: Producer;
  readonly #consumers: readonly Consumer[];
  #count = 0;

  private constructor(producer: Producer, consumers: readonly Consumer[]) {
    this.#producer = producer;
    this.#consumers = consumers;
    // Source: RFC 3550 section 5.1: version 2, then the payload type, and the SSRC.
    this.#packet[0] = 0x80;
    this.#packet[1] = VIDEO.preferredPayloadType;
    this.#packet.writeUInt32BE(1, 8);
    // Source: RFC 7741: begins a key frame, without which a consumer waits.
    this.#packet[12] = 0x10;
    this.#packet.fill(0, 13, 16);
  }

  static async on(worker: Worker, sinkPort: number): Promise<Sender> {
    const { preferredPayloadType, ...codec } = VIDEO;
    const router = await worker.createRouter({ mediaCodecs: [VIDEO] });
    const source = await router.createDirectTransport();
    const producer = await source.produce({
      kind: 'video',
      rtpParameters: {
        codecs: [{ ...codec, payloadType: preferredPayloadType }],
        encodings: [{ ssrc: 1 }],
      },
    });
    const consumers: Consumer[] = [];
    for (let i = 0; i < CONSUMERS; i++) {
      const transport = await router.createPlainTransport({
        listenInfo: { protocol: 'udp', ip: LOOPBACK },
        enableSrtp: true,
        srtpCryptoSuite: 'AEAD_AES_128_GCM',
      });
      const { srtpParameters } = transport;
      if (srtpParameters === undefined) throw new Error('the worker made a transport without SRTP');
      await transport.connect({ ip: LOOPBACK, port: sinkPort, srtpParameters });
      const { rtpCapabilities } = router;
      consumers.push(await transport.consume({ producerId: producer.id, rtpCapabilities }));
    }
    return new Sender(producer, consumers);
  }

  /** Packets that its receivers were sent. */
  async sent(): Promise<number> {
    const stats = await Promise.all(this.#consumers.map((consumer) => consumer.getStats()));
    return stats
      .flat()
      .reduce((sum, one) => sum + (one.type === 'outbound-rtp' ? one.packetCount : 0), 0);
  }

  burst(): void {
    for (let i = 0; i < BURST; i++) {
      this.#packet.writeUInt16BE(this.#count & 0xffff, 2);
      this.#packet.writeUInt32BE((this.#count * 600) >>> 0, 4);
      this.#producer.send(this.#packet);
      this.#count += 1;
    }
  }
}

async function sentBy(senders: readonly Sender[]): Promise<number> {
  const counts = await Promise.all(senders.map((sender) => sender.sent()));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function run(senders: readonly Sender[], ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    for (const sender of senders) sender.burst();
    await sleep(BURST_EVERY_MS);
  }
}

/** Of all workers, user and system, ms. */
async function cpuOf(workers: readonly Worker[]): Promise<number> {
  const usages = await Promise.all(workers.map((worker) => worker.getResourceUsage()));
  return usages.reduce((sum, usage) => sum + usage.ru_utime + usage.ru_stime, 0);
}
