import type { Consumer, Producer, RtpCapabilities, WebRtcTransport } from 'mediasoup/types';
import { PUBLISH_EXTENSIONS } from './codecs';
import type { DataBus } from './data/data-bus';
import type { RoomBranch } from './room-branch';
import type { Seat } from './tally';

type ConsumeOptions = Omit<
  Parameters<WebRtcTransport['consume']>[0],
  'producerId' | 'rtpCapabilities'
>;

/** Where one participant receives from: a transport on one of the Room's workers. */
export class SubscriberPlace {
  readonly #branch: RoomBranch;
  readonly #seat: Seat;

  constructor(
    readonly transport: WebRtcTransport,
    branch: RoomBranch,
    seat: Seat,
  ) {
    this.#branch = branch;
    this.#seat = seat;
  }

  /** What comes with the data messages of the Room. */
  get dataBus(): DataBus {
    return this.#branch.dataBus;
  }

  /** Sends it a track of the Room, wherever that comes in. */
  async consume(producer: Producer, options: ConsumeOptions): Promise<Consumer> {
    const rtpCapabilities = this.#capabilities();
    const consumer = await this.#branch.consume(this.transport, producer, {
      ...options,
      rtpCapabilities,
    });
    this.#seat.change(1);
    consumer.observer.once('close', () => this.#seat.change(-1));
    return consumer;
  }

  /** The tracks that there are go to it by now. */
  settle(): void {
    this.#seat.settle();
  }

  /** Calls back where its worker dies, and it is not the Room's home, which is lost as a whole. */
  onLost(listener: () => void): void {
    if (!this.#branch.isHome) {
      this.transport.once('routerclose', listener);
    }
  }

  /** Everything that the Router can send, as the client's own abilities show in its answer only. */
  #capabilities(): RtpCapabilities {
    const { codecs, headerExtensions } = this.#branch.router.rtpCapabilities;
    return {
      ...(codecs === undefined ? {} : { codecs }),
      headerExtensions: (headerExtensions ?? []).filter(({ uri }) => PUBLISH_EXTENSIONS.has(uri)),
    };
  }
}
