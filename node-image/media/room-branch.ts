import type { Consumer, Producer, Router, WebRtcTransport } from 'mediasoup/types';
import type { Logger } from 'pino';
import { DataBus } from './data/data-bus';
import { type TrackLease, TrackPipe } from './track-pipe';
import type { TransportFactory } from './transports';
import type { MediaWorker } from './worker-pool';

type ConsumeOptions = Omit<Parameters<WebRtcTransport['consume']>[0], 'producerId'>;

/** What one Room has on one worker: its home, or a branch that its tracks are brought to. */
export class RoomBranch {
  private constructor(
    readonly router: Router,
    readonly dataBus: DataBus,
    readonly transports: TransportFactory,
    /** undefined at home. */
    private readonly pipe: TrackPipe | undefined,
  ) {}

  /** @param home - where the tracks come from; undefined makes the home. */
  static async open(worker: MediaWorker, log: Logger, home?: RoomBranch): Promise<RoomBranch> {
    const router = await worker.createRouter();
    try {
      const [dataBus, pipe] = await Promise.all([
        DataBus.create({ router, log }),
        home && TrackPipe.open(home.router, router),
      ]);
      return new RoomBranch(router, dataBus, worker.transports, pipe);
    } catch (error) {
      router.close();
      throw error;
    }
  }

  get isHome(): boolean {
    return this.pipe === undefined;
  }

  /** Has one of its transports send a track of the Room. */
  async consume(
    transport: WebRtcTransport,
    producer: Producer,
    options: ConsumeOptions,
  ): Promise<Consumer> {
    const lease: TrackLease | undefined = await this.pipe?.bring(producer);
    try {
      const consumer = await transport.consume({ ...options, producerId: producer.id });
      consumer.observer.once('close', () => lease?.release());
      if (consumer.closed) {
        lease?.release();
      }
      return consumer;
    } catch (error) {
      lease?.release();
      throw error;
    }
  }

  close(): void {
    this.dataBus.close();
    // With the end of the pipe at home.
    this.pipe?.close();
    this.router.close();
  }
}
