import type { AudioLevelObserver, Producer, Router } from 'mediasoup/types';
import type { Logger } from 'pino';
import type { DataBus } from './data/data-bus';
import type { DataKind } from './data/data-kinds';
import type { DataOutlet } from './data/data-outlet';
import { RoomBranch } from './room-branch';
import { RoomBranches } from './room-branches';
import type { SubscriberPlace } from './subscriber-place';
import type { CandidateChoice, TransportFactory } from './transports';
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
  /**
   * From how many tracks on that a worker sends its Rooms' next subscribers are put on others; 0 for
   * never. `sluice.tracks_per_worker`.
   */
  readonly tracksPerWorker: number;
  readonly log: Logger;
}

/**
 * What carries one Room's media. All that is published comes in at its home, a Router on one worker;
 * where that has enough to do, subscribers receive from other workers, which it is brought to.
 */
export class RoomMedia {
  readonly #home: RoomBranch;
  readonly #branches: RoomBranches;
  readonly #observer: AudioLevelObserver;

  private constructor(home: RoomBranch, branches: RoomBranches, observer: AudioLevelObserver) {
    this.#home = home;
    this.#branches = branches;
    this.#observer = observer;
  }

  static async create(options: RoomMediaOptions): Promise<RoomMedia> {
    const { pool, log, tracksPerWorker } = options;
    const worker: MediaWorker = pool.pick();
    const home = await RoomBranch.open(worker, log);
    try {
      const observer = await home.router.createAudioLevelObserver({
        maxEntries: 1000,
        threshold: options.audioThreshold,
        interval: options.audioIntervalMs,
      });
      const branches = new RoomBranches({ pool, worker, home, tracksPerWorker, log });
      return new RoomMedia(home, branches, observer);
    } catch (error) {
      home.close();
      throw error;
    }
  }

  /** Where everything is published. */
  get router(): Router {
    return this.#home.router;
  }

  /** Makes transports for publishers. */
  get transports(): TransportFactory {
    return this.#home.transports;
  }

  /** Where publishers' data comes in. */
  get dataBus(): DataBus {
    return this.#home.dataBus;
  }

  /** On how many workers it is. */
  get workers(): number {
    return [...this.#branches.all()].length;
  }

  /**
   * Makes a transport for a subscriber, on the home or on another worker.
   *
   * @param tracks - how many tracks are about to go to it, 0 where that is not known.
   */
  subscriberPlace(candidates: CandidateChoice, tracks: number): Promise<SubscriberPlace> {
    return this.#branches.place(candidates, tracks);
  }

  /** Sends to all outlets but one, on all workers. Never throws. */
  broadcast(kind: DataKind, payload: Uint8Array, except?: DataOutlet): void {
    for (const { dataBus } of this.#branches.all()) {
      dataBus.broadcast(kind, payload, except?.bus === dataBus ? except : undefined);
    }
  }

  /** Sends to the given outlets, as one message to each of their workers. Never throws. */
  sendTo(kind: DataKind, payload: Uint8Array, outlets: readonly DataOutlet[]): void {
    for (const { dataBus } of this.#branches.all()) {
      dataBus.sendTo(
        kind,
        payload,
        outlets.filter(({ bus }) => bus === dataBus),
      );
    }
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

  /** Calls back once if the worker dies that the Room's home is on. */
  onWorkerDied(listener: () => void): void {
    this.router.once('workerclose', listener);
  }

  close(): void {
    this.#branches.close();
  }
}
