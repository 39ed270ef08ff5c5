import type { DataConsumer, SctpState, WebRtcTransport } from 'mediasoup/types';
import type { Logger } from 'pino';
import { type DataBus, everybody } from './data-bus';
import type { ClientChannelUser, DataInlet } from './data-inlet';
import { type DataKind, dataChannels, dataKinds } from './data-kinds';
import { parseDcep, ppid, serializeOpen } from './dcep';
import { consumeDataOnStream } from './sctp-stream';

const openRetryMs = 250;
const maxOpenTries = 120;
const maxKeptBytes = 2 * 1024 * 1024;

interface OutletOptions {
  readonly bus: DataBus;
  readonly log: Logger;
  /**
   * The client took so little of its reliable stream that a message had to be dropped. Called at
   * most once: what follows has a gap, so the session is better ended.
   */
  readonly onOverflow: () => void;
}

export interface DataOutletOptions extends OutletOptions {
  readonly transport: WebRtcTransport;
}

export interface DataOutletOverInletOptions extends OutletOptions {
  readonly inlet: DataInlet;
}

/**
 * What one participant receives of the data bus.
 *
 * Reliable messages that come before the client's channel is open wait for it: in the worker when
 * the server opens the channel, in this object when the client does. Others are dropped meanwhile.
 */
export class DataOutlet implements ClientChannelUser {
  /** @internal */
  readonly subchannel: number;
  readonly #options: OutletOptions;
  readonly #consumers = new Map<DataKind, DataConsumer>();
  readonly #acknowledged = new Set<DataKind>();
  readonly #timers = new Map<DataKind, NodeJS.Timeout>();
  readonly #dropped: Record<DataKind, number> = { reliable: 0, lossy: 0, data_track: 0 };
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #overflowed = false;
  #closed = false;

  private constructor(options: OutletOptions) {
    this.#options = options;
    this.subchannel = options.bus.reserveSubchannel();
  }

  /**
   * Opens the channels towards the client, on streams 1, 3 and 5.
   *
   * Everything reliable sent after this has resolved arrives, whenever the client connects.
   */
  static async create(options: DataOutletOptions): Promise<DataOutlet> {
    const outlet = new DataOutlet(options);
    try {
      await Promise.all(dataKinds.map((kind) => outlet.#openChannel(kind, options.transport)));
    } catch (error) {
      outlet.close();
      throw error;
    }
    return outlet;
  }

  /** Sends on the channels that the client itself opened on its publisher transport. */
  static overInlet(options: DataOutletOverInletOptions): DataOutlet {
    const outlet = new DataOutlet(options);
    options.bus.setWaiting(outlet, true);
    options.inlet.setUser(outlet);
    return outlet;
  }

  /** The bus that it receives from: that of its worker. */
  get bus(): DataBus {
    return this.#options.bus;
  }

  /** Whether the client has its reliable channel. */
  get open(): boolean {
    return !this.#closed && this.#acknowledged.has('reliable');
  }

  /** Messages that this participant should have had and did not get. */
  get dropped(): Readonly<Record<DataKind, number>> {
    return this.#dropped;
  }

  send(kind: DataKind, payload: Uint8Array): void {
    if (!this.#closed) {
      this.#options.bus.sendTo(kind, payload, [this]);
    }
  }

  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#kept = [];
    this.#options.bus.setWaiting(this, false);
    this.#options.bus.releaseSubchannel(this.subchannel);
    for (const timer of this.#timers.values()) {
      clearTimeout(timer);
    }
    for (const consumer of this.#consumers.values()) {
      consumer.close();
    }
  }

  /** @internal Called by the bus while the client's reliable channel does not exist yet. */
  keep(kind: DataKind, payload: Uint8Array): void {
    if (kind !== 'reliable') {
      return;
    }
    if (this.#keptBytes + payload.byteLength > maxKeptBytes) {
      this.#dropped.reliable += 1;
      return;
    }
    this.#kept.push(payload);
    this.#keptBytes += payload.byteLength;
  }

  /** @internal */
  clientChannelOpened(kind: DataKind, consumer: DataConsumer): void {
    if (this.#closed) {
      return;
    }
    this.#watch(kind, consumer);
    this.#acknowledged.add(kind);
    if (kind === 'reliable') {
      // All in one turn: the worker handles these in order, so nothing is lost or doubled.
      this.#options.bus.setWaiting(this, false);
      this.#subscribe(consumer, [this.subchannel]);
      for (const payload of this.#kept) {
        this.#options.bus.sendTo(kind, payload, [this]);
      }
      this.#kept = [];
      this.#keptBytes = 0;
    }
    this.#subscribe(consumer, [everybody, this.subchannel]);
  }

  async #openChannel(kind: DataKind, transport: WebRtcTransport): Promise<void> {
    const { bus } = this.#options;
    const { serverStreamId, delivery } = dataChannels[kind];
    // The client's ACK comes back on the same stream.
    const answers = await transport.produceData({
      sctpStreamParameters: { streamId: serverStreamId, ordered: true },
    });
    const listener = await bus.listen(answers, (payload, protocolId) => {
      if (protocolId === ppid.dcep && parseDcep(payload)?.type === 'ack') {
        listener.close();
        this.#acknowledge(kind);
      }
    });
    const consumer = await consumeDataOnStream(
      transport,
      bus.producer(kind),
      serverStreamId,
      delivery,
    );
    if (this.#closed) {
      consumer.close();
      return;
    }
    this.#watch(kind, consumer);
    if (delivery.ordered) {
      // The stream keeps its order and the worker keeps what cannot be sent yet, so messages may
      // follow at once.
      this.#sendOpen(kind, consumer);
      this.#subscribe(consumer, [everybody, this.subchannel]);
      return;
    }
    // On an unordered stream a message could overtake the OPEN, and some clients then refuse the
    // channel: nothing is sent before the ACK, and the OPEN itself may be lost.
    const start = (state: SctpState | undefined): void => {
      if (state === 'connected' && !this.#timers.has(kind)) {
        this.#repeatOpen(kind, consumer, maxOpenTries);
      }
    };
    transport.on('sctpstatechange', start);
    consumer.observer.once('close', () => transport.off('sctpstatechange', start));
    start(transport.sctpState);
  }

