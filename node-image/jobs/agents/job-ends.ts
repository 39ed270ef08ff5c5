import { JobRestartPolicy, JobStatus } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { JobStore } from '../job-store';
import { type AgentJob, endedInfo, readAgentJob, waitingInfo } from './agent-job';
import { PatientTasks } from './patient-tasks';

/** A job may get another owner while it is being ended; so often it is tried. */
const ATTEMPTS = 10;
/** The same job is given to workers so often at most, where its agents are lost or fail. */
const MAX_ASSIGNMENTS = 5;
/** One that failed is given again after so long, in ms, and twice as long each time again. */
const AGAIN_MS = 1000;
/** The longest of these, in ms. */
export const MAX_AGAIN_MS = AGAIN_MS * 2 ** (MAX_ASSIGNMENTS - 2);

export type AgentEnd = JobStatus.JS_SUCCESS | JobStatus.JS_FAILED;

/**
 * Ends a job, whoever has it: its owner hears of that from the store, and tells the worker.
 *
 * @throws RegistryUnavailableError
 */
export async function endAgentJob(
  store: Pick<JobStore, 'get' | 'end'>,
  id: string,
  status: AgentEnd,
  error = '',
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const job = await store.get(id);
    const read = job && readAgentJob(job);
    if (job === undefined || read === undefined || job.state === 'ended') {
      return;
    }
    const info = endedInfo(read.info, status, Date.now(), error);
    if (await store.end({ id, epoch: job.epoch }, info)) {
      return;
    }
  }
}

/** What is wrong with a job that its worker or its agent did not finish. */
export interface Failure {
  /** `lost`: nobody runs it any more; `failed`: its worker or agent said so. */
  readonly how: 'lost' | 'failed';
  /** For people: who was lost, such as "the agent", or what was said. */
  readonly what: string;
}

/**
 * Has a job given to a worker anew, as its dispatch wants it (`restart_policy`); one that came to
 * nothing too often ends. Whoever has got it since keeps it.
 *
 * Source of the policy: livekit_agent_dispatch.proto JobRestartPolicy.
 *
 * @throws RegistryUnavailableError
 */
export async function giveAgainOrEnd(
  store: Pick<JobStore, 'get' | 'end' | 'release'>,
  { job, spec, info }: AgentJob,
  { how, what }: Failure,
): Promise<void> {
  const isWanted = spec.restartPolicy === JobRestartPolicy.JRP_ON_FAILURE;
  if (isWanted && info.assignments < MAX_ASSIGNMENTS) {
    const waitMs = how === 'failed' ? AGAIN_MS * 2 ** Math.max(0, info.assignments - 1) : 0;
    const waiting = waitingInfo(info, Date.now(), waitMs);
    await store.release({ id: job.id, epoch: job.epoch }, waiting);
    return;
  }
  const times = info.assignments === 1 ? 'once' : `${info.assignments} times`;
  const error = how === 'failed' ? what : `${what} was lost ${times}`;
  await endAgentJob(store, job.id, JobStatus.JS_FAILED, error);
}

/** Ends of jobs that are to be written, however long the store is away. */
export class PatientEnds {
  readonly #store: Pick<JobStore, 'get' | 'end' | 'release'>;
  readonly #tasks: PatientTasks;
  readonly #ending = new Set<string>();

  constructor(options: { readonly store: JobStore; readonly log: Pick<Logger, 'warn'> }) {
    this.#store = options.store;
    this.#tasks = new PatientTasks(options.log);
  }

  /** Whether the end of this job is not written yet. */
  has(id: string): boolean {
    return this.#ending.has(id);
  }

  /** @returns resolves when it is written; never rejects. */
  end(id: string, status: AgentEnd, error = ''): Promise<void> {
    return this.#run(id, () => endAgentJob(this.#store, id, status, error));
  }

  /** As `giveAgainOrEnd`. */
  failed(agent: AgentJob, failure: Failure): Promise<void> {
    return this.#run(agent.job.id, () => giveAgainOrEnd(this.#store, agent, failure));
  }

  /** Nothing is tried again. Idempotent. */
  close(): void {
    this.#tasks.close();
  }

  async #run(id: string, work: () => Promise<void>): Promise<void> {
    this.#ending.add(id);
    await this.#tasks.run('to write down the end of a job of an agent', () => true, work);
    this.#ending.delete(id);
  }
}
