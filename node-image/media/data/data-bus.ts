import type { DataConsumer, DataProducer, DirectTransport, Router } from 'mediasoup/types';
import type { Logger } from 'pino';
import { type DataKind, maxMessageBytes } from './data-kinds';
import { ppid } from './dcep';

/** The subchannel of everybody; those of single outlets count up from here. */
export const everybody = 0;
const maxSubchannel = 65_535;

/** Somebody who receives from the bus. */
export interface BusReceiver {
  readonly subchannel: number;
  /** Is given, while waiting, what would have been sent. */
  keep(kind: DataKind, payload: Uint8Array): void;
}

/**
 * Fan-out of data messages to the participants on one Router.
 *
 * Each kind of channel has one DataProducer on a DirectTransport, which every outlet consumes. Who
 * gets a message is said with subchannels, so a message crosses to the worker once, however
 * many receive it.
 */
export class DataBus {
  readonly #log: Logger;
  readonly #transport: DirectTransport;
  readonly #producers: Readonly<Record<DataKind, DataProducer>>;
  readonly #subchannels = new Set<number>();
  readonly #waiting = new Set<BusReceiver>();
  #lastSubchannel = everybody;

  private constructor(
    log: Logger,
    transport: DirectTransport,
    producers: Readonly<Record<DataKind, DataProducer>>,
  ) {
    this.#log = log;
    this.#transport = transport;
    this.#producers = producers;
  }

  static async create(options: { router: Router; log: Logger }): Promise<DataBus> {
    const transport = await options.router.createDirectTransport({
      maxSendMessageSize: maxMessageBytes,
      maxReceiveMessageSize: maxMessageBytes,
    });
    const [reliable, lossy, data_track] = await Promise.all([
      transport.produceData({ label: 'reliable' }),
      transport.produceData({ label: 'lossy' }),
      transport.produceData({ label: 'data_track' }),
    ]);
    return new DataBus(options.log, transport, { reliable, lossy, data_track });
  }

  /** Sends to every outlet but one. Never throws; what cannot be sent is dropped and logged. */
  broadcast(kind: DataKind, payload: Uint8Array, except?: BusReceiver): void {
    for (const outlet of this.#waiting) {
      if (outlet !== except) {
        outlet.keep(kind, payload);
      }
    }
    this.#send(kind, payload, [everybody], except?.subchannel);
  }

  /** Sends to the given outlets, as one message to the worker. Never throws. */
  sendTo(kind: DataKind, payload: Uint8Array, outlets: Iterable<BusReceiver>): void {
    const subchannels: number[] = [];
    for (const outlet of outlets) {
      if (this.#waiting.has(outlet)) {
        outlet.keep(kind, payload);
      }
      subchannels.push(outlet.subchannel);
    }
    if (subchannels.length > 0) {
      this.#send(kind, payload, subchannels);
    }
  }

  close(): void {
    this.#waiting.clear();
    this.#transport.close();
  }

  /** @internal What outlets and the channels of inlets consume. */
  producer(kind: DataKind): DataProducer {
    return this.#producers[kind];
  }

  /** @internal Hands over what comes in through a DataProducer of the same Router. */
  async listen(
    dataProducer: DataProducer,
    onMessage: (payload: Buffer, ppid: number) => void,
  ): Promise<DataConsumer> {
    const consumer = await this.#transport.consumeData({ dataProducerId: dataProducer.id });
    consumer.on('message', onMessage);
    return consumer;
  }

  /**
   * @internal Gives an outlet its own subchannel.
   * @throws Error when all 65535 are taken
   */
  reserveSubchannel(): number {
    if (this.#subchannels.size >= maxSubchannel) {
      throw new Error(`all ${maxSubchannel} subchannels of the data bus are taken`);
    }
    do {
      this.#lastSubchannel = (this.#lastSubchannel % maxSubchannel) + 1;
    } while (this.#subchannels.has(this.#lastSubchannel));
    this.#subchannels.add(this.#lastSubchannel);
    return this.#lastSubchannel;
  }

  /** @internal */
  releaseSubchannel(subchannel: number): void {
    this.#subchannels.delete(subchannel);
  }

  /** @internal Outlets whose channel does not exist yet are handed what they would miss. */
  setWaiting(outlet: BusReceiver, waiting: boolean): void {
    if (waiting) {
      this.#waiting.add(outlet);
      return;
    }
    this.#waiting.delete(outlet);
  }

  #send(kind: DataKind, payload: Uint8Array, subchannels: number[], ignored?: number): void {
    const producer = this.#producers[kind];
    if (producer.closed || payload.byteLength === 0) {
      return;
    }
    if (payload.byteLength > maxMessageBytes) {
      this.#log.warn({ kind, bytes: payload.byteLength, maxMessageBytes }, 'message too large');
      return;
    }
    const message = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    try {
      producer.send(message, ppid.binary, subchannels, undefined, ignored);
    } catch (error) {
      // The worker is gone; whoever owns the Router is told of it elsewhere.
      this.#log.debug({ err: error, kind }, 'cannot send data');
    }
  }
}