  #repeatOpen(kind: DataKind, consumer: DataConsumer, triesLeft: number): void {
    if (this.#closed || consumer.closed || triesLeft === 0 || this.#acknowledged.has(kind)) {
      return;
    }
    this.#sendOpen(kind, consumer);
    const timer = setTimeout(
      () => this.#repeatOpen(kind, consumer, triesLeft - 1),
      openRetryMs,
    ).unref();
    this.#timers.set(kind, timer);
  }

  #acknowledge(kind: DataKind): void {
    const consumer = this.#consumers.get(kind);
    if (this.#closed || consumer === undefined || this.#acknowledged.has(kind)) {
      return;
    }
    clearTimeout(this.#timers.get(kind));
    this.#acknowledged.add(kind);
    if (!dataChannels[kind].delivery.ordered) {
      this.#subscribe(consumer, [everybody, this.subchannel]);
    }
  }

  #sendOpen(kind: DataKind, consumer: DataConsumer): void {
    const { label, delivery } = dataChannels[kind];
    const open = delivery.ordered
      ? { label, protocol: '', ordered: true }
      : { label, protocol: '', ordered: false, maxRetransmits: 0 };
    consumer.send(serializeOpen(open), ppid.dcep).catch((error: unknown) => {
      this.#options.log.debug({ err: error, kind }, 'cannot open a data channel');
    });
  }

  #subscribe(consumer: DataConsumer, subchannels: number[]): void {
    consumer.setSubchannels(subchannels).catch((error: unknown) => {
      this.#options.log.debug({ err: error }, 'cannot subscribe a data channel');
    });
  }

  #watch(kind: DataKind, consumer: DataConsumer): void {
    this.#consumers.set(kind, consumer);
    consumer.on('sctpsendbufferfull', () => {
      this.#dropped[kind] += 1;
      // Before the channel is open the client has had no chance to read anything.
      if (kind !== 'reliable' || !this.open || this.#overflowed) {
        return;
      }
      this.#overflowed = true;
      this.#options.onOverflow();
    });
  }
}
