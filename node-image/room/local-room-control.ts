import {
  type AgentDispatch,
  type CreateRoomRequest,
  type DeleteAgentDispatchRequest,
  type DeleteRoomRequest,
  DisconnectReason,
  type Job,
  LeaveRequest_Action,
  type ListAgentDispatchRequest,
  type ListRoomsRequest,
  type MuteRoomTrackRequest,
  MuteTrackRequest,
  type ParticipantInfo,
  type PerformRpcRequest,
  type Room as RoomInfo,
  type RoomParticipantIdentity,
  type SendDataRequest,
  type TrackInfo,
  type UpdateParticipantRequest,
  type UpdateRoomMetadataRequest,
  type UpdateSubscriptionsRequest,
} from '@livekit/protocol';
import { connectedJobs, dispatchMessage, listDispatches, removeDispatch } from './agent-control';
import { participantNotFound, RoomError, roomNotFound } from './errors';
import { ExpectedParticipant } from './expected-participants';
import type { LocalRooms } from './local-rooms';
import { applyOwnData, exceeds, mergedAttributes, type OwnDataLimits } from './own-data';
import type { Participant } from './participant';
import { changePermission } from './permission-change';
import type { Room } from './room';
import type { RoomControl } from './room-control';

/** The server API's hold on the Rooms of this node. */
export class LocalRoomControl implements RoomControl {
  readonly #rooms: LocalRooms;
  readonly #limits: OwnDataLimits;

  constructor(rooms: LocalRooms, limits: OwnDataLimits) {
    this.#rooms = rooms;
    this.#limits = limits;
  }

