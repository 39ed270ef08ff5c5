import {
  AgentDispatch,
  AgentDispatchState,
  Job,
  JobState,
  JobStatus,
  type ListAgentDispatchRequest,
} from '@livekit/protocol';
import type { RoomDispatch } from './agent-dispatches';
import { RoomError } from './errors';
import type { Room } from './room';

/** Of the protocol's times, which are in ns. */
const NS_PER_MS = 1_000_000n;

/** As the server API shows it. */
export const dispatchMessage = (
  { createdAtMs, isLaunched: _, ...dispatch }: RoomDispatch,
  room: string,
): AgentDispatch =>
  new AgentDispatch({
    ...dispatch,
    room,
    state: new AgentDispatchState({ createdAt: BigInt(createdAtMs) * NS_PER_MS }),
  });

/** @throws RoomError where there is none of this id. */
export function removeDispatch(room: Room, id: string): AgentDispatch {
  const removed = room.dispatches.remove(id);
  if (removed === undefined) {
    throw new RoomError('not_found', 'agent dispatch does not exist');
  }
  return dispatchMessage(removed, room.name);
}

/** Those of a Room; an empty id asks for all. */
export function listDispatches(
  room: Room,
  { dispatchId }: Pick<ListAgentDispatchRequest, 'dispatchId'>,
): AgentDispatch[] {
  return room.dispatches.all
    .filter(({ id }) => dispatchId === '' || id === dispatchId)
    .map((dispatch) => dispatchMessage(dispatch, room.name));
}

/** The jobs of the agents that are connected now. */
export function connectedJobs(room: Room): Job[] {
  return room.reachable().flatMap((participant) => {
    const { grants, identity, isConnected } = participant;
    return grants.agentJob === undefined || !isConnected
      ? []
      : [
          new Job({
            id: grants.agentJob.id,
            state: new JobState({ status: JobStatus.JS_RUNNING, participantIdentity: identity }),
          }),
        ];
  });
}
