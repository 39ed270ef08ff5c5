import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  DisconnectReason,
  LeaveRequest_Action,
  ParticipantInfo_State,
  ParticipantPermission,
  SyncState,
  TrackInfo,
  TrackPublishedResponse,
} from '@livekit/protocol';
import { RoomError } from '../../node-image/room/errors';
import { changePermission } from '../../node-image/room/permission-change';
import { applySyncState, resume } from '../../node-image/room/resume';
import type { Room } from '../../node-image/room/room';
import { FakeSink } from './fakes';
import { TestRooms } from './rooms';

let node: TestRooms;
let room: Room;
let number = 0;

before(async () => {
  node = await TestRooms.start();
});
after(() => node.close());
beforeEach(async () => {
  number += 1;
  room = await node.rooms.getOrCreate({ name: `room-${number}` });
  node.events.length = 0;
});

const { DISCONNECT, RECONNECT } = LeaveRequest_Action;
const isRoomError = (code: string) => (error: unknown) =>
  error instanceof RoomError && error.code === code;

describe('a join', () => {
  test('is answered first, then offered what there is', async () => {
    const { sink } = await node.join(room, 'ann');
    assert.deepEqual([sink.kinds[0], sink.kinds.includes('offer')], ['join', true]);
  });

  test('says who and where one is, and who else is there', async () => {
    const ann = await node.join(room, 'ann');
    const { sink, participant } = await node.join(room, 'bob');
    const [join] = sink.sent('join');
    assert.equal(join?.participant?.identity, 'bob');
    assert.equal(join?.participant?.state, ParticipantInfo_State.JOINED);
    assert.deepEqual(
      join?.otherParticipants.map(({ sid }) => sid),
      [ann.participant.sid],
    );
    assert.deepEqual(join?.iceServers[0]?.urls, [`turn:${participant.sid}`]);
    assert.deepEqual([join?.room?.name, join?.room?.sid], [room.name, room.sid]);
    assert.deepEqual([join?.subscriberPrimary, join?.fastPublish], [true, true]);
    assert.deepEqual([join?.pingInterval, join?.pingTimeout], [5, 15]);
    assert.equal(join?.sifTrailer.length, 13);
    assert.equal(join?.serverInfo?.version, '1.2.3');
    assert.ok(join?.enabledPublishCodecs.some(({ mime }) => mime === 'video/VP8'));
  });

  test('of one who may not subscribe makes the publisher connection the primary one', async () => {
    const { sink, participant } = await node.join(room, 'ann', { video: { canSubscribe: false } });
    assert.equal(sink.sent('join')[0]?.subscriberPrimary, false);
    assert.equal(sink.kinds.includes('offer'), false);
    const permission = new ParticipantPermission({ canSubscribe: true, canPublish: true });
    assert.equal(changePermission(room, participant, permission), true);
    assert.equal(changePermission(room, participant, permission), false);
  });

  test('is told to others, but not that of a hidden one, who sees all', async () => {
    const ann = await node.join(room, 'ann');
    const ghost = await node.join(room, 'ghost', { video: { hidden: true } });
    await node.join(room, 'bob');
    const names = ann.sink
      .sent('update')
      .flatMap(({ participants }) => participants.map((one) => one.identity));
    assert.deepEqual([...new Set(names)], ['ann', 'bob']);
    assert.deepEqual(
      ghost.sink.sent('join')[0]?.otherParticipants.map((one) => one.identity),
      ['ann'],
    );
  });

  test('in the place of the same identity ends that one, and others hear of no leave', async () => {
    const ann = await node.join(room, 'ann');
    const bob = await node.join(room, 'bob');
    bob.sink.forget();
    const again = await node.join(room, 'ann');
    const [leave] = ann.sink.sent('leave');
    assert.deepEqual(
      [leave?.reason, leave?.action, leave?.canReconnect],
      [DisconnectReason.DUPLICATE_IDENTITY, DISCONNECT, false],
    );
    assert.equal(ann.sink.closed, true);
    const sids = bob.sink
      .sent('update')
      .flatMap(({ participants }) => participants.map((p) => p.sid));
    assert.deepEqual([...new Set(sids)], [again.participant.sid]);
    assert.equal(room.participants.get('ann'), again.participant);
  });

  test('at the same time as another of the same identity ends all but the last', async () => {
    const first = node.join(room, 'ann');
    const second = node.join(room, 'ann');
    await assert.rejects(first, isRoomError('unavailable'));
    assert.equal(room.participants.get('ann'), (await second).participant);
  });

  test('into a Room that closes meanwhile fails and leaves nothing', async () => {
    const joining = node.join(room, 'ann');
    room.close(DisconnectReason.ROOM_DELETED);
    await assert.rejects(joining);
    assert.equal(room.participants.size, 0);
    await assert.rejects(node.join(room, 'bob'), isRoomError('unavailable'));
  });
});

describe('a full Room', () => {
  test('takes nobody more, but one in its own place and those that serve it', async () => {
    room.update({ maxParticipants: 1 });
    await node.join(room, 'ann');
    await assert.rejects(node.join(room, 'bob'), isRoomError('resource_exhausted'));
    await node.join(room, 'ann');
    await node.join(room, 'bot', { grants: { kind: 'agent' } });
    await node.join(room, 'egress', { video: { recorder: true, hidden: true } });
    assert.equal(room.info().numParticipants, 1);
    assert.equal(room.info().activeRecording, true);
  });
});

