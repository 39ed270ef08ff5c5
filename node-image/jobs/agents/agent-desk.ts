import { setTimeout as sleep } from 'node:timers/promises';
import { JobStatus, type MigrateJobRequest, type UpdateJobStatus } from '@livekit/protocol';
import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../../cluster/registry';
import type { Job } from '../job';
import type { JobStore } from '../job-store';
import { type AgentJob, isRunning, participantOf, readAgentJob } from './agent-job';
import type { AgentRooms } from './agent-rooms';
import type { AgentLimits } from './agent-token';
import type { AgentWorker } from './agent-worker';
import type { AgentWorkers } from './agent-workers';
import { HeldJobs } from './held-jobs';
import { endAgentJob } from './job-ends';
import { JobOffers, type MintToken } from './job-offers';
import type { KnownKinds } from './known-kinds';

/** Changes are told as they happen; what was missed is found out so often, in ms. */
const POLL_MS = 3000;
/** How often it is looked whether a worker has become free, in ms. */
const TICK_MS = 500;
/** How often it is looked whether there are jobs of Rooms that are no more, in ms. */
const SWEEP_MS = 15_000;
/** A Room that is nowhere for so long, in ms, does not come back. */
const GONE_MS = 30_000;
/** The busier the workers of a Master Node, the later it reaches for a job: at most so much, in ms. */
const MODESTY_MS = 50;
/** A job that nobody took is offered again after so long, in ms, and twice as long each time again. */
const PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
/** So many jobs one worker may say that it brings along. */
const MAX_MIGRATED = 1000;

export interface AgentDeskOptions {
  readonly store: JobStore;
  /** The node, as which jobs are claimed. */
  readonly owner: string;
  /** There are others, who may have the jobs that this node holds when it ends. */
  readonly hasOthers: boolean;
  readonly workers: AgentWorkers;
  readonly kinds: Pick<KnownKinds, 'announce'>;
  readonly rooms: AgentRooms;
  readonly mint: MintToken;
  readonly limits: AgentLimits;
  readonly log: Logger;
  /** How long a worker may take to come back, in ms. @default 10000 */
  readonly returnMs?: number | undefined;
  /** How often it is looked for Rooms that are no more, in ms. @default 15000 */
  readonly sweepMs?: number | undefined;
  /** A Room that is nowhere for so long, in ms, does not come back. @default 30000 */
  readonly goneMs?: number | undefined;
}

interface Pause {
  readonly untilMs: number;
  readonly tries: number;
}

/**
 * Gives the jobs of agents to the workers that are connected to this node. All Master Nodes have such
 * a desk; of those that could give a job to a worker, one gets it from the store.
 */
export class AgentDesk {
  readonly held: HeldJobs;
  readonly #options: AgentDeskOptions;
  readonly #offers: JobOffers;
  /** Jobs that nobody has, as far as is known. */
  readonly #waiting = new Map<string, AgentJob>();
  readonly #trying = new Set<string>();
  readonly #pauses = new Map<string, Pause>();
  /** Rooms with jobs that are nowhere, and since when. */
  #missing: ReadonlyMap<string, number> = new Map();
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #deaf: () => void;
  #polling = false;
  #ending = false;

  constructor(options: AgentDeskOptions) {
    const { store, workers, mint, limits, log } = options;
    this.#options = options;
    this.held = new HeldJobs(options);
    this.#offers = new JobOffers({ store, workers, held: this.held, mint, limits, log });
    this.#deaf = store.onChange((id) => void this.#changed(id));
    this.#timers = [
      setInterval(() => void this.#poll(), POLL_MS),
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => void this.#sweep(), options.sweepMs ?? SWEEP_MS),
    ];
  }

  /** A worker has registered. */
  workerCame(worker: AgentWorker): void {
    this.#options.workers.add(worker);
    void this.#options.kinds.announce(worker.options);
    void this.#poll();
  }

