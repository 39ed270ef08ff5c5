import type { KeyName } from '../../cluster/redis/keys';
import type { SharedRedis } from '../../cluster/redis/shared-redis';
import { RegistryUnavailableError } from '../../cluster/registry';
import { JOB_LEASE_MS, type Job, type JobClaim, type JobKind } from '../job';
import { jobHeadSchema } from '../job-schema';
import type { JobFilter, JobStore, NewJob } from '../job-store';
import {
  claimJob,
  createJob,
  endJob,
  expireOwner,
  readJobs,
  releaseJob,
  renewJobs,
  restoreJob,
  sweepJobs,
  unheldJobs,
  updateJob,
} from './job-scripts';

/** Jobs that one script looks at: others wait for it for some milliseconds at most. */
const BATCH = 100;
const LEASES = {
  egress: 'egressLeases',
  ingress: 'ingressLeases',
  agent: 'agentLeases',
} as const satisfies Record<JobKind, KeyName>;
/** Ended jobs that one script takes away. */
const SWEPT_AT_ONCE = 250;

/** The jobs of a cluster, in Redis. docs/registry.md describes what is kept there. */
export class RedisJobStore implements JobStore {
  readonly #shared: SharedRedis;
  readonly #listeners = new Set<(id: string) => void>();
  readonly #deaf: () => void;

  /** @param shared - of the cluster's registry, which closes it */
  constructor(shared: SharedRedis) {
    this.#shared = shared;
    this.#deaf = shared.listen('jobEvents', String, (id) => {
      for (const listener of this.#listeners) listener(id);
    });
  }

  async create(job: NewJob, owner = '', leaseMs = JOB_LEASE_MS): Promise<Job | undefined> {
    const { id, kind, room, spec, info } = job;
    const args = [id, kind, room, owner, lease(leaseMs), spec, info];
    return this.#job(await this.#shared.run(createJob, args));
  }

  async get(id: string): Promise<Job | undefined> {
    const [found] = await this.#read([id]);
    return found;
  }

  async read(ids: readonly string[], filter: JobFilter = {}): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let i = 0; i < ids.length; i += BATCH) {
      jobs.push(...(await this.#read(ids.slice(i, i + BATCH), filter)));
    }
    return jobs;
  }

  async unheld(kind: JobKind): Promise<string[]> {
    return list(await this.#shared.run(unheldJobs, [kind])).map(String);
  }

  async list(filter: JobFilter = {}): Promise<Job[]> {
    const jobs = await this.read(await this.#ids(filter), filter);
    return jobs
      .filter(({ state }) => !filter.running || state !== 'ended')
      .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  async claim(
    id: string,
    epoch: number,
    owner: string,
    leaseMs = JOB_LEASE_MS,
  ): Promise<Job | undefined> {
    const args = [id, `${epoch}`, owner, lease(leaseMs)];
    return this.#job(await this.#shared.run(claimJob, args));
  }

  async renew(owner: string, jobs: readonly Job[], leaseMs = JOB_LEASE_MS): Promise<JobClaim[]> {
    const lost = new Set<string>();
    for (let i = 0; i < jobs.length; i += BATCH) {
      const batch = jobs.slice(i, i + BATCH);
      const said = batch.flatMap(({ id, epoch }) => [id, `${epoch}`]);
      const answer = await this.#shared.run(renewJobs, [owner, lease(leaseMs), ...said]);
      const [others, missing] = list(answer).map((ids) => new Set(list(ids).map(String)));
      for (const id of others ?? []) lost.add(id);
      for (const job of batch.filter(({ id }) => missing?.has(id))) {
        const { id, epoch, spec, info } = job;
        const args = [id, `${epoch}`, headOf(job, owner), spec, info, lease(leaseMs)];
        if ((await this.#shared.run(restoreJob, args)) !== 1) lost.add(id);
      }
    }
    return jobs.filter(({ id }) => lost.has(id)).map(({ id, epoch }) => ({ id, epoch }));
  }

  async expire(owner: string): Promise<number> {
    return Number(await this.#shared.run(expireOwner, [owner]));
  }

  async update({ id, epoch }: JobClaim, info: string): Promise<boolean> {
    return (await this.#shared.run(updateJob, [id, `${epoch}`, info])) === 1;
  }

  async release({ id, epoch }: JobClaim, info: string): Promise<boolean> {
    return (await this.#shared.run(releaseJob, [id, `${epoch}`, info])) === 1;
  }

  async end({ id, epoch }: JobClaim, info: string): Promise<boolean> {
    return (await this.#shared.run(endJob, [id, `${epoch}`, info])) === 1;
  }

  async sweep(endedLongerAgoMs: number, mostEnded: number): Promise<number> {
    let all = 0;
    for (;;) {
      const args = [`${endedLongerAgoMs}`, `${mostEnded}`];
      const swept = Number(await this.#shared.run(sweepJobs, args));
      all += swept;
      if (swept < SWEPT_AT_ONCE) return all;
    }
  }

  onChange(listener: (id: string) => void): () => void {
    // A function of its own, so that one listener can be given twice.
    const own = (id: string): void => listener(id);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#deaf();
    this.#listeners.clear();
  }

  /** Of those that fit, and perhaps of others. */
  async #ids({ kind, room = '', running = false }: JobFilter): Promise<string[]> {
    const { keys } = this.#shared;
    if (room !== '') {
      const members = await this.#shared.ask(['jobRooms'], (client) =>
        client.zrange(keys.of('jobRooms'), `[${room}\0`, `(${room}\u0001`, 'BYLEX'),
      );
      return members.map((member) => member.slice(room.length + 1));
    }
    if (!running) return this.#shared.ask(['jobs'], (client) => client.hkeys(keys.of('jobs')));
    const names = kind === undefined ? Object.values(LEASES) : [LEASES[kind]];
    const found = await Promise.all(
      names.map((name) =>
        this.#shared.ask([name], (client) => client.zrange(keys.of(name), 0, '-1')),
      ),
    );
    return found.flat();
  }

  async #read(ids: readonly string[], filter: JobFilter = {}): Promise<Job[]> {
    const args = [filter.kind ?? '', filter.room ?? '', ...ids];
    const answer = list(await this.#shared.run(readJobs, args));
    return answer.flatMap((one) => this.#found(one) ?? []);
  }

  #job(answer: unknown): Job | undefined {
    if (answer === null) return undefined;
    const job = this.#found(answer);
    if (job === undefined) throw new RegistryUnavailableError('Redis answered with garbage');
    return job;
  }

  #found(answer: unknown): Job | undefined {
    const [id, text, spec, info, leaseLeftMs] = list(answer);
    const where = `${this.#shared.keys.of('jobs')} ${String(id)}`;
    const head = this.#shared.stored.read(jobHeadSchema, where, text);
    return (
      head && {
        id: String(id),
        ...head,
        spec: String(spec),
        info: String(info),
        leaseLeftMs: head.state === 'ended' ? 0 : Number(leaseLeftMs),
      }
    );
  }
}

/** What is put back where Redis has lost it: by all that its owner knows, the job runs. */
const headOf = (job: Job, owner: string): string =>
  JSON.stringify({ ...jobHeadSchema.parse(job), state: 'active', owner, endedAtMs: 0 });

const lease = (ms: number): string => `${Math.round(ms)}`;
const list = (answer: unknown): unknown[] => (Array.isArray(answer) ? answer : []);
