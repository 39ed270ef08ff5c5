import {
  type CreateRoomRequest,
  type DeleteRoomRequest,
  DisconnectReason,
  LeaveRequest_Action,
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
import { participantNotFound, RoomError, roomNotFound } from './errors';
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
    const existing = this.#rooms.get(name);
    existing?.update(request);
    const room =
      existing ??
      (await this.#rooms.getOrCreate({
        name,
        preset: roomPreset,
        metadata,
        emptyTimeout,
        departureTimeout,
        maxParticipants: request.maxParticipants,
        syncStreams: request.syncStreams,
      }));
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
    this.#room(request.room).close(DisconnectReason.ROOM_DELETED);
  }

  async listParticipants(room: string): Promise<ParticipantInfo[]> {
    // Of a Room that does not exist LiveKit's answer is an empty list.
    const all = this.#rooms.get(room)?.participants.values() ?? [];
    return [...all].filter((one) => one.reachable).map((one) => one.info());
  }

  async getParticipant(request: RoomParticipantIdentity): Promise<ParticipantInfo> {
    return this.#participant(request).participant.info();
  }

  async removeParticipant(request: RoomParticipantIdentity): Promise<void> {
    const { room, participant } = this.#participant(request);
    room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED, LeaveRequest_Action.DISCONNECT);
  }

  async mutePublishedTrack(request: MuteRoomTrackRequest): Promise<TrackInfo | undefined> {
    const { room, participant } = this.#participant(request);
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
    const { room, participant } = this.#participant(request);
    const attributes = mergedAttributes(participant.attributes, request.attributes);
    const tooLarge = exceeds({ ...request, attributes }, this.#limits);
    if (tooLarge !== undefined) {
      throw new RoomError('invalid_argument', tooLarge);
    }
    applyOwnData(participant, request);
    if (request.permission !== undefined) {
      changePermission(room, participant, request.permission);
    }
    participant.touch(true);
    participant.claimsChanged();
    return participant.info();
  }

  async updateSubscriptions(request: UpdateSubscriptionsRequest): Promise<void> {
    const { room, participant } = this.#participant(request);
    const trackSids = [
      ...request.trackSids,
      ...request.participantTracks.flatMap((one) => one.trackSids),
    ];
    room.tracks.choose(participant, trackSids, request.subscribe);
  }

  async sendData(request: SendDataRequest): Promise<void> {
    this.#room(request.room).data.sendData(request);
  }

  async updateRoomMetadata(request: UpdateRoomMetadataRequest): Promise<RoomInfo> {
    const room = this.#room(request.room);
    room.setMetadata(request.metadata);
    return room.info();
  }

  async performRpc(request: PerformRpcRequest): Promise<string> {
    const room = this.#room(request.room);
    const participant = room.participants.get(request.destinationIdentity);
    if (participant === undefined || !participant.reachable) {
      throw participantNotFound();
    }
    return room.data.performRpc(participant, request);
  }

  #room(name: string): Room {
    const room = this.#rooms.get(name);
    if (room === undefined) {
      throw roomNotFound();
    }
    return room;
  }

  #participant(request: { readonly room: string; readonly identity: string }): {
    room: Room;
    participant: Participant;
  } {
    // LiveKit's answer to both: the participant is not there, whatever the reason.
    const room = this.#rooms.get(request.room);
    const participant = room?.participants.get(request.identity);
    if (room === undefined || participant === undefined || !participant.reachable) {
      throw participantNotFound();
    }
    return { room, participant };
  }
}
