import * as mediasoup from 'mediasoup';
import type { Router, TransportListenInfo, WebRtcServer, Worker } from 'mediasoup/types';
import type { Logger } from 'pino';
import { ROUTER_CODECS, sendDependencyDescriptor } from './codecs';
import { logListenerErrors } from './listener-errors';
import { ObjectCounts } from './object-counts';
import { withoutSignalListeners } from './signal-listeners';
import { SOCKET_BUFFER_BYTES } from './socket-buffer';
import { Tally } from './tally';
import { TransportFactory, type TransportSettings } from './transports';

/** Where a node's media is reached. Worker i listens on udpPort + i and tcpPort + i. */
export interface MediaListen {
  readonly addresses: readonly { readonly ip: string; readonly announced?: string | undefined }[];
  readonly udpPort: number;
  /** 0 listens on no TCP. */
  readonly tcpPort: number;
  /** Offer the address itself beside the announced one. */
  readonly exposeInternal: boolean;
}

export interface WorkerPoolOptions {
  /** How many workers, 1 to 64. */
  readonly count: number;
  readonly listen: MediaListen;
  readonly transport: TransportSettings;
  readonly log: Logger;
}

/** A port of the media range is in use, or an address is not this machine's. */
export class MediaListenError extends Error {
  constructor(worker: number, listen: MediaListen, cause: unknown) {
    const where = listen.addresses.map((address) => address.ip).join(', ');
    super(
      `cannot listen for media on ${where}, udp ${listen.udpPort + worker}${listen.tcpPort === 0 ? '' : ` and tcp ${listen.tcpPort + worker}`}: ` +
        `${cause instanceof Error ? cause.message : String(cause)}; ` +
        'free these ports, or choose others with rtc.port_range_start and rtc.tcp_port',
    );
    this.name = 'MediaListenError';
  }
}

/** mediasoup's worker program is not where it should be, or does not run. */
export class WorkerMissingError extends Error {
  constructor(cause: unknown) {
    super(
      `mediasoup's worker cannot be started from ${mediasoup.workerBin}: ` +
        `${cause instanceof Error ? cause.message : String(cause)}; run "npm run setup" to get it, ` +
        'or set MEDIASOUP_WORKER_BIN to one of the same mediasoup version',
    );
    this.name = 'WorkerMissingError';
  }
}

/** Every worker has died, and those that replace them are being started. */
export class NoWorkerError extends Error {
  override readonly name = 'NoWorkerError';
  constructor() {
    super('no media worker is running; one is being started, try again in a second');
  }
}

/** One mediasoup worker, its ports, and what it carries. */
export class MediaWorker {
  /** The tracks that go to those who receive from it. */
  readonly tally = new Tally();
  #rooms = 0;
  #transports = 0;

  constructor(
    readonly index: number,
    readonly worker: Worker,
    server: WebRtcServer,
    readonly transports: TransportFactory,
  ) {
    server.observer.on('webrtctransporthandled', () => {
      this.#transports += 1;
    });
    server.observer.on('webrtctransportunhandled', () => {
      this.#transports -= 1;
    });
  }

  /** How many Rooms have their home on it, or are brought to it. */
  get rooms(): number {
    return this.#rooms;
  }

  get transportCount(): number {
    return this.#transports;
  }

  /** How many tracks it sends, or is about to. */
  get load(): number {
    return this.tally.total;
  }

  async createRouter(): Promise<Router> {
    this.#rooms += 1;
    try {
      const router = await this.worker.createRouter({ mediaCodecs: ROUTER_CODECS });
      router.observer.once('close', () => {
        this.#rooms -= 1;
      });
      return router;
    } catch (error) {
      this.#rooms -= 1;
      throw error;
    }
  }
}

/** The workers of a node, one a core. One that dies is replaced on the same ports. */
export class WorkerPool {
  /** What lives in all workers. */
  readonly objects = new ObjectCounts();
  readonly #options: WorkerPoolOptions;
  readonly #workers: (MediaWorker | undefined)[];
  #closed = false;

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#workers = new Array<undefined>(options.count).fill(undefined);
  }

  /** @throws WorkerMissingError, or MediaListenError where a worker's ports cannot be had. */
  static async create(options: WorkerPoolOptions): Promise<WorkerPool> {
    sendDependencyDescriptor();
    const pool = new WorkerPool(options);
    try {
      await Promise.all(pool.#workers.map((_, index) => pool.#start(index)));
    } catch (error) {
      pool.close();
      throw error;
    }
    return pool;
  }

  get workers(): readonly MediaWorker[] {
    return this.#workers.filter((worker) => worker !== undefined);
  }

  /** The worker that carries least: transports say what it does, Rooms what it is about to. */
  pick(): MediaWorker {
    const load = (worker: MediaWorker): number => worker.transportCount + 2 * worker.rooms;
    const [best] = [...this.workers].sort((a, b) => load(a) - load(b));
    if (best === undefined) {
      throw new NoWorkerError();
    }
    return best;
  }

  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    for (const worker of this.workers) {
      worker.worker.close();
    }
  }

  async #start(index: number): Promise<void> {
    const { listen, transport, log } = this.#options;
    const worker = await withoutSignalListeners(() =>
      mediasoup.createWorker({ logLevel: 'warn', appData: { index } }),
    ).catch((error: unknown) => {
      throw new WorkerMissingError(error);
    });
    this.objects.watch(worker);
    try {
      const server = await worker.createWebRtcServer({ listenInfos: listenInfos(listen, index) });
      if (this.#closed) {
        worker.close();
        return;
      }
      const one = new MediaWorker(index, worker, server, new TransportFactory(server, transport));
      this.#workers[index] = one;
    } catch (error) {
      worker.close();
      throw new MediaListenError(index, listen, error);
    }
    logListenerErrors(worker, log);
    worker.once('died', (error) => {
      log.error({ worker: index, error: error.message }, 'media worker died; starting another');
      this.#workers[index] = undefined;
      void this.#restart(index, 0);
    });
    log.debug({ worker: index, pid: worker.pid }, 'media worker started');
  }

  async #restart(index: number, attempt: number): Promise<void> {
    if (this.#closed) {
      return;
    }
    try {
      await this.#start(index);
      this.#options.log.info({ worker: index }, 'media worker replaced');
    } catch (error) {
      this.#options.log.error({ worker: index, err: error }, 'media worker cannot be started');
      const wait = Math.min(5000, 100 * 2 ** attempt);
      setTimeout(() => void this.#restart(index, attempt + 1), wait).unref();
    }
  }
}

function listenInfos(listen: MediaListen, index: number): TransportListenInfo[] {
  return listen.addresses.flatMap(({ ip, announced }) =>
    (listen.tcpPort === 0 ? (['udp'] as const) : (['udp', 'tcp'] as const)).map((protocol) => ({
      protocol,
      ip,
      port: (protocol === 'udp' ? listen.udpPort : listen.tcpPort) + index,
      recvBufferSize: SOCKET_BUFFER_BYTES,
      sendBufferSize: SOCKET_BUFFER_BYTES,
      ...(announced === undefined
        ? {}
        : { announcedAddress: announced, exposeInternalIp: listen.exposeInternal }),
    })),
  );
}
