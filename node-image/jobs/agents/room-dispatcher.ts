import { JobStatus, JobType, type ParticipantInfo, type Room as RoomInfo } from '@livekit/protocol';
import type { RoomDispatch } from '../../room/agent-dispatches';
import type { LocalRooms } from '../../room/local-rooms';
import type { Participant } from '../../room/participant';
import type { Room } from '../../room/room';
import type { RoomObserver } from '../../room/room-observer';
import type { JobStore } from '../job-store';
import { type AgentJob, participantOf, readAgentJob, SIMULATED } from './agent-job';
import { type AgentKind, kindKey } from './agent-kind';
import { AgentsPresent, type AgentsPresentOptions } from './agents-present';
import { endAgentJob } from './job-ends';
import type { KnownKinds } from './known-kinds';
import { PatientTasks } from './patient-tasks';
import { WantedJobs, type WantedJobsOptions } from './wanted-jobs';

export interface RoomDispatcherOptions extends Omit<WantedJobsOptions, 'store' | 'tasks'> {
  readonly store: JobStore;
  readonly kinds: Pick<KnownKinds, 'any' | 'has' | 'onAdded'>;
  /** The Rooms of this node. */
  readonly rooms: () => Pick<LocalRooms, 'get' | 'all'>;
  /** @default - see AgentsPresent */
  readonly returnMs?: AgentsPresentOptions['returnMs'];
}

/**
 * Makes the jobs of the agents that Rooms of this node are to have, and ends them with the Room, or
 * when nobody wants them any more. Who carries them out is none of its business.
 *
 * Source: livekit-server, pkg/rtc/room.go: when which job is launched.
 */
export class RoomDispatcher implements RoomObserver {
  readonly #options: RoomDispatcherOptions;
  readonly #present: AgentsPresent;
  readonly #tasks: PatientTasks;
  readonly #wanted: WantedJobs;
  readonly #deaf: () => void;
  /** Who has published before, by sid: only the first track makes a job. */
  readonly #publishers = new Set<string>();

