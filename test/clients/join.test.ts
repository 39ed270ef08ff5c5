import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DisconnectReason,
  LeaveRequest_Action,
  RoomConfiguration,
  TrackSource,
} from '@livekit/protocol';
import { clientSuite } from '../support/client-suite';
import { openSignal } from '../support/signal';
import { sleep } from '../support/wait';

const suite = clientSuite();
const options = { timeout: 30_000 };

test('a participant may do everything when its token says nothing of it', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', {
    token: { name: 'Alice', metadata: 'from the token', attributes: { team: 'blue' } },
  });
  const seen = await alice.run((c) => {
    const p = c.room.localParticipant;
    return {
      name: p.name,
      metadata: p.metadata,
      attributes: p.attributes,
      sid: p.sid,
      room: c.room.name,
      canPublish: p.permissions?.canPublish,
      canSubscribe: p.permissions?.canSubscribe,
      canPublishData: p.permissions?.canPublishData,
      hidden: p.permissions?.hidden,
    };
  });
  assert.match(seen.sid, /^PA_/);
  assert.deepEqual(
    { ...seen, sid: '' },
    {
      name: 'Alice',
      metadata: 'from the token',
      attributes: { team: 'blue' },
      sid: '',
      room,
      canPublish: true,
      canSubscribe: true,
      canPublishData: true,
      hidden: false,
    },
  );
  assert.match(await alice.run((c) => c.room.getSid()), /^RM_/);
});

test('participants see each other come and go', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob', { token: { name: 'Bob' } });
  await alice.event('participantConnected', ['bob']);
  await alice.event('participantActive', ['bob']);
  assert.deepEqual(await bob.run((c) => [...c.room.remoteParticipants.keys()]), ['alice']);
  assert.equal(await alice.run((c) => c.room.remoteParticipants.get('bob')?.name), 'Bob');
  await bob.leave();
  await alice.event('participantDisconnected', ['bob']);
});

test('canPublish false: a track is refused, subscribing works', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', { token: { grant: { canPublish: false } } });
  const bob = await suite.join(room, 'bob');
  await assert.rejects(
    alice.run((c) => c.publishPicture()),
    /permission/,
  );
  await bob.run((c) => c.publishPicture());
  await alice.sees('bob');
});

test('canPublishSources: only these sources may be published', options, async () => {
  const room = suite.roomName();
  const grant = { canPublish: true, canPublishSources: [TrackSource.MICROPHONE] };
  const alice = await suite.join(room, 'alice', { token: { grant } });
  const bob = await suite.join(room, 'bob');
  await assert.rejects(
    alice.run((c) => c.publishPicture()),
    /permission/,
  );
  await alice.run((c) => c.publishTone());
  await bob.hears('alice');
});

test('canSubscribe false: tracks are announced, not received', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', { token: { grant: { canSubscribe: false } } });
  const bob = await suite.join(room, 'bob');
  await bob.run((c) => c.publishTone());
  await alice.event('trackPublished', ['microphone', 'bob']);
  await sleep(1_000);
  assert.deepEqual(await alice.run((c) => c.seen('trackSubscribed')), []);
  await alice.run((c) => c.publishTone());
  await bob.hears('alice');
});

test('canPublishData false: data reaches nobody', options, async () => {
  const room = suite.roomName();
  const grant = { canPublish: true, canSubscribe: true, canPublishData: false };
  const alice = await suite.join(room, 'alice', { token: { grant } });
  const bob = await suite.join(room, 'bob');
  const carol = await suite.join(room, 'carol');
  const publish = (client: typeof alice) =>
    client.run((c) =>
      c.room.localParticipant
        .publishData(new TextEncoder().encode('hello'), { reliable: true })
        .catch(() => undefined),
    );
  await publish(alice);
  await publish(carol);
  await bob.event('dataReceived', ['hello', null, null, null, null, 'carol']);
  await sleep(500);
  assert.equal((await bob.run((c) => c.seen('dataReceived'))).length, 1);
});

test('a hidden participant sees and is not seen', options, async () => {
  const room = suite.roomName();
  const bob = await suite.join(room, 'bob');
  const ghost = await suite.join(room, 'ghost', { token: { grant: { hidden: true } } });
  await bob.run((c) => c.publishTone());
  await ghost.hears('bob');
  const late = await suite.join(room, 'late');
  await bob.event('participantConnected', ['late']);
  assert.deepEqual(await bob.run((c) => [...c.room.remoteParticipants.keys()]), ['late']);
  assert.deepEqual(await late.run((c) => [...c.room.remoteParticipants.keys()]), ['bob']);
});

