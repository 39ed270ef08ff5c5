import { JobRestartPolicy, JobStatus, JobType, type SimulateJobRequest } from '@livekit/protocol';
import type { Logger } from 'pino';
import { newId } from '../../room/ids';
import type { JobStore } from '../job-store';
import { type AgentSpec, NEW_INFO, readAgentJob, SIMULATED } from './agent-job';
import type { AgentWorker } from './agent-worker';
import type { HeldJobs } from './held-jobs';
import type { PatientEnds } from './job-ends';
import type { JobOffers } from './job-offers';

/** One worker may have so many being offered to it. */
const AT_ONCE = 10;
/** Of the name of a Room, where no limit is configured, in bytes. */
const MAX_NAME_BYTES = 256;

export interface SimulatedJobsOptions {
  readonly store: JobStore;
  readonly owner: string;
  readonly held: HeldJobs;
  readonly offers: JobOffers;
  readonly ends: PatientEnds;
  readonly log: Logger;
}

/**
 * Jobs that a worker asks for itself, as tools for developers do: they are like any other, but for this
 * worker only, and of no dispatch.
 *
 * Source: livekit-server, pkg/service/agentservice.go HandleSimulateJob.
 */
export class SimulatedJobs {
  readonly #options: SimulatedJobsOptions;
  readonly #underWay = new WeakMap<AgentWorker, number>();

  constructor(options: SimulatedJobsOptions) {
    this.#options = options;
  }

  /** What is wrong with it is in the log: the protocol has no answer. @throws RegistryUnavailableError */
  async start(worker: AgentWorker, request: SimulateJobRequest): Promise<void> {
    const { log } = this.#options;
    const underWay = this.#underWay.get(worker) ?? 0;
    const wrong = underWay >= AT_ONCE ? `${AT_ONCE} are under way` : wrongIn(request);
    if (wrong !== undefined) {
      log.info({ worker: worker.options.id, wrong }, 'a worker asked for a job that is not made');
      return;
    }
    this.#underWay.set(worker, underWay + 1);
    try {
      await this.#start(worker, request);
    } finally {
      this.#underWay.set(worker, (this.#underWay.get(worker) ?? 1) - 1);
    }
  }

  async #start(worker: AgentWorker, { room, participant }: SimulateJobRequest): Promise<void> {
    const { store, owner, held, offers, ends, log } = this.#options;
    const { agentName, deployment, id: workerId } = worker.options;
    const spec: AgentSpec = {
      dispatchId: SIMULATED,
      type: participant === undefined ? JobType.JT_ROOM : JobType.JT_PUBLISHER,
      ...{ agentName, deployment, metadata: '', attributes: {} },
      room: room?.toJson() ?? {},
      ...(participant !== undefined && { participant: participant.toJson() }),
      ...{ enableRecording: false, enableRedaction: false },
      restartPolicy: JobRestartPolicy.JRP_NEVER,
    };
    const id = newId('AJ_');
    const made = { id, kind: 'agent', room: room?.name ?? '' } as const;
    const texts = { spec: JSON.stringify(spec), info: JSON.stringify(NEW_INFO) };
    const job = await store.create({ ...made, ...texts }, owner);
    const agent = job && readAgentJob(job);
    if (agent === undefined) return;
    log.info({ job: id, room: made.room, worker: workerId }, 'a worker asked for a job');
    const reserved = { worker, free: worker.reserve() };
    const onlyIt = { has: (other: AgentWorker) => other !== worker };
    try {
      const asked = await offers.place(held.add(agent), reserved, onlyIt);
      if (asked !== undefined) {
        await ends.end(id, JobStatus.JS_FAILED, 'the worker that asked for it does not take it');
      }
    } finally {
      reserved.free();
    }
  }
}

function wrongIn({ room }: SimulateJobRequest): string | undefined {
  const bytes = Buffer.byteLength(room?.name ?? '');
  if (bytes === 0) return 'it names no room';
  return bytes > MAX_NAME_BYTES
    ? `the name of its room has ${bytes} bytes; ${MAX_NAME_BYTES} are allowed`
    : undefined;
}
