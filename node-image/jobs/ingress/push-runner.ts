import { type IngressInfo, IngressState } from '@livekit/protocol';
import type { Job } from '../job';
import { type JobHost, JobTakenError } from '../job-host';
import { type JobContext, JobRefusedError, JobRequestError, type RunningJob } from '../job-runner';
import { type IngressWay, pushJob } from './ingress-jobs';
import type { IngressRun } from './ingress-run';
import { IngressRefusedError, type IngressRuns, type StopReason } from './ingress-runs';

/** What one sender sends, while it does. */
export interface PushedStream {
  /** Ends it. Idempotent. */
  stop(reason: StopReason): void;
  /** Processes that do the work. */
  pids(): readonly number[];
}

/** Somebody who sends, and whose key was shown. */
export interface Push<Stream extends PushedStream> {
  readonly info: IngressInfo;
  readonly way: Exclude<IngressWay, 'url'>;
  /** Tells this time from all others. */
  readonly resourceId: string;
  /** Takes what is sent from now on. Called once. */
  readonly open: (run: IngressRun) => Stream;
}

interface Waiting {
  readonly push: Push<PushedStream>;
  stream?: PushedStream;
  error?: unknown;
}

/**
 * Makes a job of each time that somebody sends: counted in the ledger of the node, held by a lease, and
 * ended by the others where this node is lost.
 */
export class PushRunner {
  readonly #runs: IngressRuns;
  readonly #waiting = new Map<string, Waiting>();
  #host: Pick<JobHost, 'start'> | undefined;

  constructor(runs: IngressRuns) {
    this.#runs = runs;
  }

  /** Where jobs run on this node. Said once, before anybody sends. */
  runOn(host: Pick<JobHost, 'start'>): void {
    this.#host = host;
  }

  /** @throws IngressRefusedError, IngressGoneError, RegistryUnavailableError */
  async begin<Stream extends PushedStream>(push: Push<Stream>): Promise<Stream> {
    const job = pushJob(push.info, push.way, push.resourceId);
    const waiting: Waiting = { push };
    this.#waiting.set(job.id, waiting);
    // Its place is free for the new one: it is the same sender who comes back, most often.
    this.#runs.stopIngress(push.info.ingressId, 'replaced');
    try {
      if (this.#host === undefined) throw new IngressRefusedError('the node starts, try again');
      // Whoever sends to a Room of this node can go nowhere else, also while it is drained.
      await this.#host.start({ job, ofLocalRoom: true });
    } catch (error) {
      throw shown(error);
    } finally {
      this.#waiting.delete(job.id);
    }
    if (waiting.stream !== undefined) return waiting.stream as Stream;
    throw waiting.error ?? new IngressRefusedError('it could not be started, try again');
  }

  /** As `JobRunner.start`. */
  async start(job: Job, context: JobContext): Promise<RunningJob> {
    const waiting = this.#waiting.get(job.id);
    if (waiting === undefined) throw new Error('nobody sends this to this node');
    try {
      return await this.#open(waiting, context);
    } catch (error) {
      waiting.error = error;
      throw error;
    }
  }

  async #open(waiting: Waiting, context: JobContext): Promise<RunningJob> {
    const { info, resourceId, open } = waiting.push;
    let wantsStop: StopReason | undefined;
    const run = await this.#runs.begin({
      ...{ info, resourceId },
      stop: (reason) => {
        wantsStop ??= reason;
        waiting.stream?.stop(reason);
      },
      ended: (ended) => context.ended(infoOf(ended)),
    });
    const stream = open(run);
    waiting.stream = stream;
    // It was told to stop before it was there.
    if (wantsStop !== undefined) stream.stop(wantsStop);
    return {
      request: async (name) => {
        throw new JobRequestError('unimplemented', `an Ingress knows no request "${name}"`);
      },
      stop: async () => {
        stream.stop('drained');
        return infoOf(run);
      },
      // It ends with its Room's move: who sends comes back to where that is then.
      handOver: async () => undefined,
      abandon: async () => {
        run.abandon();
        stream.stop('closed');
      },
      pids: () => stream.pids(),
    };
  }
}

function shown(error: unknown): unknown {
  if (error instanceof JobRefusedError) {
    return new IngressRefusedError(`the node of the Room does not take it: ${error.message}`);
  }
  return error instanceof JobTakenError
    ? new IngressRefusedError(`${error.message}, try again`)
    : error;
}

const infoOf = ({ info }: IngressRun): string => (info.state ?? new IngressState()).toJsonString();
