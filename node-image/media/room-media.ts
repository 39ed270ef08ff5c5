import type { AudioLevelObserver, Producer, Router } from 'mediasoup/types';
import type { Logger } from 'pino';
import { DataBus } from './data/data-bus';
import type { TransportFactory } from './transports';
import type { MediaWorker, WorkerPool } from './worker-pool';

/** The loudness of one producer over the last interval, in dBov: -127 (silence) to 0. */
export interface AudioLevel {
  readonly producer: Producer;
  readonly dBov: number;
}

export interface RoomMediaOptions {
  readonly pool: WorkerPool;
  /** How often loudness is reported, in ms, 250 to 5000. */
  readonly audioIntervalMs: number;
  /** What is quieter is not reported, in dBov, -127 to 0. */
  readonly audioThreshold: number;
  readonly log: Logger;
}

/** What carries one Room's media: a Router on one worker, and its helpers. */
export class RoomMedia {
  readonly #observer: AudioLevelObserver;

  private constructor(
    readonly worker: MediaWorker,
    readonly router: Router,
    readonly dataBus: DataBus,
    observer: AudioLevelObserver,
  ) {
    this.#observer = observer;
  }

  static async create(options: RoomMediaOptions): Promise<RoomMedia> {
    const worker = options.pool.pick();
    const router = await worker.createRouter();
    try {
      const [observer, dataBus] = await Promise.all([
        router.createAudioLevelObserver({
          maxEntries: 1000,
          threshold: options.audioThreshold,
          interval: options.audioIntervalMs,
        }),
        DataBus.create({ router, log: options.log }),
      ]);
      return new RoomMedia(worker, router, dataBus, observer);
    } catch (error) {
      router.close();
      throw error;
    }
  }

  get transports(): TransportFactory {
    return this.worker.transports;
  }

  /** Hears a producer from now on, until it closes. */
  async listenTo(producer: Producer): Promise<void> {
    if (producer.kind === 'audio' && !producer.closed && !this.#observer.closed) {
      await this.#observer.addProducer({ producerId: producer.id });
    }
  }

  /** Calls back at each interval, with nothing where all are silent. */
  onAudioLevels(listener: (levels: readonly AudioLevel[]) => void): void {
    this.#observer.on('volumes', (volumes) =>
      listener(volumes.map(({ producer, volume }) => ({ producer, dBov: volume }))),
    );
    this.#observer.on('silence', () => listener([]));
  }

  /** Calls back once if the worker dies under the Room. */
  onWorkerDied(listener: () => void): void {
    this.router.once('workerclose', listener);
  }

  close(): void {
    this.dataBus.close();
    this.router.close();
  }
}
