import { DisconnectReason, JobStatus, type ParticipantInfo } from '@livekit/protocol';
import type { AgentJobGrant } from '../../room/grants';
import type { LocalRooms } from '../../room/local-rooms';
import type { Participant } from '../../room/participant';
import type { JobStore } from '../job-store';
import { type AgentJob, isRunning, readAgentJob } from './agent-job';
import { endAgentJob, giveAgainOrEnd } from './job-ends';
import type { PatientTasks } from './patient-tasks';

/** The worker of an agent that has left says what it was within so long, in ms, or it was a success. */
const REPORT_MS = 1000;
/** An agent that was cut off may come back for so long, in ms; its SDK tries at once. */
const RETURN_MS = 8000;

export interface AgentsPresentOptions {
  readonly store: JobStore;
  readonly rooms: () => Pick<LocalRooms, 'get'>;
  readonly tasks: PatientTasks;
  /** @default 8000 */
  readonly returnMs?: number;
}

/**
 * The agents in the Rooms of this node, by the job that their token names. One that leaves has done
 * its job; the job of one that is lost is given to a worker again.
 */
export class AgentsPresent {
  readonly #options: AgentsPresentOptions;
  /** By the sid of the participant. */
  readonly #jobs = new Map<string, AgentJobGrant>();
  readonly #timers = new Map<NodeJS.Timeout, () => void>();

  constructor(options: AgentsPresentOptions) {
    this.#options = options;
  }

  came({ sid, grants }: Participant): void {
    if (grants.agentJob !== undefined) this.#jobs.set(sid, grants.agentJob);
  }

  /** It goes on elsewhere. */
  departed({ sid }: ParticipantInfo): void {
    this.#jobs.delete(sid);
  }

  /** @returns whether it was an agent with a job. */
  left(room: string, info: ParticipantInfo): boolean {
    const job = this.#jobs.get(info.sid);
    this.#jobs.delete(info.sid);
    if (job === undefined) return false;
    const { disconnectReason: reason } = info;
    if (isWish(reason)) {
      this.#later(REPORT_MS, () => this.#end(job, reason === DisconnectReason.AGENT_ERROR));
    } else if (reason !== DisconnectReason.DUPLICATE_IDENTITY) {
      this.#later(this.#options.returnMs ?? RETURN_MS, () => this.#lost(room, job));
    }
    return true;
  }

  /** What was to be done a moment later is done now. Idempotent. */
  close(): void {
    for (const [timer, work] of this.#timers) {
      clearTimeout(timer);
      work();
    }
    this.#timers.clear();
  }

  #end(grant: AgentJobGrant, failed: boolean): void {
    const { tasks, store } = this.#options;
    void tasks.run(
      'to end the job of an agent that has left',
      () => true,
      async () => {
        const read = await this.#job(grant);
        if (read === undefined) return;
        const what = 'the agent left because of an error';
        await (failed
          ? giveAgainOrEnd(store, read, { how: 'failed', what })
          : endAgentJob(store, grant.id, JobStatus.JS_SUCCESS));
      },
    );
  }

  /** @returns undefined where it has ended, or was given to another worker since. */
  async #job({ id, assignment }: AgentJobGrant): Promise<AgentJob | undefined> {
    const job = await this.#options.store.get(id);
    const read = job && readAgentJob(job);
    return read && isRunning(read) && read.info.assignments === assignment ? read : undefined;
  }

  #lost(room: string, grant: AgentJobGrant): void {
    const { tasks, store, rooms } = this.#options;
    const isGone = (): boolean => {
      const there = rooms().get(room);
      const all = [...(there?.participants.values() ?? []), ...(there?.expected.values() ?? [])];
      // Where the Room is no more, its jobs are ended with it, or go on with it.
      return there !== undefined && all.every(({ grants }) => grants.agentJob?.id !== grant.id);
    };
    void tasks.run('to give the job of a lost agent to another worker', isGone, async () => {
      const read = await this.#job(grant);
      if (read === undefined) return;
      await giveAgainOrEnd(store, read, { how: 'lost', what: 'the agent' });
    });
  }

  #later(afterMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, afterMs);
    timer.unref();
    this.#timers.set(timer, work);
  }
}

/** Whether somebody wanted it to leave, itself perhaps. */
function isWish(reason: DisconnectReason): boolean {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
    case DisconnectReason.PARTICIPANT_REMOVED:
    case DisconnectReason.AGENT_ERROR:
    case DisconnectReason.USER_REJECTED:
    case DisconnectReason.USER_UNAVAILABLE:
      return true;
    default:
      // ROOM_DELETED and ROOM_CLOSED: its jobs are ended with the Room.
      return false;
  }
}
