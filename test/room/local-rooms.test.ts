import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  CreateRoomRequest,
  DeleteRoomRequest,
  DisconnectReason,
  LeaveRequest_Action,
  ListRoomsRequest,
  MuteRoomTrackRequest,
  ParticipantPermission,
  PerformRpcRequest,
  RoomConfiguration,
  RoomParticipantIdentity,
  SendDataRequest,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
} from '@livekit/protocol';
import { RoomError } from '../../node-image/room/errors';
import { LocalRoomControl } from '../../node-image/room/local-room-control';
import type { Room } from '../../node-image/room/room';
import { RoomElsewhereError } from '../../node-image/room/room-ownership';
import { until } from '../support/wait';
import { TestRooms } from './rooms';
import { Placements } from './shared-ownership';

let node: TestRooms;
let control: LocalRoomControl;
let name: string;
let number = 0;

before(async () => {
  node = await TestRooms.start({
    presets: new Map([
      ['small', new RoomConfiguration({ maxParticipants: 2, metadata: 'small', emptyTimeout: 7 })],
    ]),
  });
  const limits = { nameLength: 10, metadataBytes: 10, attributesBytes: 10 };
  control = new LocalRoomControl(node.rooms, limits);
});
after(() => node.close());
beforeEach(() => {
  number += 1;
  name = `room-${number}`;
});

const create = (changes: Partial<CreateRoomRequest> = {}) =>
  control.createRoom(new CreateRoomRequest({ name, ...changes }));
const made = async (): Promise<Room> => node.rooms.getOrCreate({ name });
const fails = (code: string, message?: RegExp) => (error: unknown) =>
  error instanceof RoomError && error.code === code && (message?.test(error.message) ?? true);

describe('a Room', () => {
  test('is made once, however many ask for it at the same time', async () => {
    const rooms = await Promise.all([1, 2, 3].map(() => node.rooms.getOrCreate({ name })));
    assert.equal(new Set(rooms).size, 1);
  });

  test('ends when it is idle, also where another one cannot be looked at', async () => {
    const broken = await node.rooms.getOrCreate({ name: `${name} broken`, emptyTimeout: 1 });
    const room = await node.rooms.getOrCreate({ name, emptyTimeout: 1 });
    broken.closeIfIdle = () => {
      throw new Error('of the test');
    };
    node.nowMs += 2000;
    await until('it to end', () => room.closed);
    assert.equal(broken.closed, false);
    broken.close(DisconnectReason.ROOM_DELETED);
  });

  test('is as asked for, else as its preset says, else as usual', async () => {
    const plain = await create();
    assert.deepEqual(
      [plain.emptyTimeout, plain.departureTimeout, plain.maxParticipants],
      [300, 20, 0],
    );
    name += '-preset';
    const preset = await create({ roomPreset: 'small', emptyTimeout: 9 });
    assert.deepEqual(
      [preset.emptyTimeout, preset.maxParticipants, preset.metadata],
      [9, 2, 'small'],
    );
  });

  test('that is there already is changed by what a later request says', async () => {
    const first = await create({ metadata: 'one', emptyTimeout: 5 });
    const second = await create({ metadata: 'two', maxParticipants: 3 });
    assert.equal(second.sid, first.sid);
    assert.deepEqual([second.metadata, second.emptyTimeout, second.maxParticipants], ['two', 5, 3]);
  });

  test('is listed by its name, or with all others', async () => {
    await create();
    const named = await control.listRooms(new ListRoomsRequest({ names: [name, 'nowhere'] }));
    assert.deepEqual(
      named.map((room) => room.name),
      [name],
    );
    const all = await control.listRooms(new ListRoomsRequest());
    assert.ok(all.length >= 1 && all.some((room) => room.name === name));
  });

  test('is made anew after its end', async () => {
    const first = await create();
    await control.deleteRoom(new DeleteRoomRequest({ room: name }));
    assert.notEqual((await create()).sid, first.sid);
  });

  test('tells all in it at once of new metadata', async () => {
    const room = await made();
    const { sink } = await node.join(room, 'ann');
    sink.forget();
    const request = new UpdateRoomMetadataRequest({ room: name, metadata: 'new' });
    assert.equal((await control.updateRoomMetadata(request)).metadata, 'new');
    assert.equal(sink.sent('roomUpdate')[0]?.room?.metadata, 'new');
  });
});