  /** A worker's connection is gone. */
  workerGone(worker: AgentWorker): void {
    worker.close();
    this.#options.workers.remove(worker);
    this.held.workerGone(worker);
  }

  /** A worker says how a job goes. Never rejects. */
  async jobUpdated(worker: AgentWorker, { jobId, status, error }: UpdateJobStatus): Promise<void> {
    const held = this.held.get(jobId);
    if (held === undefined || held.worker !== worker) return;
    await this.#tried('to write down how a job goes', async () => {
      if (status === JobStatus.JS_SUCCESS || status === JobStatus.JS_FAILED) {
        this.held.forget(jobId);
        await endAgentJob(this.#options.store, jobId, status, error.slice(0, 1000));
      } else {
        await this.held.update(held, { ...held.agent.info, updatedAtMs: Date.now() });
      }
    });
  }

  /** A worker has come back, and still runs these jobs. Never rejects. */
  async migrated(worker: AgentWorker, { jobIds }: MigrateJobRequest): Promise<void> {
    for (const id of jobIds.slice(0, MAX_MIGRATED)) {
      await this.#tried('to take over a job of a worker', () => this.#migrate(worker, id));
    }
  }

  /** Takes no more jobs. Those that are held may be had by other Master Nodes at once. Idempotent. */
  async close(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#deaf();
    for (const timer of this.#timers) clearInterval(timer);
    this.held.close();
    if (!this.#options.hasOthers) return;
    await this.#tried('to give back the jobs of agents', async () => {
      await this.#options.store.expire(this.#options.owner);
    });
  }

  async #changed(id: string): Promise<void> {
    if (!id.startsWith('AJ_')) return;
    await this.#tried('to look at a job', async () => {
      const job = await this.#options.store.get(id);
      if (job !== undefined) this.#see(job);
    });
  }

  async #poll(): Promise<void> {
    if (this.#polling || this.#ending) return;
    this.#polling = true;
    await this.#tried('to look for jobs of agents', async () => {
      const jobs = await this.#options.store.list({ kind: 'agent', running: true });
      const known = new Set(jobs.map(({ id }) => id));
      for (const id of this.#waiting.keys()) {
        if (!known.has(id)) this.#forget(id);
      }
      for (const job of jobs) this.#see(job);
    });
    this.#polling = false;
  }

  #see(job: Job): void {
    if (this.#ending) return;
    const agent = readAgentJob(job);
    if (agent === undefined) return;
    this.held.see(job);
    if (job.state === 'ended') {
      this.#forget(job.id);
      // Its worker has lost the connection and come back: which one it is, only it knows.
      if (agent.info.assignments > 0 && agent.info.workerId === '') this.#tellAll(agent);
    } else if (job.state === 'waiting' || job.leaseLeftMs <= 0) {
      this.#waiting.set(job.id, agent);
      this.#try(agent);
    } else {
      this.#waiting.delete(job.id);
    }
  }

  #tellAll({ job, spec }: AgentJob): void {
    for (const worker of this.#options.workers.of(spec)) worker.terminate(job.id);
  }

  #forget(id: string): void {
    this.#waiting.delete(id);
    this.#pauses.delete(id);
  }

  #tick(): void {
    void this.held.lookAfterOrphans();
    for (const agent of [...this.#waiting.values()]) this.#try(agent);
  }

  #try(agent: AgentJob): void {
    const { id } = agent.job;
    const pause = this.#pauses.get(id);
    const isPaused = pause !== undefined && performance.now() < pause.untilMs;
    if (this.#ending || isPaused || this.#trying.has(id)) return;
    // One that was running is looked after by anybody; one that waits needs a worker.
    const load = isRunning(agent) ? 1 : this.#options.workers.lowestLoad(agent.spec);
    if (load === undefined) return;
    this.#trying.add(id);
    void this.#tried('to give a job to a worker', () => this.#take(agent, load)).finally(() =>
      this.#trying.delete(id),
    );
  }

  async #take({ job }: AgentJob, load: number): Promise<void> {
    const { store, owner, rooms } = this.#options;
    await sleep(Math.min(1, load) * MODESTY_MS * (0.5 + Math.random() / 2));
    this.#waiting.delete(job.id);
    const claimed = await store.claim(job.id, job.epoch, owner);
    const agent = claimed && readAgentJob(claimed);
    if (agent === undefined) return;
    if (isRunning(agent)) {
      await this.held.addOrphan(agent);
      return;
    }
    const held = this.held.add(agent);
    try {
      const identity = participantOf(agent);
      const isAgain = agent.info.assignments > 0 && identity !== undefined;
      if (isAgain && !(await rooms.hasParticipant(job.room, identity))) {
        this.held.forget(job.id);
        await endAgentJob(store, job.id, JobStatus.JS_SUCCESS);
        return;
      }
      this.#pause(job.id, await this.#offers.place(held));
    } catch (error) {
      // Its lease runs out, and it is there for all again.
      if (this.held.get(job.id) === held) this.held.forget(job.id);
      throw error;
    }
  }

  #pause(id: string, isSettled: boolean): void {
    if (isSettled) {
      this.#pauses.delete(id);
      return;
    }
    const tries = (this.#pauses.get(id)?.tries ?? 0) + 1;
    const forMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (tries - 1));
    this.#pauses.set(id, { untilMs: performance.now() + forMs, tries });
  }

  async #migrate(worker: AgentWorker, id: string): Promise<void> {
    const { store, owner } = this.#options;
    const known = this.held.get(id);
    const job = await store.get(id);
    const agent = job && readAgentJob(job);
    const { agentName, type } = worker.options;
    const isItsKind = agent?.spec.agentName === agentName && agent.spec.type === type;
    if (agent === undefined || !isItsKind || agent.job.state === 'ended') {
      worker.terminate(id);
      return;
    }
    if (known?.agent.job.epoch === agent.job.epoch && known.worker === undefined) {
      await this.#keep(worker, known.agent);
      return;
    }
    if (!isRunning(agent)) return;
    await store.release({ id, epoch: agent.job.epoch }, agent.job.info);
    const claimed = await store.claim(id, agent.job.epoch, owner);
    const taken = claimed && readAgentJob(claimed);
    if (taken !== undefined) await this.#keep(worker, taken);
  }

  async #keep(worker: AgentWorker, agent: AgentJob): Promise<void> {
    const held = this.held.add(agent, worker);
    worker.keeps(agent.job.id);
    this.#waiting.delete(agent.job.id);
    const workerId = worker.options.id;
    await this.held.update(held, { ...agent.info, workerId, updatedAtMs: Date.now() });
    if (worker.closed) this.held.workerGone(worker);
  }

  /** Ends the jobs of Rooms that are no more, whose node could not. */
  async #sweep(): Promise<void> {
    const { workers, kinds, rooms, store, goneMs = GONE_MS } = this.#options;
    for (const worker of workers.all()) void kinds.announce(worker.options);
    const jobs = [...this.#waiting.values(), ...this.held.all().map(({ agent }) => agent)];
    if (jobs.length === 0) return;
    await this.#tried('to look for jobs of Rooms that are no more', async () => {
      const names = await rooms.names();
      const now = performance.now();
      const missing = new Map<string, number>();
      for (const { job } of jobs.filter((one) => !names.has(one.job.room))) {
        const sinceMs = this.#missing.get(job.room) ?? now;
        missing.set(job.room, sinceMs);
        if (now - sinceMs >= goneMs) {
          await endAgentJob(store, job.id, JobStatus.JS_SUCCESS, 'the room is no more');
        }
      }
      this.#missing = missing;
    });
  }

  async #tried(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isAway = error instanceof RegistryUnavailableError;
      this.#options.log[isAway ? 'debug' : 'warn']({ err: error }, `it was not possible ${what}`);
    }
  }
}
