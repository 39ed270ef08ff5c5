import type { Logger } from 'pino';
import type { Ledger, Resource } from '../cluster/ledger';
import type { Job, JobKind } from './job';
import { JobKeeper } from './job-keeper';
import {
  type JobContext,
  type JobCost,
  JobRefusedError,
  JobRequestError,
  type JobRunner,
  type RunningJob,
} from './job-runner';
import type { JobStore, NewJob } from './job-store';

/** A job that has not started within this is given up, ms. */
const START_MS = 30_000;
/** What a node that ends leaves to its jobs, ms. */
const CLOSE_MS = 5000;

/** What a node is asked to run. */
export interface JobOrder {
  readonly job: NewJob;
  /** Of the job as it stands in the store. @default - it does not stand there yet */
  readonly epoch?: number | undefined;
  /**
   * It is of a Room that this node has, and cannot go anywhere else: it is taken while the node is
   * drained too. Said on the node itself alone. @default false
   */
  readonly ofLocalRoom?: boolean | undefined;
}

/** Somebody else has the job by now, or it has ended. */
export class JobTakenError extends Error {
  override readonly name = 'JobTakenError';
}

export interface JobHostOptions {
  readonly nodeId: string;
  readonly store: JobStore;
  readonly ledger: Ledger;
  readonly runners: readonly JobRunner[];
  /** Whether this node takes new jobs; a sentence why not. @default it does */
  readonly refuses?: (() => string | undefined) | undefined;
  /** Whether another node would take a job now: else it is not given away. @default it would */
  readonly canMove?: ((kind: JobKind, cost: JobCost) => Promise<boolean>) | undefined;
  readonly log: Logger;
  /** @default 30 s */
  readonly startMs?: number | undefined;
  /** Between two renewals, ms. @default JOB_RENEW_MS */
  readonly renewMs?: number | undefined;
}

interface Hosted {
  readonly kind: JobKind;
  /** Undefined: it is starting. */
  running: RunningJob | undefined;
}

const RESOURCE_NAMES: Readonly<Record<Resource, string>> = {
  cpus: 'CPU',
  memoryBytes: 'memory',
  bytesPerSec: 'bandwidth',
  diskBytes: 'disk',
};

/** Runs jobs on this node, of all kinds that it has runners for, within its ledger. */
export class JobHost {
  readonly #options: JobHostOptions;
  readonly #runners: ReadonlyMap<JobKind, JobRunner>;
  readonly #keeper: JobKeeper;
  readonly #hosted = new Map<string, Hosted>();
  #closing: Promise<void> | undefined;

