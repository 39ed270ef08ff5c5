import { type IngressInfo, IngressState } from '@livekit/protocol';
import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import type { LocalRooms } from '../../../room/local-rooms';
import { RoomElsewhereError } from '../../../room/room-ownership';
import type { Job } from '../../job';
import {
  type JobContext,
  type JobCost,
  type JobFailure,
  JobRefusedError,
  JobRequestError,
  type JobRules,
  type JobRunner,
  type RunningJob,
} from '../../job-runner';
import type { NewJob } from '../../job-store';
import { type IngressObserver, IngressRun } from '../ingress-run';
import { IngressRefusedError, type IngressRuns } from '../ingress-runs';
import type { IngressStore } from '../ingress-store';
import { UrlRun } from './url-run';

/** The job that pulls the URL of an Ingress: all that is to be known is in the store of Ingresses. */
export const urlJob = ({ ingressId, roomName }: IngressInfo): NewJob => ({
  id: ingressId,
  kind: 'ingress',
  room: roomName,
  spec: '{}',
  info: '{}',
});

export interface UrlRulesOptions {
  readonly store: IngressStore;
  /** `ingress.cpu_cost` */
  readonly cpus: number;
  readonly idleRatio: number;
  readonly observer: IngressObserver;
  readonly log: Logger;
}

/** What every node knows of the pulling of URLs. */
export class UrlRules implements JobRules {
  readonly kind = 'ingress';
  readonly #options: UrlRulesOptions;

  constructor(options: UrlRulesOptions) {
    this.#options = options;
  }

  cost(): JobCost {
    const { cpus, idleRatio } = this.#options;
    return { cpus, idleRatio };
  }

  afterLoss(): 'restart' {
    return 'restart';
  }

  failed(_job: Job, { message }: JobFailure): string {
    return JSON.stringify({ error: message });
  }

  onFailed(job: Job): void {
    void this.#sayFailed(job);
  }

  async #sayFailed({ id, info }: Job): Promise<void> {
    const { store, observer, log } = this.#options;
    try {
      const stored = await store.get(id);
      if (stored === undefined) return;
      const resourceId = stored.info.state?.resourceId ?? '';
      const run = new IngressRun({ store, info: stored.info, resourceId, observer, log });
      const { error = 'it could not be started' } = JSON.parse(info) as { error?: string };
      await run.ended({ error });
    } catch (error) {
      log.warn({ err: error, ingress: id }, 'the end of an Ingress is not written down');
    }
  }
}

export interface UrlRunnerOptions extends UrlRulesOptions {
  readonly nodeId: string;
  readonly runs: IngressRuns;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** `ingress.allow_private_urls` */
  readonly allowsPrivate: boolean;
  /** @default 15000 */
  readonly stallMs?: number | undefined;
}

/** Pulls URLs on the nodes that their Rooms are on. */
export class UrlRunner extends UrlRules implements JobRunner {
  readonly #options: UrlRunnerOptions;

  constructor(options: UrlRunnerOptions) {
    super(options);
    this.#options = options;
  }

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
      // Its host has reserved what it takes.
      .begin({ info, resourceId, cpus: 0, stop: () => held.pull?.stop() })
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
