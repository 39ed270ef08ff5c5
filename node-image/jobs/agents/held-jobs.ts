import type { Logger } from 'pino';
import { JOB_RENEW_MS, type Job } from '../job';
import type { JobStore } from '../job-store';
import { type AgentInfo, type AgentJob, readAgentJob } from './agent-job';
import type { AgentRooms } from './agent-rooms';
import type { AgentWorker } from './agent-worker';
import { giveAgainOrEnd } from './job-ends';

/** An agent whose worker is gone is looked for in its Room after so long, in ms, and then so often. */
const RETURN_MS = 10_000;
const LOOK_AGAIN_MS = 3000;

/** A job that this node holds. */
export interface HeldJob {
  agent: AgentJob;
  /** Undefined: it is being offered, or its worker is gone, and its agent may be there still. */
  worker: AgentWorker | undefined;
  /** When to look whether its agent is still there, monotonic; undefined: it has a worker, or is to get one. */
  lookAtMs: number | undefined;
}

export interface HeldJobsOptions {
  readonly store: JobStore;
  /** As which this node claims jobs. */
  readonly owner: string;
  readonly rooms: Pick<AgentRooms, 'connected'>;
  readonly log: Logger;
  /** @default 10000 */
  readonly returnMs?: number | undefined;
}

/** The jobs that this node has the lease of, with the workers that run them. */
export class HeldJobs {
  readonly #options: HeldJobsOptions;
  readonly #held = new Map<string, HeldJob>();
  readonly #timer: NodeJS.Timeout;
  #renewing = false;

  constructor(options: HeldJobsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#renew(), JOB_RENEW_MS);
  }

  get(id: string): HeldJob | undefined {
    return this.#held.get(id);
  }

  all(): HeldJob[] {
    return [...this.#held.values()];
  }

  /** @param worker - undefined: it is to get one */
  add(agent: AgentJob, worker?: AgentWorker): HeldJob {
    const held: HeldJob = { agent, worker, lookAtMs: undefined };
    this.#held.set(agent.job.id, held);
    return held;
  }

  /** A job whose worker nobody knows, and whose agent may be there. */
  addOrphan(agent: AgentJob): Promise<boolean> {
    return this.#loseWorker(this.add(agent));
  }

  /** It is not this node's any more: its worker is told to stop. Idempotent. */
  drop(id: string): void {
    this.forget(id)?.worker?.terminate(id);
  }

  /** Without a word to anybody. */
  forget(id: string): HeldJob | undefined {
    const held = this.#held.get(id);
    this.#held.delete(id);
    return held;
  }

  /** What the store says of a job: whether it is still this node's. */
  see(job: Job): void {
    const held = this.#held.get(job.id);
    if (held === undefined) return;
    const { job: own, info } = held.agent;
    // What was asked before it was claimed may be answered after that.
    if (job.epoch < own.epoch || (job.epoch === own.epoch && job.state === 'active')) return;
    // Where another node only looks after the same agent, that goes on.
    const goesOn =
      job.state === 'active' && readAgentJob(job)?.info.assignments === info.assignments;
    if (goesOn) this.forget(job.id);
    else this.drop(job.id);
  }

  /** Writes down what is known of it now. @returns false where it is not this node's any more. */
  async update(held: HeldJob, info: AgentInfo): Promise<boolean> {
    const { job } = held.agent;
    const text = JSON.stringify(info);
    if (!(await this.#options.store.update({ id: job.id, epoch: job.epoch }, text))) {
      this.drop(job.id);
      return false;
    }
    held.agent = { ...held.agent, job: { ...job, info: text }, info };
    return true;
  }

  /** A worker's connection is gone: it may come back, and its agents may be there still. */
  workerGone(worker: AgentWorker): void {
    for (const held of this.#held.values()) {
      if (held.worker !== worker) continue;
      this.#loseWorker(held).catch((error: unknown) => {
        this.#options.log.debug({ err: error }, 'it is not written down that a worker is gone');
      });
    }
  }

  /** Looks after the agents whose workers are gone. Never rejects. */
  async lookAfterOrphans(): Promise<void> {
    const now = performance.now();
    const due = this.all().filter(({ lookAtMs }) => lookAtMs !== undefined && lookAtMs <= now);
    await Promise.all(
      due.map((held) => {
        held.lookAtMs = now + LOOK_AGAIN_MS;
        return this.#lookAfter(held).catch((error: unknown) => {
          this.#options.log.debug(
            { err: error, job: held.agent.job.id },
            'it is not known whether an agent is still in its Room; it is asked again',
          );
        });
      }),
    );
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  #loseWorker(held: HeldJob): Promise<boolean> {
    held.worker = undefined;
    held.lookAtMs = performance.now() + this.#returnMs;
    return this.update(held, { ...held.agent.info, workerId: '', updatedAtMs: Date.now() });
  }

  async #lookAfter(held: HeldJob): Promise<void> {
    const { rooms, store, log } = this.#options;
    const { job } = held.agent;
    const connected = await rooms.connected(job.room);
    // Where the Room is nowhere, it may come back with its participants, or its jobs end with it.
    if (connected === undefined || connected.has(job.id) || !this.#isOrphan(held)) return;
    log.info(
      { room: job.room, job: job.id, agentName: held.agent.spec.agentName },
      'the worker of an agent is gone, and the agent with it',
    );
    await giveAgainOrEnd(store, held.agent, { how: 'lost', what: 'the worker of the agent' });
    // Where the store is away, it is held, and tried again.
    if (this.#held.get(job.id) === held) this.forget(job.id);
  }

  #isOrphan(held: HeldJob): boolean {
    const { id } = held.agent.job;
    return this.#held.get(id) === held && held.worker === undefined && held.lookAtMs !== undefined;
  }

  async #renew(): Promise<void> {
    if (this.#renewing || this.#held.size === 0) return;
    this.#renewing = true;
    const { store, owner, log } = this.#options;
    try {
      const lost = await store.renew(
        owner,
        this.all().map(({ agent }) => agent.job),
      );
      for (const { id, epoch } of lost) {
        const job = this.#held.get(id)?.agent.job.epoch === epoch ? await store.get(id) : undefined;
        if (job !== undefined) this.see(job);
      }
    } catch (error) {
      log.debug({ err: error }, 'the leases of agents are not renewed yet');
    } finally {
      this.#renewing = false;
    }
  }

  get #returnMs(): number {
    return this.#options.returnMs ?? RETURN_MS;
  }
}
