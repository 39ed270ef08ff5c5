import { JobStatus, type MigrateJobRequest, type UpdateJobStatus } from '@livekit/protocol';
import type { JobStore } from '../job-store';
import { type AgentJob, isRunning, readAgentJob } from './agent-job';
import { kindKey } from './agent-kind';
import type { AgentWorker } from './agent-worker';
import type { HeldJobs } from './held-jobs';
import type { AgentEnd, PatientEnds } from './job-ends';

/** So many jobs one worker may say that it brings along. */
const MAX_MIGRATED = 1000;
/** So much of what one worker says may wait for the store; what comes beyond that is not heard. */
const MAX_WAITING = 1000;
/** Of what a worker says is wrong, in characters. */
const MAX_ERROR = 1000;

export interface WorkerReportsOptions {
  readonly store: JobStore;
  /** The node, as which jobs are claimed. */
  readonly owner: string;
  readonly held: HeldJobs;
  readonly ends: PatientEnds;
  /** A worker has this job, which may have waited. */
  readonly onKept: (id: string) => void;
  /** Does it, and says in the log where that was not possible. */
  readonly tried: (what: string, work: () => Promise<void>) => Promise<void>;
}

/** What workers say of the jobs that they have: it is done in the order in which each says it. */
export class WorkerReports {
  readonly #options: WorkerReportsOptions;
  readonly #last = new WeakMap<AgentWorker, { done: Promise<void>; waiting: number }>();

  constructor(options: WorkerReportsOptions) {
    this.#options = options;
  }

  /** A worker says how a job goes. Never rejects. */
  jobUpdated(worker: AgentWorker, { jobId, status, error }: UpdateJobStatus): Promise<void> {
    const { tried } = this.#options;
    return this.#next(worker, () =>
      tried('to write down how a job goes', async () => {
        const known = this.#options.held.get(jobId);
        const held = known?.worker === worker ? known : undefined;
        if (status === JobStatus.JS_SUCCESS || status === JobStatus.JS_FAILED) {
          const agent = held?.agent ?? (await this.#orphan(worker, jobId));
          if (agent !== undefined) this.#over(agent, status, error.slice(0, MAX_ERROR));
        } else if (held !== undefined) {
          await this.#options.held.update(held, { ...held.agent.info, updatedAtMs: Date.now() });
        }
      }),
    );
  }

  /** A worker has come back, and still runs these jobs. Never rejects. */
  migrated(worker: AgentWorker, { jobIds }: MigrateJobRequest): Promise<void> {
    const { tried } = this.#options;
    return this.#next(worker, async () => {
      for (const id of jobIds.slice(0, MAX_MIGRATED)) {
        await tried('to take over a job of a worker', () => this.#migrate(worker, id));
      }
    });
  }

  /** Not waited for: while the store is away, nothing else that the worker says is to wait. */
  #over(agent: AgentJob, status: AgentEnd, what: string): void {
    const { held, ends } = this.#options;
    const { id } = agent.job;
    held.forget(id);
    void (status === JobStatus.JS_SUCCESS
      ? ends.end(id, status, what)
      : ends.failed(agent, { how: 'failed', what }));
  }

  /** One of its kind whose worker is gone: this may be it, with another connection. */
  async #orphan(worker: AgentWorker, id: string): Promise<AgentJob | undefined> {
    const job = await this.#options.store.get(id);
    const agent = job && readAgentJob(job);
    const isOrphan = agent !== undefined && isRunning(agent) && agent.info.workerId === '';
    return isOrphan && isItsKind(worker, agent) ? agent : undefined;
  }

  async #migrate(worker: AgentWorker, id: string): Promise<void> {
    const { store, owner, held } = this.#options;
    const known = held.get(id);
    const job = await store.get(id);
    const agent = job && readAgentJob(job);
    if (agent === undefined || !isItsKind(worker, agent) || agent.job.state === 'ended') {
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
    const { held, onKept } = this.#options;
    const now = held.add(agent, worker);
    onKept(agent.job.id);
    await held.update(now, {
      ...agent.info,
      workerId: worker.options.id,
      updatedAtMs: Date.now(),
    });
    if (worker.closed) held.workerGone(worker);
  }

  #next(worker: AgentWorker, work: () => Promise<void>): Promise<void> {
    const last = this.#last.get(worker) ?? { done: Promise.resolve(), waiting: 0 };
    this.#last.set(worker, last);
    if (last.waiting >= MAX_WAITING) return Promise.resolve();
    last.waiting += 1;
    last.done = last.done.then(work).finally(() => {
      last.waiting -= 1;
    });
    return last.done;
  }
}

const isItsKind = (worker: AgentWorker, { spec }: AgentJob): boolean =>
  kindKey(spec) === kindKey(worker.options);
