import {
  type AgentDispatch,
  type CreateRoomRequest,
  type DeleteAgentDispatchRequest,
  type Job,
  type ListAgentDispatchRequest,
  type ListRoomsRequest,
  ParticipantInfo,
  Room,
  type RoomParticipantIdentity,
  TrackInfo,
} from '@livekit/protocol';
import { participantNotFound, RoomError, roomNotFound } from '../../../node-image/room/errors';
import type { RoomControl } from '../../../node-image/room/room-control';

interface Known {
  readonly room: Room;
  readonly participants: Map<string, ParticipantInfo>;
  readonly dispatches: AgentDispatch[];
}

/** Rooms as data, enough to see that calls arrive; `calls` has every request. */
export class MemoryRoomControl implements RoomControl {
  readonly calls: (readonly [string, unknown])[] = [];
  readonly #rooms = new Map<string, Known>();

  addParticipant(room: string, identity: string): void {
    const info = new ParticipantInfo({ sid: `PA_${identity}`, identity });
    this.#find(room).participants.set(identity, info);
  }

  async createRoom(request: CreateRoomRequest): Promise<Room> {
    this.calls.push(['createRoom', request]);
    if (request.name === 'explode') throw new Error('a secret detail');
    const { name, metadata, emptyTimeout } = request;
    const room = new Room({
      sid: `RM_${name}`,
      name,
      metadata,
      emptyTimeout,
      creationTime: 1_700_000_000n,
    });
    this.#rooms.set(name, { room, participants: new Map(), dispatches: [] });
    return room;
  }

  async listRooms({ names }: ListRoomsRequest): Promise<Room[]> {
    const rooms = [...this.#rooms.values()].map((entry) => entry.room);
    return names.length === 0 ? rooms : rooms.filter((room) => names.includes(room.name));
  }

  async deleteRoom({ room }: { room: string }): Promise<void> {
    this.#find(room);
    this.#rooms.delete(room);
  }

  async listParticipants(room: string): Promise<ParticipantInfo[]> {
    return [...this.#find(room).participants.values()];
  }

  async getParticipant({ room, identity }: RoomParticipantIdentity): Promise<ParticipantInfo> {
    const found = this.#find(room).participants.get(identity);
    if (found === undefined) throw participantNotFound();
    return found;
  }

  async removeParticipant(request: RoomParticipantIdentity): Promise<void> {
    await this.getParticipant(request);
    this.#find(request.room).participants.delete(request.identity);
  }

  async mutePublishedTrack(request: { trackSid: string; muted: boolean }): Promise<TrackInfo> {
    return new TrackInfo({ sid: request.trackSid, muted: request.muted });
  }

  async updateParticipant(request: {
    room: string;
    identity: string;
    name: string;
  }): Promise<ParticipantInfo> {
    this.calls.push(['updateParticipant', request]);
    return new ParticipantInfo({ identity: request.identity, name: request.name });
  }

  async updateSubscriptions(request: unknown): Promise<void> {
    this.calls.push(['updateSubscriptions', request]);
  }

  async sendData(request: unknown): Promise<void> {
    this.calls.push(['sendData', request]);
  }

  async updateRoomMetadata(request: { room: string; metadata: string }): Promise<Room> {
    const { room } = this.#find(request.room);
    room.metadata = request.metadata;
    return room;
  }

  async performRpc(request: { payload: string; method: string }): Promise<string> {
    if (request.method === 'fail') {
      throw new RoomError('failed_precondition', 'rpc failed', { rpc_error_code: '1400' });
    }
    return `echo ${request.payload}`;
  }

  async createDispatch(dispatch: AgentDispatch): Promise<AgentDispatch> {
    const { dispatches } = this.#find(dispatch.room);
    dispatches.push(dispatch);
    return dispatch;
  }

  async deleteDispatch(request: DeleteAgentDispatchRequest): Promise<AgentDispatch> {
    const { dispatches } = this.#find(request.room);
    const index = dispatches.findIndex(({ id }) => id === request.dispatchId);
    const [removed] = index < 0 ? [] : dispatches.splice(index, 1);
    if (removed === undefined) throw new RoomError('not_found', 'agent dispatch does not exist');
    return removed;
  }

  async listDispatch({ room, dispatchId }: ListAgentDispatchRequest): Promise<AgentDispatch[]> {
    const dispatches = this.#rooms.get(room)?.dispatches ?? [];
    return dispatches.filter(({ id }) => dispatchId === '' || id === dispatchId);
  }

  async connectedAgents(room: string): Promise<Job[]> {
    this.#find(room);
    return [];
  }

  #find(room: string): Known {
    const found = this.#rooms.get(room);
    if (found === undefined) throw roomNotFound();
    return found;
  }
}
