import type { Router } from 'mediasoup/types';
import { pino } from 'pino';
import type { ExpectedTrack } from '../../../node-image/media/publisher-connection';
import { type MediaWorker, WorkerPool } from '../../../node-image/media/worker-pool';
import { freePortRange } from '../../support/ports';

export const log = pino({ level: 'silent' });

/** One real worker on loopback, with one Router. */
export class TestMedia {
  private constructor(
    readonly pool: WorkerPool,
    readonly worker: MediaWorker,
    readonly router: Router,
  ) {}

  static async start(): Promise<TestMedia> {
    const pool = await startPool();
    const worker = pool.pick();
    return new TestMedia(pool, worker, await worker.createRouter());
  }

  close(): void {
    this.pool.close();
  }
}

export async function startPool(): Promise<WorkerPool> {
  return WorkerPool.create({
    count: 1,
    listen: {
      addresses: [{ ip: '127.0.0.1' }],
      udpPort: await freePortRange(1),
      tcpPort: await freePortRange(1),
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
