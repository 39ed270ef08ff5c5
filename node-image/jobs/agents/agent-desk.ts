import { setTimeout as sleep } from 'node:timers/promises';
import { JobStatus, type SimulateJobRequest } from '@livekit/protocol';
import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../../cluster/registry';
import type { Job } from '../job';
import type { JobStore } from '../job-store';
import { type AgentJob, isRunning, participantOf, readAgentJob } from './agent-job';
import { kindKey } from './agent-kind';
import type { AgentRooms } from './agent-rooms';
import type { AgentLimits } from './agent-token';
import type { AgentWorker } from './agent-worker';
import type { AgentWorkers } from './agent-workers';
import { GoneRooms } from './gone-rooms';
import { HeldJobs } from './held-jobs';
import { MAX_AGAIN_MS, PatientEnds } from './job-ends';
import { JobOffers, type JobOffersOptions, type MintToken, type Reserved } from './job-offers';
import type { KnownKinds } from './known-kinds';
import { SimulatedJobs } from './simulated-jobs';
import { WaitingJobs } from './waiting-jobs';
import { WorkerReports } from './worker-reports';

/** Changes are told as they happen; what was missed is found out so often, in ms. */
const POLL_MS = 3000;
/** How often it is looked whether a worker has become free, in ms. */
const TICK_MS = 500;
/** How often it is looked whether there are jobs of Rooms that are no more, in ms. */
const SWEEP_MS = 15_000;
/** The busier the workers of a Master Node, the later it reaches for a job: at most so much, in ms. */
const MODESTY_MS = 50;
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
  /** Told of each offer. @default nothing */
  readonly onOffer?: JobOffersOptions['onOffer'];
  /** How long a worker may take to come back, in ms. @default 10000 */
  readonly returnMs?: number | undefined;
  /** How often it is looked for Rooms that are no more, in ms. @default 15000 */
  readonly sweepMs?: number | undefined;
  /** A Room that is nowhere for so long, in ms, does not come back. @default 30000 */
  readonly goneMs?: number | undefined;
}

/**
 * Gives the jobs of agents to the workers that are connected to this node. All Master Nodes have such
 * a desk; of those that could give a job to a worker, one gets it from the store.
 */
export class AgentDesk {
  readonly held: HeldJobs;
  readonly reports: WorkerReports;
  readonly #simulated: SimulatedJobs;
  readonly #options: AgentDeskOptions;
  readonly #offers: JobOffers;
  readonly #ends: PatientEnds;
  readonly #goneRooms: GoneRooms;
  readonly #waiting = new WaitingJobs();
  readonly #trying = new Set<string>();
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #deaf: () => void;
  #polling = false;
  #ending = false;

  constructor(options: AgentDeskOptions) {
    const { store, owner, rooms, goneMs, log } = options;
    this.#options = options;
    this.held = new HeldJobs(options);
    const { held } = this;
    const ends = new PatientEnds({ store, log });
    this.#ends = ends;
    this.#offers = new JobOffers({ ...options, held, ends });
    this.#simulated = new SimulatedJobs({ store, owner, held, offers: this.#offers, ends, log });
    this.#goneRooms = new GoneRooms({ rooms, ends, goneMs });
    this.reports = new WorkerReports({
      ...{ store, owner, held, ends },
      onKept: (id) => this.#waiting.taken(id),
      tried: (what, work) => this.#tried(what, work),
    });
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

  /** A worker asks for a job of its own. Never rejects. */
  simulate(worker: AgentWorker, request: SimulateJobRequest): Promise<void> {
    return this.#tried('to make a job that a worker asks for', () =>
      this.#simulated.start(worker, request),
    );
  }

  /** Names of agents, one for each worker that is connected and for each job, as far as is known. */
  get figures() {
    const { workers } = this.#options;
    return {
      workers: workers.all().map(({ options }) => options.agentName),
      running: this.held.all().map(({ agent }) => agent.spec.agentName),
      waiting: this.#waiting.all().map(({ spec }) => spec.agentName),
    };
  }

