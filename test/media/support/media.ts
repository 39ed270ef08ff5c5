import type { Router } from 'mediasoup/types';
import { pino } from 'pino';
import type { ExpectedTrack } from '../../../node-image/media/publisher-connection';
import { RoomBranch } from '../../../node-image/media/room-branch';
import { SubscriberPlace } from '../../../node-image/media/subscriber-place';
import { Seat, Tally } from '../../../node-image/media/tally';
import { type MediaWorker, WorkerPool } from '../../../node-image/media/worker-pool';
import { freePortRange } from '../../support/ports';

export const log = pino({ level: 'silent' });

/** One real worker on loopback, with what a Room has there. */
export class TestMedia {
  private constructor(
    readonly pool: WorkerPool,
    readonly worker: MediaWorker,
    readonly home: RoomBranch,
  ) {}

  static async start(): Promise<TestMedia> {
    const pool = await startPool();
    const worker = pool.pick();
    return new TestMedia(pool, worker, await RoomBranch.open(worker, log));
  }

  get router(): Router {
    return this.home.router;
  }

  /** Where one more receives from. */
  async place(): Promise<SubscriberPlace> {
    const transport = await this.worker.transports.create(this.router, 'subscriber');
    return new SubscriberPlace(transport, this.home, new Seat(new Tally(), 0));
  }

  close(): void {
    this.pool.close();
  }
}

export async function startPool(count = 1): Promise<WorkerPool> {
  return WorkerPool.create({
    count,
    listen: {
      addresses: [{ ip: '127.0.0.1' }],
      udpPort: await freePortRange(count),
      tcpPort: await freePortRange(count),
      exposeInternal: false,
    },
    transport: {
      initialOutgoingBitrate: 10_000_000,
      maxIncomingBitrate: 0,
      iceConsentTimeoutSeconds: 12,
      enableTcp: true,
      keyFrameRequestDelayMs: 500,
      forceTcp: false,
    },
    log,
  });
}

/** A track as an AddTrackRequest announces it. */
export function expected(cid: string, changes: Partial<ExpectedTrack> = {}): ExpectedTrack {
  return {
    cid,
    kind: 'video',
    mimeType: undefined,
    layerCount: 3,
    stereo: false,
    dtx: false,
    screen: false,
    ...changes,
  };
}
