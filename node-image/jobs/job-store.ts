import type { Job, JobClaim, JobKind } from './job';

export interface NewJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly room: string;
  readonly spec: string;
  readonly info: string;
}

export interface JobFilter {
  readonly kind?: JobKind;
  readonly room?: string;
  /** Without those that have ended. @default false */
  readonly running?: boolean;
}

/**
 * The jobs of a cluster: in Redis, or of a Single Node without one in memory. Each method is one
 * atomic step, and rejects with RegistryUnavailableError where the store does not answer in time.
 */
export interface JobStore {
  /**
   * @param owner - has it at once. @default - it waits
   * @returns undefined where there is a job of this id: nothing changes.
   */
  create(job: NewJob, owner?: string, leaseMs?: number): Promise<Job | undefined>;
  get(id: string): Promise<Job | undefined>;
  /**
   * Those of one kind or Room: the oldest first. What is asked for of one Room, or of those of one kind
   * that run, costs as much as there are of them.
   */
  list(filter?: JobFilter): Promise<Job[]>;
  /** Ids of those of a kind that nobody holds: who has been without an owner longest comes first. */
  unheld(kind: JobKind): Promise<string[]>;
  /** Those that there are of these, in this order. */
  read(ids: readonly string[]): Promise<Job[]>;
  /**
   * Takes a job that waits, or whose lease has run out.
   *
   * @param epoch - of the job as it was seen: of many who want it, one gets it
   * @returns undefined where it has changed, has ended or is not there.
   */
  claim(id: string, epoch: number, owner: string, leaseMs?: number): Promise<Job | undefined>;
  /**
   * Holds jobs for another lease. One that the store has lost stands again by what its owner knows.
   *
   * @returns those that are not this owner's any more: it has to stop them at once.
   */
  renew(owner: string, jobs: readonly Job[], leaseMs?: number): Promise<JobClaim[]>;
  /**
   * Ends the leases of an owner that was found dead, so that nobody has to wait for that. One that
   * lives after all, and says so before another has claimed its jobs, has them again.
   *
   * @returns how many jobs it had.
   */
  expire(owner: string): Promise<number>;
  /** Writes down what the owner says of it. @returns whether the job is still its own. */
  update(claim: JobClaim, info: string): Promise<boolean>;
  /** Gives it back to be placed anew: by a node that drains. @returns whether it was its own. */
  release(claim: JobClaim, info: string): Promise<boolean>;
  /**
   * It has ended: nobody takes it again. Saying so twice changes nothing.
   *
   * @returns whether it was its own.
   */
  end(claim: JobClaim, info: string): Promise<boolean>;
  /** Takes away jobs that ended longer ago than this, or are more than `mostEnded` of their kind. */
  sweep(endedLongerAgoMs: number, mostEnded: number): Promise<number>;
  /**
   * Told at most once of each change of state or owner, and not of what is said of a job; whoever misses
   * one finds out by asking.
   *
   * @returns ends it
   */
  onChange(listener: (id: string) => void): () => void;
  /** Idempotent. */
  close(): Promise<void>;
}
