import {
  CreateRoomRequest,
  DeleteRoomRequest,
  DeleteRoomResponse,
  ForwardParticipantRequest,
  type ForwardParticipantResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  MoveParticipantRequest,
  type MoveParticipantResponse,
  MuteRoomTrackRequest,
  MuteRoomTrackResponse,
  PerformRpcRequest,
  PerformRpcResponse,
  RemoveParticipantResponse,
  type Room,
  RoomEgress,
  RoomParticipantIdentity,
  SendDataRequest,
  SendDataResponse,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
  UpdateSubscriptionsResponse,
} from '@livekit/protocol';
import type { Grants } from '../room/grants';
import type { RoomControl } from '../room/room-control';
import {
  requireDestination,
  requireRoomAdmin,
  requireRoomCreate,
  requireRoomList,
} from './authorization';
import { SizeChecks, type SizeLimits } from './size-limits';
import { type TwirpMethod, type TwirpService, twirpMethod } from './twirp';
import { TwirpError } from './twirp-error';

/** Egresses that start with a Room. Each throws what a caller of the server API is told. */
export interface RoomEgressStarter {
  check(room: string, wanted: RoomEgress): void;
  created(room: Room, wanted: RoomEgress): Promise<void>;
}

export interface RoomServiceOptions {
  readonly rooms: RoomControl;
  /** @default - there are none */
  readonly egress?: RoomEgressStarter;
  readonly limits?: SizeLimits;
}

/**
 * livekit.RoomService: who may call what, the limits of what they may send, and then `RoomControl`.
 *
 * Source: livekit_room.proto.
 */
export function roomService({ rooms, limits = {}, egress }: RoomServiceOptions): TwirpService {
  const check = new SizeChecks(limits);
  return {
    name: 'livekit.RoomService',
    methods: new Map([
      ...methodsOnRooms(rooms, check, egress),
      ...methodsOnParticipants(rooms, check),
      ...methodsOnTracksAndData(rooms),
      ...methodsBetweenRooms(),
    ]),
  };
}

type Methods = readonly (readonly [string, TwirpMethod])[];

const methodsOnRooms = (
  rooms: RoomControl,
  check: SizeChecks,
  egress: RoomEgressStarter | undefined,
): Methods => [
  [
    'CreateRoom',
    twirpMethod(CreateRoomRequest, async (request, { grants }) => {
      requireRoomCreate(grants);
      if (request.egress !== undefined && egress === undefined) {
        throw new TwirpError('unimplemented', 'egress is not available on this server');
      }
      check.roomName(request.name);
      check.metadata(request.metadata);
      for (const agent of request.agents) {
        check.metadata(agent.metadata);
        check.attributes(agent.attributes);
      }
      if (request.egress === undefined) return rooms.createRoom(request);
      const { egress: wanted } = request;
      egress?.check(request.name, wanted);
      // Of the Room as a whole is started here: whoever asked is told whether it could be.
      const { participant, tracks } = wanted;
      request.egress = new RoomEgress({
        ...(participant && { participant }),
        ...(tracks && { tracks }),
      });
      const room = await rooms.createRoom(request);
      await egress?.created(room, wanted);
      return room;
    }),
  ],
  [
    'ListRooms',
    twirpMethod(ListRoomsRequest, async (request, { grants }) => {
      requireRoomList(grants);
      return new ListRoomsResponse({ rooms: await rooms.listRooms(request) });
    }),
  ],
  [
    'DeleteRoom',
    twirpMethod(DeleteRoomRequest, async (request, { grants }) => {
      requireRoomCreate(grants);
      await rooms.deleteRoom(request);
      return new DeleteRoomResponse();
    }),
  ],
  [
    'UpdateRoomMetadata',
    twirpMethod(UpdateRoomMetadataRequest, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      check.metadata(request.metadata);
      return rooms.updateRoomMetadata(request);
    }),
  ],
];

const methodsOnParticipants = (rooms: RoomControl, check: SizeChecks): Methods => [
  [
    'ListParticipants',
    twirpMethod(ListParticipantsRequest, async ({ room }, { grants }) => {
      requireRoomAdmin(grants, room);
      return new ListParticipantsResponse({ participants: await rooms.listParticipants(room) });
    }),
  ],
  [
    'GetParticipant',
    twirpMethod(RoomParticipantIdentity, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      return rooms.getParticipant(request);
    }),
  ],
  [
    'RemoveParticipant',
    twirpMethod(RoomParticipantIdentity, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      await rooms.removeParticipant(request);
      return new RemoveParticipantResponse();
    }),
  ],
  [
    'UpdateParticipant',
    twirpMethod(UpdateParticipantRequest, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      check.participantName(request.name);
      check.metadata(request.metadata);
      check.attributes(request.attributes);
      return rooms.updateParticipant(request);
    }),
  ],
];

const methodsOnTracksAndData = (rooms: RoomControl): Methods => [
  [
    'MutePublishedTrack',
    twirpMethod(MuteRoomTrackRequest, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      const track = await rooms.mutePublishedTrack(request);
      return new MuteRoomTrackResponse(track === undefined ? {} : { track });
    }),
  ],
  [
    'UpdateSubscriptions',
    twirpMethod(UpdateSubscriptionsRequest, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      await rooms.updateSubscriptions(request);
      return new UpdateSubscriptionsResponse();
    }),
  ],
  [
    'SendData',
    twirpMethod(SendDataRequest, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      const { length } = request.nonce;
      if (length !== 0 && length !== 16) {
        const text = `nonce should be 16-bytes or not present, got: ${length} bytes`;
        throw new TwirpError('invalid_argument', text);
      }
      await rooms.sendData(request);
      return new SendDataResponse();
    }),
  ],
  [
    'PerformRpc',
    twirpMethod(PerformRpcRequest, async (request, { grants }) => {
      requireRoomAdmin(grants, request.room);
      if (request.destinationIdentity === '') {
        throw new TwirpError('invalid_argument', 'destination identity is required');
      }
      return new PerformRpcResponse({ payload: await rooms.performRpc(request) });
    }),
  ],
];

// LiveKit's own server refuses both as well, after the same checks.
const methodsBetweenRooms = (): Methods => [
  [
    'ForwardParticipant',
    twirpMethod<ForwardParticipantRequest, ForwardParticipantResponse>(
      ForwardParticipantRequest,
      async (request, { grants }) => refuseMove(request, grants),
    ),
  ],
  [
    'MoveParticipant',
    twirpMethod<MoveParticipantRequest, MoveParticipantResponse>(
      MoveParticipantRequest,
      async (request, { grants }) => refuseMove(request, grants),
    ),
  ],
];

function refuseMove(
  { room, destinationRoom }: { readonly room: string; readonly destinationRoom: string },
  grants: Grants | undefined,
): never {
  requireDestination(grants, room, destinationRoom);
  if (room === destinationRoom) {
    const text = 'destination room cannot be the same as source room';
    throw new TwirpError('invalid_argument', text, { argument: text });
  }
  throw new TwirpError('unimplemented', 'not implemented');
}