describe('what is asked of a Room that does not exist', () => {
  const room = 'nowhere';
  const identity = 'ann';
  const cases: [string, () => Promise<unknown>, RegExp][] = [
    ['its end', () => control.deleteRoom(new DeleteRoomRequest({ room })), /room/],
    ['data', () => control.sendData(new SendDataRequest({ room })), /room/],
    ['metadata', () => control.updateRoomMetadata(new UpdateRoomMetadataRequest({ room })), /room/],
    ['an RPC', () => control.performRpc(new PerformRpcRequest({ room })), /room/],
    [
      'a participant',
      () => control.getParticipant(new RoomParticipantIdentity({ room, identity })),
      /participant does not exist/,
    ],
    [
      'a removal',
      () => control.removeParticipant(new RoomParticipantIdentity({ room, identity })),
      /participant does not exist/,
    ],
    [
      'a mute',
      () => control.mutePublishedTrack(new MuteRoomTrackRequest({ room, identity })),
      /participant does not exist/,
    ],
    [
      'subscriptions',
      () => control.updateSubscriptions(new UpdateSubscriptionsRequest({ room, identity })),
      /participant does not exist/,
    ],
  ];
  for (const [what, call, message] of cases) {
    test(`${what}: not found`, () => assert.rejects(call, fails('not_found', message)));
  }

  test('its participants: an empty list', async () => {
    assert.deepEqual(await control.listParticipants(room), []);
  });
});

describe('a participant', () => {
  test('is listed and found', async () => {
    const room = await made();
    const { participant } = await node.join(room, 'ann');
    const listed = await control.listParticipants(name);
    assert.deepEqual(
      listed.map((one) => one.sid),
      [participant.sid],
    );
    const found = await control.getParticipant(
      new RoomParticipantIdentity({ room: name, identity: 'ann' }),
    );
    assert.equal(found.sid, participant.sid);
  });

  test('is removed for good', async () => {
    const { sink } = await node.join(await made(), 'ann');
    await control.removeParticipant(new RoomParticipantIdentity({ room: name, identity: 'ann' }));
    const [leave] = sink.sent('leave');
    assert.deepEqual(
      [leave?.reason, leave?.action],
      [DisconnectReason.PARTICIPANT_REMOVED, LeaveRequest_Action.DISCONNECT],
    );
    assert.deepEqual(await control.listParticipants(name), []);
  });

  const update = (changes: Partial<UpdateParticipantRequest>) =>
    control.updateParticipant(
      new UpdateParticipantRequest({ room: name, identity: 'ann', ...changes }),
    );

  test('is changed in what the request says, and its token says so from then on', async () => {
    const { participant } = await node.join(await made(), 'ann', { grants: { metadata: 'old' } });
    let refreshed = 0;
    participant.claimsChanged = () => {
      refreshed += 1;
    };
    const info = await update({ name: 'Ann', attributes: { a: '1' } });
    assert.deepEqual([info.name, info.metadata, info.attributes], ['Ann', 'old', { a: '1' }]);
    assert.ok(refreshed > 0);
  });

  test('is not changed at all where a part is too large', async () => {
    const { participant } = await node.join(await made(), 'ann');
    const call = update({ name: 'Ann', metadata: 'x'.repeat(11) });
    await assert.rejects(call, fails('invalid_argument', /metadata size/));
    assert.equal(participant.name, '');
  });

  test('that may be hidden, and record, by a new permission, is so', async () => {
    const { participant } = await node.join(await made(), 'ann');
    const permission = new ParticipantPermission({ hidden: true, recorder: true });
    const info = await update({ permission });
    assert.ok(info.permission?.equals(permission));
    assert.deepEqual([participant.hidden, participant.grants.video.canPublish], [true, false]);
  });
});

describe('a track', () => {
  const mute = (muted: boolean) =>
    control.mutePublishedTrack(
      new MuteRoomTrackRequest({ room: name, identity: 'ann', trackSid: 'TR_x', muted }),
    );

  test('is not unmuted from afar unless that is allowed', async () => {
    await node.join(await made(), 'ann');
    await assert.rejects(mute(false), fails('failed_precondition', /remote unmute/));
  });

  test('that nobody knows is muted by telling the client, and nothing is told of it', async () => {
    const { sink } = await node.join(await made(), 'ann');
    assert.equal(await mute(true), undefined);
    assert.deepEqual([sink.sent('mute')[0]?.sid, sink.sent('mute')[0]?.muted], ['TR_x', true]);
  });
});

test('a node that closes tells all, and makes no Room any more', async () => {
  const other = await TestRooms.start();
  const room = await other.rooms.getOrCreate({ name });
  const { sink } = await other.join(room, 'ann');
  other.close();
  other.close();
  assert.equal(sink.sent('leave')[0]?.reason, DisconnectReason.SERVER_SHUTDOWN);
  await assert.rejects(other.rooms.getOrCreate({ name: 'late' }), RoomError);
});

test('a node of a cluster that closes sends who comes late to where the Room goes on', async () => {
  const placements = new Placements();
  placements.place('late', 'here');
  const other = await TestRooms.start({ rooms: { ownership: placements.of('here') } });
  const making = assert.rejects(other.rooms.getOrCreate({ name: 'late' }), RoomElsewhereError);
  other.close();
  await making;
  await assert.rejects(other.rooms.getOrCreate({ name: 'late' }), RoomElsewhereError);
});