  constructor(options: RoomDispatcherOptions) {
    const { store, rooms, log, returnMs } = options;
    this.#options = options;
    this.#tasks = new PatientTasks(log);
    this.#wanted = new WantedJobs({ ...options, tasks: this.#tasks });
    this.#present = new AgentsPresent({
      store,
      rooms,
      tasks: this.#tasks,
      ...(returnMs !== undefined && { returnMs }),
    });
    this.#deaf = options.kinds.onAdded((added) => this.#kindsAdded(added));
  }

  roomStarted({ name }: RoomInfo): void {
    this.#soon(name, (room) => {
      this.#launchForRoom(room);
      this.#endUnwanted(room);
    });
  }

  roomArrived(room: RoomInfo): void {
    this.roomStarted(room);
  }

  roomFinished({ name }: RoomInfo): void {
    const room = this.#options.rooms().get(name);
    const ids = room?.dispatches.all.map(({ id }) => id) ?? [];
    const dispatches = new Set([...ids, SIMULATED]);
    this.#endJobs(
      name,
      ({ spec }) => dispatches.has(spec.dispatchId),
      () => true,
    );
  }

  agentsWanted({ name }: RoomInfo): void {
    this.#soon(name, (room) => {
      this.#launchForRoom(room);
      this.#launchForPresent(room, () => true);
      this.#endUnwanted(room);
    });
  }

  participantJoined({ name }: RoomInfo, info: ParticipantInfo): void {
    const found = this.#participant(name, info);
    if (found === undefined) return;
    const [room, participant] = found;
    this.#present.came(participant);
    if (!participant.dependent) {
      this.#launchFor(room, JobType.JT_PARTICIPANT, participant);
    }
  }

  participantRejoined({ name }: RoomInfo, info: ParticipantInfo): void {
    const found = this.#participant(name, info);
    if (found === undefined) return;
    // It publishes anew as well, and whoever served it still does.
    this.#publishers.add(info.sid);
    this.#present.came(found[1]);
  }

  trackPublished({ name }: RoomInfo, info: ParticipantInfo): void {
    if (this.#publishers.has(info.sid)) return;
    const found = this.#participant(name, info);
    if (found === undefined || found[1].dependent) return;
    this.#publishers.add(info.sid);
    this.#launchFor(found[0], JobType.JT_PUBLISHER, found[1]);
  }

  participantLeft({ name }: RoomInfo, info: ParticipantInfo): void {
    this.#publishers.delete(info.sid);
    if (this.#present.left(name, info)) return;
    this.#endJobs(
      name,
      (one) => one.job.state === 'waiting' && participantOf(one) === info.identity,
      () => this.#options.rooms().get(name)?.participants.has(info.identity) !== true,
    );
  }

  participantConnectionAborted(room: RoomInfo, info: ParticipantInfo): void {
    this.participantLeft(room, info);
  }

  participantDeparted(_room: RoomInfo, info: ParticipantInfo): void {
    this.#publishers.delete(info.sid);
    this.#present.departed(info);
  }

  /** Idempotent. */
  close(): void {
    this.#deaf();
    this.#present.close();
    this.#tasks.close();
  }

  #kindsAdded(added: readonly AgentKind[]): void {
    const keys = new Set(added.map(kindKey));
    const isAdded = (kind: AgentKind): boolean => keys.has(kindKey(kind));
    for (const room of this.#options.rooms().all()) {
      this.#launchForRoom(room);
      this.#launchForPresent(room, isAdded);
    }
  }

  #launchForRoom(room: Room): void {
    for (const dispatch of room.dispatches.all) {
      const type = JobType.JT_ROOM;
      if (dispatch.isLaunched || !this.#options.kinds.has(kindOf(dispatch, type))) continue;
      this.#wanted.make({ room, dispatch, type });
    }
  }

  /** For those who are there already. */
  #launchForPresent(room: Room, wanted: (kind: AgentKind) => boolean): void {
    for (const participant of room.reachable()) {
      if (participant.dependent || !participant.isAnnounced) continue;
      this.#launchFor(room, JobType.JT_PARTICIPANT, participant, wanted);
      if (this.#publishers.has(participant.sid)) {
        this.#launchFor(room, JobType.JT_PUBLISHER, participant, wanted);
      }
    }
  }

  #launchFor(
    room: Room,
    type: JobType.JT_PARTICIPANT | JobType.JT_PUBLISHER,
    participant: Participant,
    wanted: (kind: AgentKind) => boolean = () => true,
  ): void {
    for (const dispatch of room.dispatches.all) {
      const kind = kindOf(dispatch, type);
      if (wanted(kind) && this.#options.kinds.has(kind)) {
        this.#wanted.make({ room, dispatch, type, participant });
      }
    }
  }

  /** Those of dispatches that are no more, or of a Room of the same name that is no more. */
  #endUnwanted(room: Room): void {
    const isWanted = (id: string): boolean =>
      id === SIMULATED || room.dispatches.all.some((one) => one.id === id);
    this.#endJobs(
      room.name,
      ({ spec }) => !isWanted(spec.dispatchId),
      () => !room.closed,
    );
  }

  #endJobs(room: string, fits: (job: AgentJob) => boolean, isWanted: () => boolean): void {
    // Without workers there are no jobs, and nothing is asked.
    if (!this.#options.kinds.any) return;
    void this.#tasks.run('to end the jobs of agents', isWanted, async () => {
      for (const one of (await this.#running(room)).filter(fits)) {
        await endAgentJob(this.#options.store, one.job.id, JobStatus.JS_SUCCESS);
      }
    });
  }

  async #running(room: string): Promise<AgentJob[]> {
    const jobs = await this.#options.store.list({ kind: 'agent', room, running: true });
    return jobs.map(readAgentJob).filter((one) => one !== undefined);
  }

  /** When the Room that observers are told of is among those of the node. */
  #soon(name: string, work: (room: Room) => void): void {
    setImmediate(() => {
      const room = this.#options.rooms().get(name);
      if (room !== undefined && !room.closed) work(room);
    });
  }

  #participant(name: string, { identity, sid }: ParticipantInfo): [Room, Participant] | undefined {
    const room = this.#options.rooms().get(name);
    const participant = room?.participants.get(identity);
    return room !== undefined && participant?.sid === sid ? [room, participant] : undefined;
  }
}

const kindOf = ({ agentName, deployment }: RoomDispatch, type: JobType): AgentKind => ({
  type,
  agentName,
  deployment,
});
