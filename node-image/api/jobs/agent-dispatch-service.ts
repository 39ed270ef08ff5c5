import {
  AgentDispatch,
  AgentDispatchState,
  CreateAgentDispatchRequest,
  CreateRoomRequest,
  DeleteAgentDispatchRequest,
  type Job,
  ListAgentDispatchRequest,
  ListAgentDispatchResponse,
} from '@livekit/protocol';
import { newId } from '../../room/ids';
import type { RoomControl } from '../../room/room-control';
import { requireRoomAdmin } from '../authorization';
import { SizeChecks, type SizeLimits } from '../size-limits';
import { type TwirpService, twirpMethod } from '../twirp';
import { TwirpError } from '../twirp-error';

/** Of an agent's name, in bytes. */
const MAX_NAME_BYTES = 256;

export interface AgentDispatchServiceOptions {
  readonly rooms: Pick<
    RoomControl,
    'createRoom' | 'createDispatch' | 'deleteDispatch' | 'listDispatch'
  >;
  /** The jobs of agents of a Room, ended ones too, each with its `dispatchId`. */
  readonly jobs: (room: string) => Promise<readonly Job[]>;
  /** A Room that does not exist is made. `room.auto_create` */
  readonly autoCreate: boolean;
  readonly limits?: SizeLimits;
}

/**
 * livekit.AgentDispatchService: which agents a Room is to have, and how their jobs go.
 *
 * Source: livekit_agent_dispatch.proto.
 */
export function agentDispatchService(options: AgentDispatchServiceOptions): TwirpService {
  const { rooms, jobs, autoCreate } = options;
  const check = new SizeChecks(options.limits ?? {});
  return {
    name: 'livekit.AgentDispatchService',
    methods: new Map([
      [
        'CreateDispatch',
        twirpMethod(CreateAgentDispatchRequest, async (request, { grants }) => {
          requireRoomAdmin(grants, request.room);
          check.roomName(request.room);
          check.metadata(request.metadata);
          check.attributes(request.attributes);
          checkName('agent_name', request.agentName);
          checkName('deployment', request.deployment);
          const { room, agentName, metadata, attributes, deployment, restartPolicy } = request;
          if (autoCreate) {
            await rooms.createRoom(new CreateRoomRequest({ name: room }));
          }
          const id = newId('AD_');
          return rooms.createDispatch(
            new AgentDispatch({
              ...{ id, room, agentName, metadata, attributes, deployment, restartPolicy },
            }),
          );
        }),
      ],
      [
        'DeleteDispatch',
        twirpMethod(DeleteAgentDispatchRequest, async (request, { grants }) => {
          requireRoomAdmin(grants, request.room);
          const deleted = await rooms.deleteDispatch(request);
          deleted.state ??= new AgentDispatchState();
          deleted.state.deletedAt = BigInt(Date.now()) * 1_000_000n;
          return deleted;
        }),
      ],
      [
        'ListDispatch',
        twirpMethod(ListAgentDispatchRequest, async (request, { grants }) => {
          requireRoomAdmin(grants, request.room);
          const agentDispatches = await rooms.listDispatch(request);
          const known = agentDispatches.length === 0 ? [] : await jobs(request.room);
          for (const dispatch of agentDispatches) {
            dispatch.state ??= new AgentDispatchState();
            dispatch.state.jobs = known.filter(({ dispatchId }) => dispatchId === dispatch.id);
          }
          return new ListAgentDispatchResponse({ agentDispatches });
        }),
      ],
    ]),
  };
}

function checkName(field: string, name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES) {
    const text = `${field} has ${bytes} bytes; ${MAX_NAME_BYTES} are allowed`;
    throw new TwirpError('invalid_argument', text, { argument: field });
  }
}