describe('a leave', () => {
  test('is told to others with its reason', async () => {
    const ann = await node.join(room, 'ann');
    const bob = await node.join(room, 'bob');
    ann.sink.forget();
    room.remove(bob.participant, DisconnectReason.PARTICIPANT_REMOVED, DISCONNECT);
    const [info] = ann.sink.sent('update')[0]?.participants ?? [];
    assert.deepEqual(
      [info?.identity, info?.state, info?.disconnectReason],
      ['bob', ParticipantInfo_State.DISCONNECTED, DisconnectReason.PARTICIPANT_REMOVED],
    );
    assert.equal(bob.sink.sent('leave')[0]?.reason, DisconnectReason.PARTICIPANT_REMOVED);
  });

  test('without an action says nothing to the client, as it left by itself', async () => {
    const { participant, sink } = await node.join(room, 'ann');
    room.remove(participant, DisconnectReason.CLIENT_INITIATED);
    assert.deepEqual([sink.sent('leave').length, sink.closed], [0, true]);
  });

  test('happens once', async () => {
    const { participant } = await node.join(room, 'ann');
    room.remove(participant, DisconnectReason.CLIENT_INITIATED);
    room.remove(participant, DisconnectReason.ROOM_DELETED, RECONNECT);
    assert.deepEqual(node.events, ['aborted ann']);
    assert.equal(participant.disconnectReason, DisconnectReason.CLIENT_INITIATED);
  });

  test('of one whose media was up is a leave, before that a failed connection', async () => {
    const { participant } = await node.join(room, 'ann');
    const bob = await node.join(room, 'bob');
    room.activated(participant);
    room.remove(participant, DisconnectReason.CLIENT_INITIATED);
    room.remove(bob.participant, DisconnectReason.CLIENT_INITIATED);
    assert.deepEqual(node.events, ['joined ann', 'left ann', 'aborted bob']);
  });
});

describe('a resume', () => {
  test('tells what was missed: people, the Room, and an offer with other credentials', async () => {
    const ann = await node.join(room, 'ann');
    const bob = await node.join(room, 'bob');
    const gone = await node.join(room, 'gone');
    ann.participant.dropSink(ann.sink);
    room.remove(gone.participant, DisconnectReason.CLIENT_INITIATED);
    const sink = new FakeSink();
    await resume(room, ann.participant, sink);
    assert.deepEqual(
      sink.kinds.filter((kind) => kind !== 'update'),
      ['reconnect', 'roomUpdate', 'offer'],
    );
    const told = sink.sent('update').flatMap(({ participants }) => participants);
    assert.deepEqual(
      told.map(({ identity, state }) => [identity, state === ParticipantInfo_State.DISCONNECTED]),
      [
        ['gone', true],
        ['ann', false],
        ['bob', false],
      ],
    );
    assert.equal(bob.sink.closed, false);
  });

  test('with a track that is unknown here sends the client to join anew', async () => {
    const { participant, sink } = await node.join(room, 'ann');
    const state = new SyncState({
      publishTracks: [new TrackPublishedResponse({ track: new TrackInfo({ sid: 'TR_x' }) })],
    });
    await applySyncState(room, participant, state, DisconnectReason.STATE_MISMATCH);
    const [leave] = sink.sent('leave');
    assert.deepEqual([leave?.action, leave?.reason], [RECONNECT, DisconnectReason.STATE_MISMATCH]);
    assert.equal(participant.closed, true);
  });

  test('with nothing published keeps the client', async () => {
    const { participant, sink } = await node.join(room, 'ann');
    const state = new SyncState({ trackSidsDisabled: ['TR_x'] });
    await applySyncState(room, participant, state, DisconnectReason.STATE_MISMATCH);
    assert.deepEqual([participant.closed, sink.sent('leave').length], [false, 0]);
  });
});

describe("a Room's end", () => {
  test('is told to everybody in it with its reason', async () => {
    const { sink } = await node.join(room, 'ann');
    room.close(DisconnectReason.ROOM_DELETED);
    room.close(DisconnectReason.SERVER_SHUTDOWN);
    assert.equal(sink.sent('leave')[0]?.reason, DisconnectReason.ROOM_DELETED);
    assert.equal(sink.sent('leave')[0]?.action, DISCONNECT);
    assert.deepEqual(node.events, ['aborted ann', `finished ${room.name}`]);
    assert.equal(node.rooms.get(room.name), undefined);
  });
});

describe('an empty Room', () => {
  test('closes after a while where nobody ever came', () => {
    node.nowMs += 299_000;
    room.closeIfIdle();
    assert.equal(room.closed, false);
    node.nowMs += 1000;
    room.closeIfIdle();
    assert.equal(room.closed, true);
  });

  test('closes sooner after the last one has left', async () => {
    const { participant } = await node.join(room, 'ann');
    node.nowMs += 1_000_000;
    room.closeIfIdle();
    assert.equal(room.closed, false);
    room.remove(participant, DisconnectReason.CLIENT_INITIATED);
    node.nowMs += 19_000;
    room.closeIfIdle();
    assert.equal(room.closed, false);
    node.nowMs += 1000;
    room.closeIfIdle();
    assert.equal(room.closed, true);
  });

  test('is one with nobody but those that serve it, who are sent away', async () => {
    const ann = await node.join(room, 'ann');
    const bot = await node.join(room, 'bot', { grants: { kind: 'agent' } });
    room.remove(ann.participant, DisconnectReason.CLIENT_INITIATED);
    node.nowMs += 20_000;
    room.closeIfIdle();
    assert.equal(bot.sink.sent('leave')[0]?.reason, DisconnectReason.ROOM_CLOSED);
  });

  test('does not count a visit of those that serve it', async () => {
    const bot = await node.join(room, 'bot', { grants: { kind: 'agent' } });
    room.remove(bot.participant, DisconnectReason.CLIENT_INITIATED);
    node.nowMs += 20_000;
    room.closeIfIdle();
    assert.equal(room.closed, false);
  });
});
