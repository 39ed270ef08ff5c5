import type { Cost } from '../cluster/ledger';
import type { Job, JobKind } from './job';

/**
 * Why a job ends that nobody runs. `not-placed`: no node took it in time. `owner-lost`: its node died,
 * and it is of those that do not go on elsewhere, or was lost too often. `not-started`: its runner
 * could not start it. `stopped`: somebody stopped it while it waited for a node.
 */
export interface JobFailure {
  readonly reason: 'not-placed' | 'owner-lost' | 'not-started' | 'stopped';
  /** For people: what happened, and where. */
  readonly message: string;
}

/** What a job needs of its node. */
export interface JobCost extends Partial<Cost> {
  /** Share of the node's CPU, 0 to 1, that has to stay free besides. @default 0 */
  readonly idleRatio?: number | undefined;
  /** What its programs do: record media that they are given, or a page. @default - it needs none */
  readonly records?: Recorded | undefined;
}

export type Recorded = 'media' | 'page';

/** What every node knows of a kind of jobs, also where none of them runs. */
export interface JobRules {
  readonly kind: JobKind;
  /** What a job takes of its node, by what was asked for; reserved as long as it runs. */
  cost(spec: string): JobCost;
  /** What becomes of a job whose node is gone: another one goes on with it, or it ends. */
  afterLoss(job: Job): 'restart' | 'end';
  /** What is said of a job that ends without a runner: the new `info`, JSON of its kind's making. */
  failed(job: Job, failure: JobFailure): string;
  /** Told on the node that ended it with `failed`, when that stands written: to send webhooks. */
  onFailed?(job: Job): void;
}

/** What a runner is given to tell of the job that it runs. Nothing here rejects or throws. */
export interface JobContext {
  /**
   * Writes down what is said of the job now. Of several in a row only the last may be written; while
   * the store is away, it is written when it is back.
   *
   * @returns false where the job is not this node's any more.
   */
  update(info: string): Promise<boolean>;
  /**
   * The job has ended by itself, or as it was told to: called once, by its runner. It is given back
   * to the ledger at once, and written as soon as the store is there.
   */
  ended(info: string): void;
}

/** Runs one kind of jobs on this node. */
export interface JobRunner extends JobRules {
  /**
   * Starts a job, or goes on with one: then `job.retries` is above 0, and `job.info` is what its owner
   * before said last. Its cost is reserved, and its lease held, before this is called. Resolves when
   * the job can be asked and stopped, not when all of it runs: whoever asked for it waits.
   *
   * @throws JobRefusedError where another node may take it: the job is given to the next.
   * @throws Error where it cannot be started anywhere: it ends with `failed`, and the message.
   */
  start(job: Job, context: JobContext): Promise<RunningJob>;
}

/** A job as its node holds it. Each method may be called at any time, also after its end. */
export interface RunningJob {
  /**
   * Something its kind knows, such as `updateLayout`.
   *
   * @param body - JSON of its kind's making
   * @returns JSON of its kind's making
   * @throws JobRequestError where it cannot be done.
   */
  request(name: string, body: string): Promise<string>;
  /**
   * Ends it in order: what it has made is finished, then `context.ended`. Idempotent. Resolves when it
   * is under way, with what is to be said of it now.
   */
  stop(reason: string): Promise<string>;
  /**
   * Ends here, so that another node goes on with it: at a good moment before the deadline, such as the
   * end of a segment. Nothing may be said of it by `context` afterwards.
   *
   * @param deadlineMs - so many ms are left
   * @returns what the next owner is to know, `info`; undefined: it stays, as it ends by itself soon or
   * cannot go on elsewhere. It is asked again, or stopped at the deadline.
   */
  handOver(deadlineMs: number): Promise<string | undefined>;
  /**
   * Processes that do its work, whose children count too: what they use is covered by the reservation,
   * and is not counted again as load of the node. @default none
   */
  pids?(): readonly number[];
  /** It is another node's by now: everything stops at once, and nothing is said of it. Idempotent. */
  abandon(): Promise<void>;
}

/** A node does not take a job; another one may. */
export class JobRefusedError extends Error {
  override readonly name = 'JobRefusedError';
}

/** What a job was asked for cannot be done. */
export class JobRequestError extends Error {
  override readonly name = 'JobRequestError';

  constructor(
    /** As Twirp names them. */
    readonly code: 'invalid_argument' | 'failed_precondition' | 'not_found' | 'unimplemented',
    message: string,
  ) {
    super(message);
  }
}