  /** Takes no more jobs. Those that are held may be had by other Master Nodes at once. Idempotent. */
  async close(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#deaf();
    for (const timer of this.#timers) clearInterval(timer);
    this.held.close();
    this.#ends.close();
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
      const { store } = this.#options;
      const free = await store.unheld('agent');
      const unknown = new Set(free);
      for (const { job } of this.#waiting.all()) {
        if (!unknown.delete(job.id)) this.#waiting.forget(job.id);
      }
      for (const job of await store.read([...unknown])) this.#see(job);
    });
    this.#polling = false;
  }

  #see(job: Job): void {
    if (this.#ending) return;
    const agent = readAgentJob(job);
    if (agent === undefined) return;
    this.held.see(job);
    if (job.state === 'ended') {
      this.#waiting.forget(job.id);
      // Its worker has lost the connection and come back: which one it is, only it knows.
      if (agent.info.assignments > 0 && agent.info.workerId === '') this.#tellAll(agent);
    } else if (job.state === 'waiting' || job.leaseLeftMs <= 0) {
      this.#waiting.see(agent);
      this.#try(agent);
    } else {
      this.#waiting.taken(job.id);
    }
  }

  #tellAll({ job, spec }: AgentJob): void {
    for (const worker of this.#options.workers.of(spec)) worker.terminate(job.id);
  }

  #tick(): void {
    void this.held.lookAfterOrphans();
    const closed = new Map<string, boolean>();
    for (const agent of this.#waiting.all()) {
      const key = kindKey(agent.spec);
      const isClosed = closed.get(key) ?? !this.#options.workers.hasRoom(agent.spec);
      closed.set(key, isClosed);
      if (!isClosed || isRunning(agent)) this.#try(agent);
    }
  }

  #try(agent: AgentJob): void {
    const { id } = agent.job;
    const isBusy = this.#trying.has(id) || this.#ends.has(id);
    if (this.#ending || isBusy || mayNotYet(agent)) return;
    // One that was running is looked after by anybody; one that waits needs a worker with room for it.
    const worker = isRunning(agent)
      ? undefined
      : this.#options.workers.choose(agent.spec, this.#waiting.refusedBy(id));
    if (worker === undefined && !isRunning(agent)) return;
    const modesty = Math.min(1, worker?.load ?? 1);
    const reserved = worker && { worker, free: worker.reserve() };
    this.#trying.add(id);
    void this.#tried('to give a job to a worker', async () => {
      await sleep(modesty * MODESTY_MS * (0.5 + Math.random() / 2));
      await this.#take(agent, reserved);
    }).finally(() => {
      reserved?.free();
      this.#trying.delete(id);
    });
  }

  async #take({ job }: AgentJob, reserved: Reserved | undefined): Promise<void> {
    const { store, owner, rooms } = this.#options;
    this.#waiting.taken(job.id);
    const claimed = await store.claim(job.id, job.epoch, owner);
    const agent = claimed && readAgentJob(claimed);
    if (agent === undefined) return;
    if (isRunning(agent) || reserved === undefined) {
      await this.held.addOrphan(agent);
      return;
    }
    const held = this.held.add(agent);
    try {
      const identity = participantOf(agent);
      const isAgain = agent.info.assignments > 0 && identity !== undefined;
      if (isAgain && !(await rooms.hasParticipant(job.room, identity))) {
        this.held.forget(job.id);
        void this.#ends.end(job.id, JobStatus.JS_SUCCESS);
        return;
      }
      const asked = await this.#offers.place(held, reserved, this.#waiting.refusedBy(job.id));
      if (asked === undefined) this.#waiting.forget(job.id);
      else this.#waiting.refused(job.id, asked);
    } catch (error) {
      // Its lease runs out, and it is there for all again.
      if (this.held.get(job.id) === held) this.held.forget(job.id);
      throw error;
    }
  }

  /** Ends the jobs of Rooms that are no more, whose node could not. */
  async #sweep(): Promise<void> {
    const { workers, kinds } = this.#options;
    for (const worker of workers.all()) void kinds.announce(worker.options);
    const held = this.held.all().map(({ agent }) => agent);
    await this.#tried('to look for jobs of Rooms that are no more', () =>
      this.#goneRooms.look([...this.#waiting.all(), ...held]),
    );
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

/** A clock that was set back does not keep a job for long. */
function mayNotYet({ info }: AgentJob): boolean {
  const leftMs = info.notBeforeMs - Date.now();
  return leftMs > 0 && leftMs <= MAX_AGAIN_MS;
}
