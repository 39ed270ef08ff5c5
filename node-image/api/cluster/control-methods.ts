import type { Message, MessageType } from '@bufbuild/protobuf';
import {
  AgentDispatch,
  AgentDispatchState,
  CreateRoomRequest,
  DeleteAgentDispatchRequest,
  DeleteRoomRequest,
  DeleteRoomResponse,
  ListAgentDispatchRequest,
  ListAgentDispatchResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  MuteRoomTrackRequest,
  MuteRoomTrackResponse,
  ParticipantInfo,
  PerformRpcRequest,
  PerformRpcResponse,
  RemoveParticipantResponse,
  Room,
  RoomParticipantIdentity,
  SendDataRequest,
  SendDataResponse,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
  UpdateSubscriptionsResponse,
} from '@livekit/protocol';
import { participantNotFound, roomNotFound } from '../../room/errors';
import type { RoomControl } from '../../room/room-control';

/**
 * What is done where the answer was lost, so that nobody knows whether the call was carried out.
 *
 * `again`: it is made again, which changes nothing where it was. `again-gone`: the same, and where
 * its object is gone by then, it was carried out. `give-up`: a second time would be seen by clients,
 * so the caller is told `unavailable`.
 */
export type WhenLost = 'again' | 'again-gone' | 'give-up';

/** One method of RoomControl on its way over the node link, `POST /control/<name>`. */
export interface ControlMethod<I extends Message<I>, O extends Message<O>> {
  readonly name: string;
  readonly input: MessageType<I>;
  readonly output: MessageType<O>;
  readonly whenLost: WhenLost;
  /** The Room that it is about; undefined: any. */
  readonly room: (request: I) => string | undefined;
  /** How long the method itself may wait for clients, ms. @default 0 */
  readonly waitsMs?: (request: I) => number;
  /** The answer of a cluster in which the Room runs nowhere. May throw. */
  readonly nowhere: (request: I) => O;
  readonly call: (control: RoomControl, request: I) => Promise<O>;
}

/** The response timeout of an RPC that says none. Source: livekit/protocol utils/data_channel_rpc.go. */
const RPC_TIMEOUT_MS = 10_000;

const noRoom = (): never => {
  throw roomNotFound();
};
const noParticipant = (): never => {
  throw participantNotFound();
};
const roomOf = (request: { readonly room: string }): string => request.room;

/** A method, with its types checked against each other. */
const method = <I extends Message<I>, O extends Message<O>>(
  one: ControlMethod<I, O>,
): ControlMethod<I, O> => one;

