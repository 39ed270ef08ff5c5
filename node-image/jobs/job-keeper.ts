import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../cluster/registry';
import { JOB_RENEW_MS, type Job, type JobClaim } from './job';
import type { JobStore } from './job-store';

/**
 * So long it is said again that a job has ended, ms. A store that lost its newest writes would take
 * the job for one that runs, find its lease run out, and start it anew.
 */
const ENDED_AGAIN_MS = 10_000;

export interface JobKeeperOptions {
  readonly store: JobStore;
  /** The node that holds them. */
  readonly owner: string;
  /** Another one has the job by now: it has to stop here at once, and without a word. */
  readonly onLost: (jobId: string) => void;
  readonly log: Logger;
  /** Between two renewals, ms. @default JOB_RENEW_MS */
  readonly intervalMs?: number | undefined;
  /** Monotonic, ms. @default performance.now */
  readonly now?: (() => number) | undefined;
}

interface Held {
  job: Job;
  /** What is said of it has not been written yet. */
  unwritten: boolean;
  /** The last writing; the next one waits for it. */
  writing: Promise<boolean>;
}

interface Leaving {
  readonly job: Job;
  readonly how: 'end' | 'release';
  /** When it was first written, ms; undefined: not yet. */
  writtenMs: number | undefined;
}

/**
 * Holds the jobs of a node: says every 2 s that they are its own, and writes down what is said of them.
 *
 * While the store is away the jobs stay: nobody else could take them then. That a node is cut off from
 * a store which the others still see, it cannot know; they ask it over its link before they take its
 * jobs, and where that is cut off too, both run until it hears that it has lost them.
 */
export class JobKeeper {
  readonly #options: JobKeeperOptions;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  readonly #leaving = new Map<string, Leaving>();
  /** What is to be said of jobs that this node may have made without being told so. */
  readonly #doubtful = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> | undefined;
  #closed = false;

  constructor(options: JobKeeperOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#timer = setInterval(() => void this.renew(), options.intervalMs ?? JOB_RENEW_MS);
  }

  /** Those that are held, with what was last said of them. */
  jobs(): Job[] {
    return [...this.#held.values()].map(({ job }) => job);
  }

  job(id: string): Job | undefined {
    return this.#held.get(id)?.job;
  }

  /** Holds a job that was claimed for this node just now. */
  hold(job: Job): void {
    if (this.#closed) return;
    this.#leaving.delete(job.id);
    this.#held.set(job.id, { job, unwritten: false, writing: Promise.resolve(true) });
  }

  /** Of several in a row only the last may be written. @returns false where it is not held here. */
  async update(id: string, info: string): Promise<boolean> {
    const held = this.#held.get(id);
    if (held === undefined) return false;
    held.job = { ...held.job, info };
    if (!held.unwritten) {
      held.unwritten = true;
      held.writing = held.writing.then(() => this.#write(held));
    }
    return held.writing;
  }

  /**
   * It has ended. Written now, or as soon as the store is there.
   *
   * @returns the job as it ended; undefined where it is not held here.
   */
  end(id: string, info: string): Promise<Job | undefined> {
    return this.#leave(id, info, 'end');
  }

  /** Gives it back, for another node to go on with it; as `end` otherwise. */
  release(id: string, info: string): Promise<Job | undefined> {
    return this.#leave(id, info, 'release');
  }

  /**
   * The store did not answer when this node made a job: it may stand there, and nobody runs it. It ends
   * as soon as the store can be asked, before its lease runs out and another node starts it.
   */
  doubt(id: string, info: string): void {
    if (!this.#closed) this.#doubtful.set(id, info);
  }

  /** Says now that the jobs are held. Calls at the same time share one. Never rejects. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew()
      .catch((error: unknown) => this.#failed(error, 'the jobs of this node could not be renewed'))
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  /** What could not be written until now is tried once more; the rest is left to run out. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#renewing;
    await Promise.all([...this.#leaving.values()].map((leaving) => this.#tell(leaving)));
    this.#held.clear();
    this.#leaving.clear();
  }

  async #renew(): Promise<void> {
    const { store, owner } = this.#options;
    const jobs = this.jobs();
    if (jobs.length > 0) {
      for (const claim of await store.renew(owner, jobs)) this.#lose(claim);
    }
    for (const held of this.#held.values()) {
      if (held.unwritten) held.writing = held.writing.then(() => this.#write(held));
    }
    for (const leaving of [...this.#leaving.values()]) await this.#tell(leaving);
    for (const [id, info] of [...this.#doubtful]) {
      const job = await store.get(id);
      if (job?.owner === owner && !this.#held.has(id)) await store.end(job, info);
      this.#doubtful.delete(id);
    }
  }

  async #write(held: Held): Promise<boolean> {
    const { job } = held;
    if (!held.unwritten || this.#held.get(job.id) !== held) {
      return this.#held.get(job.id) === held;
    }
    held.unwritten = false;
    try {
      // Not its own any more, or lost by the store: the next renewal finds out which.
      const isOwn = await this.#options.store.update(job, job.info);
      if (!isOwn) void this.renew();
      return isOwn;
    } catch (error) {
      held.unwritten = true;
      this.#failed(error, 'what is said of a job could not be written');
      return true;
    }
  }

  async #leave(id: string, info: string, how: Leaving['how']): Promise<Job | undefined> {
    const held = this.#held.get(id);
    if (held === undefined) return undefined;
    this.#held.delete(id);
    const state = how === 'end' ? ('ended' as const) : ('waiting' as const);
    const job = { ...held.job, info };
    const leaving: Leaving = { job, how, writtenMs: undefined };
    this.#leaving.set(id, leaving);
    await held.writing;
    await this.#tell(leaving);
    return { ...job, state, leaseLeftMs: 0 };
  }

  /** Never rejects; what cannot be written now is written with a later renewal. */
  async #tell(leaving: Leaving): Promise<void> {
    const { job, how, writtenMs } = leaving;
    const { store, owner } = this.#options;
    if (this.#leaving.get(job.id) !== leaving) return;
    if (writtenMs !== undefined && this.#now() - writtenMs > ENDED_AGAIN_MS) {
      this.#leaving.delete(job.id);
      return;
    }
    try {
      let isOwn = await store[how](job, job.info);
      if (!isOwn && (await store.renew(owner, [job])).length === 0) {
        // The store had lost it.
        isOwn = await store[how](job, job.info);
      }
      leaving.writtenMs ??= this.#now();
      // One that was given back may be somebody else's a moment later: it is said once.
      if (!isOwn || how === 'release') this.#leaving.delete(job.id);
    } catch (error) {
      this.#failed(error, 'the end of a job could not be written; it is tried again');
    }
  }

  #lose({ id, epoch }: JobClaim): void {
    if (this.#held.get(id)?.job.epoch !== epoch) return;
    this.#held.delete(id);
    this.#options.log.warn({ job: id }, 'another node has this job by now: it stops here');
    this.#options.onLost(id);
  }

  #failed(error: unknown, what: string): void {
    // That the store is away is in the log already.
    if (error instanceof RegistryUnavailableError) return;
    this.#options.log.error({ err: error }, what);
  }
}
