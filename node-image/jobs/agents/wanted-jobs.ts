import { createHash } from 'node:crypto';
import { JobType } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { RoomDispatch } from '../../room/agent-dispatches';
import type { Participant } from '../../room/participant';
import type { Room } from '../../room/room';
import type { JobStore } from '../job-store';
import { type AgentSpec, NEW_INFO } from './agent-job';
import type { PatientTasks } from './patient-tasks';

/** For whom a job is made. */
export interface WantedJob {
  readonly room: Room;
  readonly dispatch: RoomDispatch;
  readonly type: JobType;
  /** @default - it is for the Room */
  readonly participant?: Participant | undefined;
}

export interface WantedJobsOptions {
  readonly store: Pick<JobStore, 'create'>;
  readonly tasks: PatientTasks;
  /** `agents.enable_user_data_recording` */
  readonly enableRecording: boolean;
  /** `agents.enable_user_data_redaction` */
  readonly enableRedaction: boolean;
  readonly log: Logger;
}

/**
 * Makes jobs of agents, each once: its id follows from what it is for, and the store has one of an id,
 * whoever asks for it again, on whichever node.
 */
export class WantedJobs {
  readonly #options: WantedJobsOptions;
  readonly #making = new Set<string>();
  /** Those of participants who are here: made before, also where the store has forgotten them. */
  readonly #made = new WeakMap<Participant, Set<string>>();

  constructor(options: WantedJobsOptions) {
    this.#options = options;
  }

  /** Makes it, unless it was made before. It is tried again while the store is away. */
  make(wanted: WantedJob): void {
    const { room, dispatch, participant } = wanted;
    const id = idOf(wanted);
    const made = participant === undefined ? undefined : this.#madeFor(participant);
    if (this.#making.has(id) || made?.has(id)) return;
    const isWanted = (): boolean =>
      !room.closed &&
      room.dispatches.all.some((one) => one.id === dispatch.id) &&
      participant?.closed !== true;
    this.#making.add(id);
    void this.#options.tasks
      .run('to make the job of an agent', isWanted, async () => {
        await this.#create(id, wanted);
        made?.add(id);
        // Now, and not before: a Room that has lost its node meanwhile is to have it made.
        if (participant === undefined) room.dispatches.launched(dispatch.id);
      })
      .finally(() => this.#making.delete(id));
  }

  async #create(id: string, { room, dispatch, type, participant }: WantedJob): Promise<void> {
    const { store, enableRecording, enableRedaction, log } = this.#options;
    const { agentName } = dispatch;
    const spec: AgentSpec = {
      dispatchId: dispatch.id,
      type,
      agentName,
      deployment: dispatch.deployment,
      metadata: dispatch.metadata,
      attributes: dispatch.attributes,
      room: room.info().toJson(),
      ...(participant !== undefined && { participant: participant.info().toJson() }),
      enableRecording,
      enableRedaction,
      restartPolicy: dispatch.restartPolicy,
    };
    const job = await store.create({
      ...{ id, kind: 'agent', room: room.name },
      spec: JSON.stringify(spec),
      info: JSON.stringify(NEW_INFO),
    });
    if (job === undefined) return;
    const identity = participant?.identity;
    log.info(
      { room: room.name, job: id, type: JobType[type], agentName, identity },
      'an agent is wanted',
    );
  }

  #madeFor(participant: Participant): Set<string> {
    const known = this.#made.get(participant) ?? new Set();
    this.#made.set(participant, known);
    return known;
  }
}

/** Who has moved with its Room keeps the time at which it joined, and not its sid. */
function idOf({ dispatch, type, participant }: WantedJob): string {
  const whom = participant === undefined ? [] : [participant.identity, participant.joinedAtMs];
  const text = JSON.stringify([dispatch.id, type, ...whom]);
  return `AJ_${createHash('sha256').update(text).digest('hex').slice(0, 20)}`;
}