/** Every method of RoomControl: both ends of the node link go by this table. */
export const CONTROL_METHODS = {
  createRoom: method({
    name: 'CreateRoom',
    input: CreateRoomRequest,
    output: Room,
    whenLost: 'again',
    room: (request) => request.name,
    // It is placed, so it always runs somewhere.
    nowhere: noRoom,
    call: (control, request) => control.createRoom(request),
  }),
  listRooms: method({
    name: 'ListRooms',
    input: ListRoomsRequest,
    output: ListRoomsResponse,
    whenLost: 'again',
    room: () => undefined,
    nowhere: () => new ListRoomsResponse(),
    call: async (control, request) =>
      new ListRoomsResponse({ rooms: await control.listRooms(request) }),
  }),
  deleteRoom: method({
    name: 'DeleteRoom',
    input: DeleteRoomRequest,
    output: DeleteRoomResponse,
    whenLost: 'again-gone',
    room: roomOf,
    nowhere: noRoom,
    call: async (control, request) => {
      await control.deleteRoom(request);
      return new DeleteRoomResponse();
    },
  }),
  listParticipants: method({
    name: 'ListParticipants',
    input: ListParticipantsRequest,
    output: ListParticipantsResponse,
    whenLost: 'again',
    room: roomOf,
    nowhere: () => new ListParticipantsResponse(),
    call: async (control, { room }) =>
      new ListParticipantsResponse({ participants: await control.listParticipants(room) }),
  }),
  getParticipant: method({
    name: 'GetParticipant',
    input: RoomParticipantIdentity,
    output: ParticipantInfo,
    whenLost: 'again',
    room: roomOf,
    nowhere: noParticipant,
    call: (control, request) => control.getParticipant(request),
  }),
  removeParticipant: method({
    name: 'RemoveParticipant',
    input: RoomParticipantIdentity,
    output: RemoveParticipantResponse,
    whenLost: 'again-gone',
    room: roomOf,
    nowhere: noParticipant,
    call: async (control, request) => {
      await control.removeParticipant(request);
      return new RemoveParticipantResponse();
    },
  }),
  mutePublishedTrack: method({
    name: 'MutePublishedTrack',
    input: MuteRoomTrackRequest,
    output: MuteRoomTrackResponse,
    whenLost: 'again',
    room: roomOf,
    nowhere: noParticipant,
    call: async (control, request) => {
      const track = await control.mutePublishedTrack(request);
      return new MuteRoomTrackResponse(track === undefined ? {} : { track });
    },
  }),
  updateParticipant: method({
    name: 'UpdateParticipant',
    input: UpdateParticipantRequest,
    output: ParticipantInfo,
    whenLost: 'again',
    room: roomOf,
    nowhere: noParticipant,
    call: (control, request) => control.updateParticipant(request),
  }),
  updateSubscriptions: method({
    name: 'UpdateSubscriptions',
    input: UpdateSubscriptionsRequest,
    output: UpdateSubscriptionsResponse,
    whenLost: 'again',
    room: roomOf,
    nowhere: noParticipant,
    call: async (control, request) => {
      await control.updateSubscriptions(request);
      return new UpdateSubscriptionsResponse();
    },
  }),
  sendData: method({
    name: 'SendData',
    input: SendDataRequest,
    output: SendDataResponse,
    whenLost: 'give-up',
    room: roomOf,
    nowhere: noRoom,
    call: async (control, request) => {
      await control.sendData(request);
      return new SendDataResponse();
    },
  }),
  updateRoomMetadata: method({
    name: 'UpdateRoomMetadata',
    input: UpdateRoomMetadataRequest,
    output: Room,
    whenLost: 'again',
    room: roomOf,
    nowhere: noRoom,
    call: (control, request) => control.updateRoomMetadata(request),
  }),
  performRpc: method({
    name: 'PerformRpc',
    input: PerformRpcRequest,
    output: PerformRpcResponse,
    whenLost: 'give-up',
    room: roomOf,
    waitsMs: ({ responseTimeoutMs }) => responseTimeoutMs || RPC_TIMEOUT_MS,
    nowhere: noRoom,
    call: async (control, request) =>
      new PerformRpcResponse({ payload: await control.performRpc(request) }),
  }),
  createDispatch: method({
    name: 'CreateDispatch',
    input: AgentDispatch,
    output: AgentDispatch,
    whenLost: 'again',
    room: roomOf,
    nowhere: noRoom,
    call: (control, request) => control.createDispatch(request),
  }),
  deleteDispatch: method({
    name: 'DeleteDispatch',
    input: DeleteAgentDispatchRequest,
    output: AgentDispatch,
    whenLost: 'again-gone',
    room: roomOf,
    nowhere: noRoom,
    call: (control, request) => control.deleteDispatch(request),
  }),
  listDispatch: method({
    name: 'ListDispatch',
    input: ListAgentDispatchRequest,
    output: ListAgentDispatchResponse,
    whenLost: 'again',
    room: roomOf,
    nowhere: () => new ListAgentDispatchResponse(),
    call: async (control, request) =>
      new ListAgentDispatchResponse({ agentDispatches: await control.listDispatch(request) }),
  }),
  connectedAgents: method({
    name: 'ConnectedAgents',
    input: ListAgentDispatchRequest,
    output: AgentDispatchState,
    whenLost: 'again',
    room: roomOf,
    nowhere: noRoom,
    call: async (control, { room }) =>
      new AgentDispatchState({ jobs: await control.connectedAgents(room) }),
  }),
} satisfies Record<keyof RoomControl, unknown>;