test('a recorder makes the Room one that is being recorded', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  assert.equal(await alice.run((c) => c.room.isRecording), false);
  const grant = { recorder: true, hidden: true, canPublish: false };
  const recorder = await suite.join(room, 'recorder', { token: { grant } });
  await alice.event('recordingStatusChanged', [true]);
  await recorder.leave();
  await alice.event('recordingStatusChanged', [false]);
});

test('canUpdateOwnMetadata decides who may rename itself', options, async () => {
  const room = suite.roomName();
  const grant = { canUpdateOwnMetadata: true };
  const alice = await suite.join(room, 'alice', { token: { grant } });
  const bob = await suite.join(room, 'bob');
  await alice.run(async (c) => {
    await c.room.localParticipant.setMetadata('new metadata');
    await c.room.localParticipant.setName('New Name');
    await c.room.localParticipant.setAttributes({ hand: 'raised' });
  });
  await bob.event('participantMetadataChanged', [null, 'alice']);
  await bob.event('participantNameChanged', ['New Name', 'alice']);
  await bob.event('participantAttributesChanged', [{ hand: 'raised' }, 'alice']);
  await assert.rejects(
    bob.run((c) => c.room.localParticipant.setName('Mallory')),
    /permission|allow/i,
  );
});

test('a token brings the settings of the Room that it creates', options, async () => {
  const room = suite.roomName();
  const roomConfig = new RoomConfiguration({ metadata: 'of the Room', maxParticipants: 1 });
  const alice = await suite.join(room, 'alice', { token: { roomConfig } });
  assert.equal(await alice.run((c) => c.room.metadata), 'of the Room');
  const bob = await suite.make('bob');
  await assert.rejects(bob.connect(suite.server.url, await suite.token(room, 'bob')));
});

test(
  'a second participant of the same identity takes the place of the first',
  options,
  async () => {
    const room = suite.roomName();
    const first = await suite.join(room, 'alice');
    const bob = await suite.join(room, 'bob');
    const second = await suite.join(room, 'alice');
    await first.event('disconnected', [DisconnectReason.DUPLICATE_IDENTITY]);
    await second.run((c) => c.publishTone());
    await bob.hears('alice');
    assert.deepEqual(await bob.run((c) => [...c.room.remoteParticipants.keys()]), ['alice']);
  },
);

test('who is removed is told why', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await suite.api.removeParticipant(room, 'alice');
  await alice.event('disconnected', [DisconnectReason.PARTICIPANT_REMOVED]);
  await bob.event('participantDisconnected', ['alice']);
});

test('who is in a Room that is deleted is told why', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  await suite.api.deleteRoom(room);
  await alice.event('disconnected', [DisconnectReason.ROOM_DELETED]);
});

test('a page that is closed leaves', options, async () => {
  const room = suite.roomName();
  const bob = await suite.join(room, 'bob');
  const page = await suite.openPage();
  await suite.join(room, 'alice', { page });
  await bob.event('participantConnected', ['alice']);
  await page.page.goto('about:blank');
  await bob.event('participantDisconnected', ['alice']);
});

test('the first messages are the join and a fresh token', options, async () => {
  const room = suite.roomName();
  const signal = await openSignal(suite.server.url, await suite.token(room, 'alice'));
  const join = await signal.message('join');
  assert.equal(join.room?.name, room);
  assert.equal(join.participant?.identity, 'alice');
  assert.equal(join.subscriberPrimary, true);
  assert.ok(join.pingInterval > 0 && join.pingTimeout > join.pingInterval);
  assert.ok((join.serverInfo?.protocol ?? 0) >= 17);
  const [first] = signal.messages;
  assert.equal(first?.case, 'join');
  const token = await signal.message('refreshToken');
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  assert.equal(claims.sub, 'alice');
  assert.equal(claims.video.room, room);
  assert.ok(claims.exp - Date.now() / 1000 > 300);
  const offer = await signal.message('offer');
  assert.match(offer.sdp, /m=application/);
  signal.close();
});

test('a ping is answered, in both of its forms', options, async () => {
  const signal = await openSignal(suite.server.url, await suite.token(suite.roomName(), 'alice'));
  signal.send({ case: 'ping', value: BigInt(Date.now()) });
  const pong = await signal.message('pong');
  assert.ok(Math.abs(Number(pong) - Date.now()) < 60_000, `pong ${pong} is not in milliseconds`);
  signal.close();
});

test('a resume of a participant that nobody knows is sent to join anew', options, async () => {
  const signal = await openSignal(suite.server.url, await suite.token(suite.roomName(), 'alice'), {
    reconnect: '1',
    sid: 'PA_nobodyknows1',
  });
  const leave = await signal.message('leave');
  assert.equal(leave.action, LeaveRequest_Action.RECONNECT);
  assert.equal(leave.reason, DisconnectReason.STATE_MISMATCH);
  await signal.end();
});