  constructor(options: JobHostOptions) {
    this.#options = options;
    this.#runners = new Map(options.runners.map((runner) => [runner.kind, runner]));
    this.#keeper = new JobKeeper({
      store: options.store,
      owner: options.nodeId,
      onLost: (id) => this.#abandon(id),
      log: options.log,
      intervalMs: options.renewMs,
    });
  }

  /** Kinds of jobs that run here. */
  get kinds(): JobKind[] {
    return [...this.#runners.keys()];
  }

  /** Ids of jobs that run or start here. */
  jobs(kind?: JobKind): string[] {
    return [...this.#hosted].flatMap(([id, hosted]) =>
      kind === undefined || hosted.kind === kind ? [id] : [],
    );
  }

  /** Undefined: it runs here no more. */
  kindOf(id: string): JobKind | undefined {
    return this.#hosted.get(id)?.kind;
  }

  /** Processes that do the work of jobs. */
  pids(): number[] {
    return [...this.#hosted.values()].flatMap(({ running }) => running?.pids?.() ?? []);
  }

  /**
   * Reserves what a job needs, takes it and starts it.
   *
   * @returns the job as it is now: it may have ended, where it could not be started.
   * @throws JobRefusedError where another node may take it, JobTakenError,
   *   RegistryUnavailableError
   */
  async start({ job, epoch, ofLocalRoom = false }: JobOrder): Promise<Job> {
    const runner = this.#runnerFor(job, ofLocalRoom);
    this.#reserve(job, runner.cost(job.spec));
    const hosted: Hosted = { kind: job.kind, running: undefined };
    this.#hosted.set(job.id, hosted);
    try {
      const taken = await this.#take(job, epoch);
      this.#keeper.hold(taken);
      return await this.#run(runner, taken, hosted);
    } catch (error) {
      this.#forget(job.id);
      throw error;
    }
  }

  /** @throws JobRequestError, where the job does not run here too. */
  async request(id: string, name: string, body: string): Promise<string> {
    return this.#running(id).request(name, body);
  }

  /** Ends a job in order. @returns what is said of it now. @throws JobRequestError */
  async stop(id: string, reason: string): Promise<string> {
    return this.#running(id).stop(reason);
  }

  /**
   * Gives a job back, so that another node goes on with it.
   *
   * @param leftMs - until it has to be gone
   * @returns whether it is gone; never rejects
   */
  async handOver(id: string, leftMs: number): Promise<boolean> {
    const hosted = this.#hosted.get(id);
    if (hosted === undefined) return true;
    if (hosted.running === undefined) return false;
    try {
      if (!(await this.#canMove(id, hosted.kind))) return false;
      const info = await hosted.running.handOver(leftMs);
      if (info === undefined || this.#hosted.get(id) !== hosted) return !this.#hosted.has(id);
      this.#forget(id);
      await this.#keeper.release(id, info);
      this.#options.log.info({ job: id }, 'a job is given to another node');
      return true;
    } catch (error) {
      this.#options.log.warn({ err: error, job: id }, 'a job could not be handed over');
      return false;
    }
  }

  /** One that nobody would take stays: it is finished here, and not given up by all. */
  async #canMove(id: string, kind: JobKind): Promise<boolean> {
    const runner = this.#runners.get(kind);
    const job = this.#keeper.job(id);
    if (runner === undefined || job === undefined) return false;
    return (await this.#options.canMove?.(kind, runner.cost(job.spec))) ?? true;
  }

  /** Gives back, or ends, what still runs, within some seconds. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const all = this.jobs().map(async (id) => {
      if (!(await this.handOver(id, CLOSE_MS))) {
        await this.#hosted.get(id)?.running?.stop('the node ends');
      }
    });
    const settled = Promise.allSettled(all);
    const deadline = performance.now() + CLOSE_MS;
    await Promise.race([settled, pause(CLOSE_MS)]);
    while (this.#hosted.size > 0 && performance.now() < deadline) await pause(50);
    for (const id of this.jobs()) this.#abandon(id);
    await this.#keeper.close();
  }

  #runnerFor({ id, kind }: NewJob, ofLocalRoom: boolean): JobRunner {
    const full = ofLocalRoom ? undefined : this.#options.refuses?.();
    const refuses = this.#closing !== undefined ? 'it ends' : full;
    if (refuses !== undefined) throw new JobRefusedError(refuses);
    const runner = this.#runners.get(kind);
    if (runner === undefined) throw new JobRefusedError(`it runs no ${kind} jobs`);
    if (this.#hosted.has(id)) throw new JobTakenError(`job ${id} runs here already`);
    return runner;
  }

  /** @throws JobRefusedError */
  #reserve({ id, kind }: NewJob, { idleRatio, records: _records, ...cost }: JobCost): void {
    const { ledger } = this.#options;
    if (ledger.reserve({ id, kind, cost, idleRatio })) return;
    const lacks = ledger.lacks(cost, kind, idleRatio).map((resource) => {
      const free = Math.max(0, ledger.free()[resource]);
      return `${RESOURCE_NAMES[resource]}: ${figure(cost[resource] ?? 0)} needed, ${figure(free)} free`;
    });
    const idle = idleRatio ? ` (${figure(idleRatio * 100)} % of the CPU has to stay free)` : '';
    throw new JobRefusedError(`it has not enough ${lacks.join('; ')}${idle}`);
  }

  async #take(job: NewJob, epoch: number | undefined): Promise<Job> {
    const { store, nodeId } = this.#options;
    const taken =
      epoch === undefined ? await this.#create(job) : await store.claim(job.id, epoch, nodeId);
    if (taken !== undefined) return taken;
    throw new JobTakenError(`job ${job.id} is another node's by now, or has ended`);
  }

  async #create(job: NewJob): Promise<Job | undefined> {
    const { store, nodeId } = this.#options;
    try {
      return await store.create(job, nodeId);
    } catch (error) {
      this.#keeper.doubt(job.id, job.info);
      throw error;
    }
  }

  async #run(runner: JobRunner, job: Job, hosted: Hosted): Promise<Job> {
    const { log, startMs = START_MS } = this.#options;
    const { id } = job;
    log.info({ job: id, kind: job.kind, room: job.room, retries: job.retries }, 'a job starts');
    let over = false;
    const isHere = (): boolean => this.#hosted.get(id) === hosted;
    const context: JobContext = {
      update: async (info) => isHere() && !over && (await this.#keeper.update(id, info)),
      ended: (info) => {
        if (isHere() && !over) this.#ended(id, info);
        over = true;
      },
    };
    // Also what it throws at once rejects.
    const starting = Promise.resolve().then(() => runner.start(job, context));
    try {
      const running = await inTime(starting, startMs);
      if (isHere()) hosted.running = running;
      // Lost while it started.
      else if (!over) await running.abandon();
      const known = this.#keeper.job(id) ?? (await this.#options.store.get(id));
      return known ?? job;
    } catch (error) {
      over = true;
      starting.then(
        (late) => late.abandon(),
        () => {},
      );
      return await this.#notStarted(runner, job, error);
    }
  }

  async #notStarted(runner: JobRunner, job: Job, error: unknown): Promise<Job> {
    const { log } = this.#options;
    const { id } = job;
    this.#forget(id);
    const info = this.#keeper.job(id)?.info ?? job.info;
    if (error instanceof JobRefusedError) {
      await this.#keeper.release(id, info);
      throw error;
    }
    const message = error instanceof Error ? error.message : String(error);
    log.warn({ err: error, job: id, kind: job.kind }, 'a job could not be started');
    const failed = runner.failed({ ...job, info }, { reason: 'not-started', message });
    const ended = await this.#keeper.end(id, failed);
    if (ended !== undefined) runner.onFailed?.(ended);
    return ended ?? { ...job, info: failed, state: 'ended' };
  }

  #running(id: string): RunningJob {
    const hosted = this.#hosted.get(id);
    if (hosted?.running !== undefined) return hosted.running;
    throw hosted === undefined
      ? new JobRequestError('not_found', `job ${id} does not run on this node`)
      : new JobRequestError('failed_precondition', `job ${id} is starting; try again`);
  }

  #ended(id: string, info: string): void {
    this.#options.log.info({ job: id }, 'a job has ended');
    this.#forget(id);
    void this.#keeper.end(id, info);
  }

  #abandon(id: string): void {
    const running = this.#hosted.get(id)?.running;
    this.#forget(id);
    running?.abandon().catch((error: unknown) => {
      this.#options.log.error({ err: error, job: id }, 'a job could not be abandoned');
    });
  }

  #forget(id: string): void {
    this.#hosted.delete(id);
    this.#options.ledger.release(id);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const figure = (value: number): string => String(Number(value.toFixed(2)));

async function inTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not start within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
