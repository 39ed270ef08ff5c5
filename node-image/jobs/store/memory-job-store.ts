import { RegistryUnavailableError } from '../../cluster/registry';
import { JOB_LEASE_MS, type Job, type JobClaim, type JobKind } from '../job';
import type { JobFilter, JobStore, NewJob } from '../job-store';

interface Known extends Omit<Job, 'leaseLeftMs'> {
  /** The end of its lease, or since when it has had no owner. */
  readonly untilMs: number;
}

/** The jobs of a Single Node: they are gone with its process, and so is what ran them. */
export class MemoryJobStore implements JobStore {
  readonly #now: () => number;
  readonly #jobs = new Map<string, Known>();
  readonly #listeners = new Set<(id: string) => void>();
  #closed = false;

  constructor(options: { readonly now?: () => number } = {}) {
    this.#now = options.now ?? Date.now;
  }

  async create(job: NewJob, owner = '', leaseMs = JOB_LEASE_MS): Promise<Job | undefined> {
    const now = this.#ask();
    if (this.#jobs.has(job.id)) return undefined;
    const { id, kind, room, spec, info } = job;
    return this.#put({
      ...{ id, kind, room, spec, info, owner },
      state: owner === '' ? 'waiting' : 'active',
      epoch: owner === '' ? 0 : now,
      retries: 0,
      losses: 0,
      createdAtMs: now,
      endedAtMs: 0,
      untilMs: owner === '' ? now : now + leaseMs,
    });
  }

  async get(id: string): Promise<Job | undefined> {
    this.#ask();
    const known = this.#jobs.get(id);
    return known && this.#seen(known);
  }

  async read(ids: readonly string[]): Promise<Job[]> {
    this.#ask();
    return ids.flatMap((id) => {
      const known = this.#jobs.get(id);
      return known === undefined ? [] : [this.#seen(known)];
    });
  }

  async unheld(kind: JobKind): Promise<string[]> {
    const now = this.#ask();
    return [...this.#jobs.values()]
      .filter((job) => job.kind === kind && job.state !== 'ended' && job.untilMs <= now)
      .sort((a, b) => a.untilMs - b.untilMs || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id);
  }

  async list({ kind, room, running = false }: JobFilter = {}): Promise<Job[]> {
    this.#ask();
    return [...this.#jobs.values()]
      .filter(
        (job) =>
          (kind === undefined || job.kind === kind) &&
          (room === undefined || room === '' || job.room === room) &&
          (!running || job.state !== 'ended'),
      )
      .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1))
      .map((job) => this.#seen(job));
  }

  async claim(
    id: string,
    epoch: number,
    owner: string,
    leaseMs = JOB_LEASE_MS,
  ): Promise<Job | undefined> {
    const now = this.#ask();
    const job = this.#jobs.get(id);
    if (job === undefined || job.state === 'ended' || job.epoch !== epoch) return undefined;
    if (job.state === 'active' && job.untilMs > now) return undefined;
    const hadOwner = job.owner !== '' ? 1 : 0;
    return this.#put({
      ...job,
      state: 'active',
      owner,
      epoch: Math.max(job.epoch + 1, now),
      retries: job.retries + hadOwner,
      losses: job.losses + (job.state === 'active' ? hadOwner : 0),
      untilMs: now + leaseMs,
    });
  }

  async renew(owner: string, jobs: readonly Job[], leaseMs = JOB_LEASE_MS): Promise<JobClaim[]> {
    const untilMs = this.#ask() + leaseMs;
    const lost: JobClaim[] = [];
    for (const { leaseLeftMs: _left, ...job } of jobs) {
      const known = this.#jobs.get(job.id);
      if (known === undefined || known.epoch < job.epoch) {
        this.#put({ ...job, state: 'active', owner, endedAtMs: 0, untilMs });
      } else if (known.epoch === job.epoch && known.owner === owner && known.state === 'active') {
        this.#jobs.set(job.id, { ...known, untilMs });
      } else {
        lost.push({ id: job.id, epoch: job.epoch });
      }
    }
    return lost;
  }

  async expire(owner: string): Promise<number> {
    const now = this.#ask();
    const held = [...this.#jobs.values()].filter(
      (job) => job.owner === owner && job.state === 'active' && job.untilMs > now,
    );
    for (const job of held) this.#put({ ...job, untilMs: now });
    return held.length;
  }

  async update({ id, epoch }: JobClaim, info: string): Promise<boolean> {
    const job = this.#own(id, epoch);
    if (job === undefined || job.state === 'ended') return false;
    this.#jobs.set(id, { ...job, info });
    return true;
  }

  async release({ id, epoch }: JobClaim, info: string): Promise<boolean> {
    const job = this.#own(id, epoch);
    if (job?.state !== 'active') return false;
    this.#put({ ...job, state: 'waiting', info, untilMs: this.#now() });
    return true;
  }

  async end({ id, epoch }: JobClaim, info: string): Promise<boolean> {
    const job = this.#own(id, epoch);
    if (job === undefined) return false;
    if (job.state !== 'ended') {
      this.#put({ ...job, state: 'ended', info, endedAtMs: this.#now() });
    }
    return true;
  }

  async sweep(endedLongerAgoMs: number, mostEnded: number): Promise<number> {
    const now = this.#ask();
    const ended = [...this.#jobs.values()]
      .filter(({ state }) => state === 'ended')
      .sort((a, b) => b.endedAtMs - a.endedAtMs);
    const counts = new Map<string, number>();
    const old = ended.filter(({ kind, endedAtMs }) => {
      if (now - endedAtMs >= endedLongerAgoMs) return true;
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return count > mostEnded;
    });
    for (const { id } of old) this.#jobs.delete(id);
    return old.length;
  }

  onChange(listener: (id: string) => void): () => void {
    // A function of its own, so that one listener can be given twice.
    const own = (id: string): void => listener(id);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
  }

  /** @returns the time. */
  #ask(): number {
    if (this.#closed) throw new RegistryUnavailableError('the store of jobs is closed');
    return this.#now();
  }

  #own(id: string, epoch: number): Known | undefined {
    this.#ask();
    const job = this.#jobs.get(id);
    return job?.epoch === epoch ? job : undefined;
  }

  #seen({ untilMs, ...job }: Known): Job {
    return { ...job, leaseLeftMs: job.state === 'ended' ? 0 : untilMs - this.#now() };
  }

  #put(job: Known): Job {
    this.#jobs.set(job.id, job);
    // Later, as over a network: nobody is called from within a call of its own.
    setImmediate(() => {
      for (const listener of this.#listeners) listener(job.id);
    });
    return this.#seen(job);
  }
}