  async createRoom(request: CreateRoomRequest): Promise<RoomInfo> {
    const { name, roomPreset, metadata, emptyTimeout, departureTimeout } = request;
    const room = await this.#rooms.getOrCreate({
      name,
      preset: roomPreset,
      metadata,
      emptyTimeout,
      departureTimeout,
      maxParticipants: request.maxParticipants,
      syncStreams: request.syncStreams,
      agents: request.agents,
      egress: request.egress,
    });
    // It may have been there already; one that is new is as the request says.
    room.update(request);
    if (request.egress !== undefined) this.#rooms.record(room, request.egress);
    return room.info();
  }

  async listRooms(request: ListRoomsRequest): Promise<RoomInfo[]> {
    const wanted = new Set(request.names);
    return this.#rooms
      .all()
      .filter((room) => wanted.size === 0 || wanted.has(room.name))
      .map((room) => room.info());
  }

  async deleteRoom(request: DeleteRoomRequest): Promise<void> {
    (await this.#room(request.room)).close(DisconnectReason.ROOM_DELETED);
  }

  async listParticipants(name: string): Promise<ParticipantInfo[]> {
    // Of a Room that does not exist LiveKit's answer is an empty list.
    const room = await this.#rooms.find(name);
    return [...(room?.reachable() ?? []), ...(room?.expected.values() ?? [])].map((one) =>
      one.info(),
    );
  }

  async getParticipant(request: RoomParticipantIdentity): Promise<ParticipantInfo> {
    return (await this.#member(request)).member.info();
  }

  async removeParticipant(request: RoomParticipantIdentity): Promise<void> {
    const { room, member } = await this.#member(request);
    const reason = DisconnectReason.PARTICIPANT_REMOVED;
    if (member instanceof ExpectedParticipant) {
      // It comes back as one that is new, as LiveKit lets who has been removed.
      room.removeExpected(member, reason);
    } else {
      room.remove(member, reason, LeaveRequest_Action.DISCONNECT);
    }
  }

  async mutePublishedTrack(request: MuteRoomTrackRequest): Promise<TrackInfo | undefined> {
    const { room, participant } = await this.#participant(request);
    if (!request.muted && !room.settings.enableRemoteUnmute) {
      throw new RoomError('failed_precondition', 'remote unmute not enabled');
    }
    participant.send({
      case: 'mute',
      value: new MuteTrackRequest({ sid: request.trackSid, muted: request.muted }),
    });
    const info = await participant.publishing.setMuted(request.trackSid, request.muted);
    participant.touch(true);
    return info?.clone();
  }

  async updateParticipant(request: UpdateParticipantRequest): Promise<ParticipantInfo> {
    const { room, member } = await this.#member(request);
    const attributes = mergedAttributes(member.attributes, request.attributes);
    const tooLarge = exceeds({ ...request, attributes }, this.#limits);
    if (tooLarge !== undefined) {
      throw new RoomError('invalid_argument', tooLarge);
    }
    applyOwnData(member, request);
    if (member instanceof ExpectedParticipant) {
      if (request.permission !== undefined) {
        member.setPermission(request.permission);
      }
      room.expectedChanged(member);
      return member.info();
    }
    if (request.permission !== undefined) {
      changePermission(room, member, request.permission);
    }
    member.touch(true);
    member.claimsChanged();
    return member.info();
  }

  async updateSubscriptions(request: UpdateSubscriptionsRequest): Promise<void> {
    const { room, participant } = await this.#participant(request);
    const trackSids = [
      ...request.trackSids,
      ...request.participantTracks.flatMap((one) => one.trackSids),
    ];
    room.tracks.choose(participant, trackSids, request.subscribe);
  }

  async sendData(request: SendDataRequest): Promise<void> {
    (await this.#room(request.room)).data.sendData(request);
  }

  async updateRoomMetadata(request: UpdateRoomMetadataRequest): Promise<RoomInfo> {
    const room = await this.#room(request.room);
    room.setMetadata(request.metadata);
    return room.info();
  }

  async performRpc(request: PerformRpcRequest): Promise<string> {
    const room = await this.#room(request.room);
    const participant = present(room, request.destinationIdentity);
    if (participant === undefined) {
      throw room.expected.get(request.destinationIdentity) ? isReturning() : participantNotFound();
    }
    return room.data.performRpc(participant, request);
  }

  async createDispatch(dispatch: AgentDispatch): Promise<AgentDispatch> {
    const room = await this.#room(dispatch.room);
    return dispatchMessage(room.dispatches.add(dispatch), room.name);
  }

  async deleteDispatch(request: DeleteAgentDispatchRequest): Promise<AgentDispatch> {
    return removeDispatch(await this.#room(request.room), request.dispatchId);
  }

  async listDispatch(request: ListAgentDispatchRequest): Promise<AgentDispatch[]> {
    const room = await this.#rooms.find(request.room);
    return room === undefined ? [] : listDispatches(room, request);
  }

  async connectedAgents(room: string): Promise<Job[]> {
    return connectedJobs(await this.#room(room));
  }

  async #room(name: string): Promise<Room> {
    const room = await this.#rooms.find(name);
    if (room === undefined) {
      throw roomNotFound();
    }
    return room;
  }

  /** One who is in a Room, or expected in it. */
  async #member(request: Address): Promise<{
    room: Room;
    member: Participant | ExpectedParticipant;
  }> {
    // LiveKit's answer to both: the participant is not there, whatever the reason.
    const room = await this.#rooms.find(request.room);
    const member = room && (present(room, request.identity) ?? room.expected.get(request.identity));
    if (room === undefined || member === undefined) {
      throw participantNotFound();
    }
    return { room, member };
  }

  /** For what needs its connection. */
  async #participant(request: Address): Promise<{ room: Room; participant: Participant }> {
    const { room, member } = await this.#member(request);
    if (member instanceof ExpectedParticipant) {
      throw isReturning();
    }
    return { room, participant: member };
  }
}

interface Address {
  readonly room: string;
  readonly identity: string;
}

function present(room: Room, identity: string): Participant | undefined {
  const participant = room.participants.get(identity);
  return participant?.reachable ? participant : undefined;
}

const isReturning = (): RoomError =>
  new RoomError('unavailable', 'the participant is connecting anew, try again in a moment');
