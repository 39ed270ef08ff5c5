import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AddTrackRequest,
  DisconnectReason,
  LeaveRequest_Action,
  Ping,
  SignalRequest,
  TrackType,
  UpdateParticipantMetadata,
  UpdateParticipantRequest,
} from '@livekit/protocol';
import { MessageBudget } from '../../node-image/net/message-budget';
import { LocalRoomControl } from '../../node-image/room/local-room-control';
import type { Participant } from '../../node-image/room/participant';
import type { Room } from '../../node-image/room/room';
import { RoomElsewhereError } from '../../node-image/room/room-ownership';
import { Simulations } from '../../node-image/room/simulate';
import { Session } from '../../node-image/signaling/session';
import { settled } from './fakes';
import { TestRooms } from './rooms';

let node: TestRooms;
let control: LocalRoomControl;
let room: Room;
let number = 0;

const limits = { nameLength: 10, metadataBytes: 10, attributesBytes: 10 };

before(async () => {
  node = await TestRooms.start();
  control = new LocalRoomControl(node.rooms, limits);
});
after(() => node.close());
beforeEach(async () => {
  number += 1;
  room = await node.rooms.getOrCreate({ name: `room-${number}` });
  node.events.length = 0;
});

/** Whether a promise has come to an end by now. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const end = (): void => {
    pending = false;
  };
  promise.then(end, end);
  await settled();
  return pending;
}

const update = () =>
  control.updateParticipant(
    new UpdateParticipantRequest({ room: room.name, identity: 'ann', metadata: 'new' }),
  );

function sessionOf(participant: Participant): Session {
  return new Session({
    room,
    participant,
    limits,
    simulations: new Simulations(() => node.nowMs),
    budget: new MessageBudget({ perSecond: 0 }),
  });
}

describe('a frozen Room', () => {
  test('holds who joins and what is asked of it until it stays', async () => {
    await node.join(room, 'ann');
    await room.freeze();
    const waiting = [
      node.join(room, 'bob'),
      node.rooms.getOrCreate({ name: room.name }),
      node.rooms.find(room.name),
      update(),
    ] as const;
    for (const one of waiting) {
      assert.equal(await isPending(one), true);
    }
    room.unfreeze();
    room.unfreeze();
    assert.equal((await waiting[0]).participant.reachable, true);
    assert.deepEqual([await waiting[1], await waiting[2]], [room, room]);
    assert.equal((await waiting[3]).metadata, 'new');
  });

  test('sends them elsewhere once it has gone', async () => {
    await node.join(room, 'ann');
    await room.freeze();
    const waiting = [
      node.join(room, 'bob'),
      node.rooms.getOrCreate({ name: room.name }),
      node.rooms.find(room.name),
      update(),
    ].map((one) => assert.rejects(one, RoomElsewhereError));
    await settled();
    node.rooms.depart(room);
    await Promise.all(waiting);
    await assert.rejects(node.join(room, 'late'), RoomElsewhereError);
    room.unfreeze();
    assert.equal(node.events.includes('aborted ann'), false);
  });

  test('waits for those who are on the way in, and takes them along', async () => {
    const joining = node.join(room, 'ann');
    await Promise.resolve();
    assert.equal(room.participants.get('ann')?.reachable, false);
    await room.freeze();
    const { participants } = node.rooms.prepareHandover(room);
    assert.deepEqual(
      participants.map(({ info }) => info.identity),
      ['ann'],
    );
    await joining;
  });

  test('lets nobody leave, and nobody become active, until it stays', async () => {
    const ann = await node.join(room, 'ann');
    const bob = await node.join(room, 'bob');
    await room.freeze();
    room.remove(bob.participant, DisconnectReason.CONNECTION_TIMEOUT);
    room.activated(ann.participant);
    assert.deepEqual([node.events, bob.participant.closed], [[], false]);
    room.unfreeze();
    assert.deepEqual([node.events, bob.participant.closed], [['aborted bob', 'joined ann'], true]);
  });

  test('forgets who was about to leave when it goes', async () => {
    const { participant, sink } = await node.join(room, 'ann');
    await room.freeze();
    room.remove(participant, DisconnectReason.CONNECTION_TIMEOUT);
    node.rooms.depart(room);
    assert.deepEqual(node.events, [`departed ${room.name}`]);
    assert.equal(sink.sent('leave')[0]?.action, LeaveRequest_Action.RECONNECT);
  });

  test('does not end for being empty', async () => {
    await room.freeze();
    node.nowMs += 1_000_000;
    room.closeIfIdle();
    assert.equal(room.closed, false);
    room.unfreeze();
    room.closeIfIdle();
    assert.equal(room.closed, true);
  });

  test('that ends with its node lets nobody wait', async () => {
    await room.freeze();
    const joining = assert.rejects(node.join(room, 'ann'), /just closed/);
    await settled();
    room.close(DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.RECONNECT, 'closed');
    await joining;
  });
});

describe('what a client asks of a frozen Room', () => {
  const ask = (session: Session): void => {
    const metadata = new UpdateParticipantMetadata({ metadata: 'new' });
    session.handle(new SignalRequest({ message: { case: 'updateMetadata', value: metadata } }));
  };

  test('is done when the Room stays', async () => {
    const { participant } = await node.join(room, 'ann', { video: { canUpdateOwnMetadata: true } });
    const session = sessionOf(participant);
    await room.freeze();
    ask(session);
    await settled();
    assert.equal(participant.metadata, '');
    room.unfreeze();
    await settled();
    assert.equal(participant.metadata, 'new');
  });

  test('is dropped when the Room goes', async () => {
    const { participant } = await node.join(room, 'ann', { video: { canUpdateOwnMetadata: true } });
    const session = sessionOf(participant);
    await room.freeze();
    ask(session);
    await settled();
    node.rooms.depart(room);
    await settled();
    assert.equal(participant.metadata, '');
  });

  test('is answered where it is a ping', async () => {
    const { participant, sink } = await node.join(room, 'ann');
    const session = sessionOf(participant);
    await room.freeze();
    session.handle(
      new SignalRequest({ message: { case: 'pingReq', value: new Ping({ timestamp: 1n }) } }),
    );
    await settled();
    assert.equal(sink.sent('pongResp').length, 1);
    room.unfreeze();
  });

  test('is answered where it announces a track, past what waits', async () => {
    const { participant, sink } = await node.join(room, 'ann', {
      video: { canPublish: true, canUpdateOwnMetadata: true },
    });
    const session = sessionOf(participant);
    await room.freeze();
    ask(session);
    const track = new AddTrackRequest({ cid: 'cam', type: TrackType.VIDEO });
    session.handle(new SignalRequest({ message: { case: 'addTrack', value: track } }));
    await settled();
    assert.equal(sink.sent('trackPublished')[0]?.cid, 'cam');
    assert.equal(participant.metadata, '');
    room.unfreeze();
  });
});
