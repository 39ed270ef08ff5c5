import { IngressState } from '@livekit/protocol';
import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import type { LocalRooms } from '../../../room/local-rooms';
import { RoomElsewhereError } from '../../../room/room-ownership';
import type { Job } from '../../job';
import {
  type JobContext,
  JobRefusedError,
  JobRequestError,
  type RunningJob,
} from '../../job-runner';
import type { IngressRun } from '../ingress-run';
import { IngressRefusedError, type IngressRuns } from '../ingress-runs';
import type { IngressStore } from '../ingress-store';
import { UrlRun } from './url-run';

export interface UrlRunnerOptions {
  readonly store: Pick<IngressStore, 'get'>;
  readonly log: Logger;
  readonly nodeId: string;
  readonly runs: IngressRuns;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** `ingress.allow_private_urls` */
  readonly allowsPrivate: boolean;
  /** @default 15000 */
  readonly stallMs?: number | undefined;
}

/** Pulls URLs on the nodes that their Rooms are on. */
export class UrlRunner {
  readonly #options: UrlRunnerOptions;

  constructor(options: UrlRunnerOptions) {
    this.#options = options;
  }

  /** As `JobRunner.start`. */
  async start(job: Job, context: JobContext): Promise<RunningJob> {
    const { store, runs, rooms, nodeId, allowsPrivate, stallMs, log } = this.#options;
    const stored = await store.get(job.id);
    if (stored === undefined) {
      throw new Error('the Ingress is deleted');
    }
    const { info } = stored;
    await rooms.getOrCreate({ name: info.roomName }).catch((error: unknown) => {
      throw error instanceof RoomElsewhereError
        ? new JobRefusedError('the Room is on another node')
        : error;
    });
    const resourceId = `${nodeId}.${nanoid(24)}`;
    const held: { pull?: UrlRun } = {};
    const run = await runs
      .begin({ info, resourceId, stop: () => held.pull?.stop() })
      .catch((error: unknown) => {
        throw error instanceof IngressRefusedError ? new JobRefusedError(error.message) : error;
      });
    const pull = new UrlRun({
      ...{ run, rooms, allowsPrivate, stallMs, log },
      onEnded: () => context.ended(infoOf(run)),
    });
    held.pull = pull;
    void pull.start();
    return {
      request: async (name) => {
        throw new JobRequestError('unimplemented', `an Ingress knows no request "${name}"`);
      },
      stop: async () => {
        pull.stop();
        return infoOf(run);
      },
      handOver: async () => {
        pull.abandon();
        return infoOf(run);
      },
      abandon: async () => pull.abandon(),
      pids: () => pull.pids(),
    };
  }
}

const infoOf = ({ info }: IngressRun): string => (info.state ?? new IngressState()).toJsonString();
