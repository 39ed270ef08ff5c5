import type { DataConsumer, WebRtcTransport } from 'mediasoup/types';
import type { Logger } from 'pino';
import type { DataBus } from './data-bus';
import { type DataKind, dataChannels, kindOfLabel } from './data-kinds';
import { type DcepOpen, parseDcep, ppid, serializeAck } from './dcep';
import { consumeDataOnStream } from './sctp-stream';

// A stream that nobody prepared loses the OPEN, so they exist before the client connects. Clients
// are DTLS clients here, hence even ids. Three are in use; the rest is for channels made anew.
const clientStreamIds = [0, 2, 4, 6, 8, 10];

// What an unknown channel may say before its messages no longer reach this process.
const maxIgnoredMessages = 100;

export interface DataInletOptions {
  readonly bus: DataBus;
  readonly transport: WebRtcTransport;
  readonly log: Logger;
  /** The payload is the receiver's to keep. */
  readonly onMessage: (kind: DataKind, payload: Buffer) => void;
}

/** Is told of the channels that a client opened, to send on them. */
export interface ClientChannelUser {
  clientChannelOpened(kind: DataKind, consumer: DataConsumer): void;
}

interface ClientStream {
  readonly id: number;
  listener?: DataConsumer;
  label?: string;
  kind?: DataKind | undefined;
  /** What sends on the stream; there once the client's OPEN was answered. */
  consumer?: DataConsumer | undefined;
  ignored: number;
}

/**
 * The data channels that a client opens on its publisher transport.
 *
 * Speaks DCEP with the client: answers each OPEN, and hands on the messages of the labels it
 * knows. Whatever else a client sends is dropped.
 */
export class DataInlet {
  readonly #options: DataInletOptions;
  readonly #streams: ClientStream[] = clientStreamIds.map((id) => ({ id, ignored: 0 }));
  #user: ClientChannelUser | undefined;
  #closed = false;

  private constructor(options: DataInletOptions) {
    this.#options = options;
  }

  /** To be awaited before the client can connect, that is before it learns the candidates. */
  static async create(options: DataInletOptions): Promise<DataInlet> {
    const inlet = new DataInlet(options);
    await Promise.all(inlet.#streams.map((stream) => inlet.#prepare(stream)));
    return inlet;
  }

  /** Messages dropped because their channel has an unknown label, or none. */
  get ignoredMessages(): number {
    return this.#streams.reduce((sum, stream) => sum + stream.ignored, 0);
  }

  /** @internal */
  setUser(user: ClientChannelUser): void {
    this.#user = user;
    for (const stream of this.#streams) {
      if (stream.kind !== undefined && stream.consumer !== undefined) {
        user.clientChannelOpened(stream.kind, stream.consumer);
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#user = undefined;
    for (const stream of this.#streams) {
      stream.listener?.close();
      stream.consumer?.close();
    }
  }

  async #prepare(stream: ClientStream): Promise<void> {
    const { bus, transport } = this.#options;
    const producer = await transport.produceData({
      sctpStreamParameters: { streamId: stream.id, ordered: true },
    });
    stream.listener = await bus.listen(producer, (payload, protocolId) =>
      this.#receive(stream, payload, protocolId),
    );
  }

  #receive(stream: ClientStream, payload: Buffer, protocolId: number): void {
    if (this.#closed) {
      return;
    }
    if (protocolId === ppid.dcep) {
      const message = parseDcep(payload);
      if (message?.type === 'open') {
        void this.#open(stream, message);
        return;
      }
    }
    const isMessage = protocolId === ppid.binary || protocolId === ppid.string;
    if (isMessage && stream.kind !== undefined) {
      this.#options.onMessage(stream.kind, payload);
      return;
    }
    stream.ignored += 1;
    if (stream.ignored === maxIgnoredMessages) {
      this.#options.log.info({ label: stream.label }, 'no longer reading an unknown data channel');
      void stream.listener?.pause().catch(() => undefined);
    }
  }

  async #open(stream: ClientStream, open: DcepOpen): Promise<void> {
    const { bus, transport, log } = this.#options;
    const previous = stream.consumer;
    stream.label = open.label;
    // At once, because messages may follow the OPEN without waiting for its ACK.
    stream.kind = kindOfLabel(open.label);
    stream.consumer = undefined;
    try {
      // A second OPEN means that the client has closed the channel and uses its stream again. The
      // worker has then dropped this consumer already, without telling.
      previous?.close();
      const kind = stream.kind ?? 'lossy';
      const consumer = await consumeDataOnStream(
        transport,
        bus.producer(kind),
        stream.id,
        dataChannels[kind].delivery,
      );
      stream.consumer = consumer;
      if (this.#closed) {
        consumer.close();
        return;
      }
      const acknowledged = consumer.send(serializeAck(), ppid.dcep);
      if (stream.kind !== undefined) {
        this.#user?.clientChannelOpened(stream.kind, consumer);
      }
      await acknowledged;
      log.debug({ label: open.label, stream: stream.id }, 'client opened a data channel');
    } catch (error) {
      log.debug({ err: error, label: open.label }, 'cannot answer a data channel');
    }
  }
}
