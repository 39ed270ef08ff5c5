import type { WebRtcTransport } from 'mediasoup/types';
import type { Logger } from 'pino';
import { DataInlet } from '../media/data/data-inlet';
import type { DataKind } from '../media/data/data-kinds';
import { DataOutlet } from '../media/data/data-outlet';
import { PublisherConnection } from '../media/publisher-connection';
import type { RoomMedia } from '../media/room-media';
import { SubscriberConnection, type SubscriberEvents } from '../media/subscriber-connection';
import type { SubscriberPlace } from '../media/subscriber-place';
import { type CandidateChoice, type RemoteAddress, remoteAddress } from '../media/transports';

export interface ConnectionsOptions {
  readonly media: RoomMedia;
  readonly log: Logger;
  /** The subscriber connection is the primary one: made at once, and carries the data channels. */
  readonly subscriberPrimary: boolean;
  readonly candidates: CandidateChoice;
  /** How many tracks it is about to receive, as far as that is known. */
  readonly expectedTracks: () => number;
  /** How long the client has to answer an offer, in ms. */
  readonly answerTimeoutMs: number;
  /** How long a lost transport may take to come back, in ms. */
  readonly lostGraceMs: number;
  readonly reuseSections: boolean;
  readonly subscriberEvents: SubscriberEvents;
  readonly onData: (kind: DataKind, payload: Buffer) => void;
  /** The client reads so little that a reliable message had to be dropped. */
  readonly onDataOverflow: () => void;
  /** The primary connection is up for the first time. */
  readonly onPrimaryConnected: () => void;
  /** A transport that was up is gone and did not come back. */
  readonly onLost: () => void;
  /** The worker has died that it receives from. The Room goes on. */
  readonly onWorkerLost: () => void;
}

interface Subscriber {
  readonly connection: SubscriberConnection;
  readonly place: SubscriberPlace;
}

/** The peer connections of one participant, and the data channels on them. */
export class ParticipantConnections {
  readonly #options: ConnectionsOptions;
  readonly #lost = new Map<WebRtcTransport, NodeJS.Timeout>();
  readonly #transports: WebRtcTransport[] = [];
  #subscriber: Promise<SubscriberConnection> | undefined;
  #primaryConnected = false;
  #closed = false;

  private constructor(
    options: ConnectionsOptions,
    readonly publisher: PublisherConnection,
    readonly outlet: DataOutlet,
    private readonly inlet: DataInlet,
    subscriber: Subscriber | undefined,
  ) {
    this.#options = options;
    this.#watch(publisher.transport, !options.subscriberPrimary);
    if (subscriber !== undefined) {
      this.#subscriber = Promise.resolve(subscriber.connection);
      this.#watchSubscriber(subscriber, true);
    }
  }

  static async create(options: ConnectionsOptions): Promise<ParticipantConnections> {
    const { media, log, onData, onDataOverflow } = options;
    const { router, transports, dataBus: bus } = media;
    const candidates = options.candidates;
    const subscribing = options.subscriberPrimary ? createSubscriber(options) : undefined;
    const [published, subscribed] = await Promise.allSettled([
      PublisherConnection.create({ router, transports, candidates }),
      subscribing,
    ]);
    if (published.status === 'rejected' || subscribed.status === 'rejected') {
      // Neither is left behind alone.
      if (published.status === 'fulfilled') {
        published.value.close();
      }
      if (subscribed.status === 'fulfilled') {
        subscribed.value?.connection.close();
      }
      throw published.status === 'rejected' ? published.reason : settledReason(subscribed);
    }
    const publisher = published.value;
    const subscriber = subscribed.value;
    try {
      const inlet = await DataInlet.create({
        bus,
        transport: publisher.transport,
        log,
        onMessage: onData,
      });
      const outlet =
        subscriber === undefined
          ? DataOutlet.overInlet({ bus, inlet, log, onOverflow: onDataOverflow })
          : await DataOutlet.create({
              bus: subscriber.place.dataBus,
              transport: subscriber.place.transport,
              log,
              onOverflow: onDataOverflow,
            });
      return new ParticipantConnections(options, publisher, outlet, inlet, subscriber);
    } catch (error) {
      publisher.close();
      subscriber?.connection.close();
      throw error;
    }
  }

  /** The subscriber connection, made at the first call where it is not the primary one. */
  subscriber(): Promise<SubscriberConnection> {
    this.#subscriber ??= this.#createLater();
    return this.#subscriber;
  }

  /** A transport is down, and may yet come back. */
  get lost(): boolean {
    return this.#lost.size > 0;
  }

  /** Where its media comes from now, one for each transport that is up. */
  remoteAddresses(): RemoteAddress[] {
    return this.#transports.map(remoteAddress).filter((one) => one !== undefined);
  }

  get hasSubscriber(): boolean {
    return this.#subscriber !== undefined;
  }

  async #createLater(): Promise<SubscriberConnection> {
    try {
      const subscriber = await createSubscriber(this.#options);
      const { connection } = subscriber;
      if (this.#closed) {
        connection.close();
      } else {
        this.#watchSubscriber(subscriber, false);
        connection.start();
      }
      return connection;
    } catch (error) {
      // The next who asks tries again.
      this.#subscriber = undefined;
      throw error;
    }
  }

  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    for (const timer of this.#lost.values()) {
      clearTimeout(timer);
    }
    this.outlet.close();
    this.inlet.close();
    this.publisher.close();
    void this.#subscriber?.then((connection) => connection.close()).catch(() => {});
  }

  #watchSubscriber({ place }: Subscriber, primary: boolean): void {
    this.#watch(place.transport, primary);
    place.onLost(() => {
      if (!this.#closed) {
        this.#options.onWorkerLost();
      }
    });
  }

  #watch(transport: WebRtcTransport, primary: boolean): void {
    this.#transports.push(transport);
    transport.on('dtlsstatechange', (state) => {
      if (state === 'connected' && primary && !this.#primaryConnected) {
        this.#primaryConnected = true;
        this.#options.onPrimaryConnected();
      } else if (state === 'failed' || state === 'closed') {
        this.#startGrace(transport);
      }
    });
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected') {
        this.#startGrace(transport);
      } else if (state === 'connected' || state === 'completed') {
        clearTimeout(this.#lost.get(transport));
        this.#lost.delete(transport);
      }
    });
  }

  #startGrace(transport: WebRtcTransport): void {
    if (this.#closed || this.#lost.has(transport)) {
      return;
    }
    this.#lost.set(
      transport,
      setTimeout(() => this.#options.onLost(), this.#options.lostGraceMs),
    );
  }
}

function settledReason(settled: PromiseSettledResult<unknown>): unknown {
  return settled.status === 'rejected' ? settled.reason : undefined;
}

async function createSubscriber(options: ConnectionsOptions): Promise<Subscriber> {
  const place = await options.media.subscriberPlace(options.candidates, options.expectedTracks());
  const connection = new SubscriberConnection({
    place,
    events: options.subscriberEvents,
    log: options.log,
    answerTimeoutMs: options.answerTimeoutMs,
    reuseSections: options.reuseSections,
  });
  return { connection, place };
}
