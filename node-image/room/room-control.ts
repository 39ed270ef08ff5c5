import type {
  AgentDispatch,
  CreateRoomRequest,
  DeleteAgentDispatchRequest,
  DeleteRoomRequest,
  Job,
  ListAgentDispatchRequest,
  ListRoomsRequest,
  MuteRoomTrackRequest,
  ParticipantInfo,
  PerformRpcRequest,
  Room,
  RoomParticipantIdentity,
  SendDataRequest,
  TrackInfo,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
} from '@livekit/protocol';

/**
 * What the server API can do to Rooms, wherever they are hosted.
 *
 * Requests arrive here authorized and within the size limits. Each method rejects with a
 * `RoomError` (room/errors.ts) whose code and text are LiveKit's.
 *
 * Source: livekit_room.proto, service RoomService.
 */
export interface RoomControl {
  createRoom(request: CreateRoomRequest): Promise<Room>;
  listRooms(request: ListRoomsRequest): Promise<Room[]>;
  deleteRoom(request: DeleteRoomRequest): Promise<void>;
  listParticipants(room: string): Promise<ParticipantInfo[]>;
  getParticipant(request: RoomParticipantIdentity): Promise<ParticipantInfo>;
  removeParticipant(request: RoomParticipantIdentity): Promise<void>;
  mutePublishedTrack(request: MuteRoomTrackRequest): Promise<TrackInfo | undefined>;
  updateParticipant(request: UpdateParticipantRequest): Promise<ParticipantInfo>;
  updateSubscriptions(request: UpdateSubscriptionsRequest): Promise<void>;
  sendData(request: SendDataRequest): Promise<void>;
  updateRoomMetadata(request: UpdateRoomMetadataRequest): Promise<Room>;
  /** @returns the payload of the participant's answer. */
  performRpc(request: PerformRpcRequest): Promise<string>;
  /** Its id is the caller's; the same one again changes nothing. */
  createDispatch(dispatch: AgentDispatch): Promise<AgentDispatch>;
  /** @returns it as it was. */
  deleteDispatch(request: DeleteAgentDispatchRequest): Promise<AgentDispatch>;
  /** Without the state of their jobs, which the store of jobs knows. */
  listDispatch(request: ListAgentDispatchRequest): Promise<AgentDispatch[]>;
  /** The jobs of the agents that are connected to a Room now: their ids, and who they are. */
  connectedAgents(room: string): Promise<Job[]>;
}
