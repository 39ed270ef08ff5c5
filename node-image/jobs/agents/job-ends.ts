import type { JobStatus } from '@livekit/protocol';
import type { JobStore } from '../job-store';
import { type AgentJob, endedInfo, readAgentJob, waitingInfo } from './agent-job';

/** A job may get another owner while it is being ended; so often it is tried. */
const ATTEMPTS = 10;

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

/**
 * Takes a job from who has it, so that it is given to a worker anew; one that has got another owner
 * since is left alone.
 *
 * @throws RegistryUnavailableError
 */
export const giveAgain = (
  store: Pick<JobStore, 'release'>,
  { job, info }: Pick<AgentJob, 'job' | 'info'>,
): Promise<boolean> =>
  store.release({ id: job.id, epoch: job.epoch }, waitingInfo(info, Date.now()));
