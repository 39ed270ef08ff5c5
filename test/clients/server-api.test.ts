import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessToken, RoomServiceClient, TwirpError, type VideoGrant } from 'livekit-server-sdk';
import { clientSuite } from '../support/client-suite';
import { until } from '../support/wait';

const suite = clientSuite();
const options = { timeout: 30_000 };

/** What a call failed with. */
async function failure(call: () => Promise<unknown>): Promise<TwirpError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof TwirpError) return error;
    throw error;
  }
  throw new Error('the call succeeded');
}

/** A call of RoomService without the SDK, to send what the SDK would not. */
async function post(method: string, grant: VideoGrant | undefined, init: RequestInit = {}) {
  const { apiKey, apiSecret, httpUrl } = suite.server;
  const token = new AccessToken(apiKey, apiSecret, { identity: 'api' });
  if (grant) token.addGrant(grant);
  const response = await fetch(`${httpUrl}/twirp/livekit.RoomService/${method}`, {
    method: 'POST',
    body: '{}',
    ...init,
    headers: {
      'content-type': 'application/json',
      ...(grant ? { authorization: `Bearer ${await token.toJwt()}` } : {}),
      ...init.headers,
    },
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

test('a Room is created with its settings, listed, and deleted', options, async () => {
  const name = suite.roomName();
  const room = await suite.api.createRoom({
    name,
    emptyTimeout: 30,
    departureTimeout: 5,
    maxParticipants: 2,
    metadata: 'from the API',
  });
  assert.match(room.sid, /^RM_/);
  assert.equal(room.emptyTimeout, 30);
  assert.equal(room.departureTimeout, 5);
  assert.equal(room.maxParticipants, 2);
  assert.equal(room.metadata, 'from the API');
  assert.ok(Math.abs(Number(room.creationTime) - Date.now() / 1000) < 60);
  const again = await suite.api.createRoom({ name });
  assert.equal(again.sid, room.sid);
  assert.deepEqual(
    (await suite.api.listRooms([name])).map((one) => one.sid),
    [room.sid],
  );
  assert.ok((await suite.api.listRooms()).some((one) => one.name === name));
  assert.deepEqual(await suite.api.listRooms(['no-such-room']), []);
  await suite.api.deleteRoom(name);
  assert.deepEqual(await suite.api.listRooms([name]), []);
});

test('an empty Room goes away after its time', options, async () => {
  const name = suite.roomName();
  await suite.api.createRoom({ name, emptyTimeout: 1 });
  await until('the Room to be gone', async () => (await suite.api.listRooms([name])).length === 0, {
    timeoutMs: 15_000,
    intervalMs: 250,
  });
});

test('a Room that everybody left goes away after its departure time', options, async () => {
  const name = suite.roomName();
  await suite.api.createRoom({ name, emptyTimeout: 300, departureTimeout: 1 });
  const alice = await suite.join(name, 'alice');
  await alice.leave();
  await until('the Room to be gone', async () => (await suite.api.listRooms([name])).length === 0, {
    timeoutMs: 15_000,
    intervalMs: 250,
  });
});

test('a full Room refuses the next participant', options, async () => {
  const name = suite.roomName();
  await suite.api.createRoom({ name, maxParticipants: 1 });
  await suite.join(name, 'alice');
  const bob = await suite.make('bob');
  await assert.rejects(bob.connect(suite.server.url, await suite.token(name, 'bob')));
});

test('participants are listed with their tracks', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', { token: { name: 'Alice', metadata: 'm' } });
  const sid = await alice.run((c) => c.publishTone());
  await until('the track to be listed', async () =>
    (await suite.api.getParticipant(room, 'alice')).tracks.some((track) => track.sid === sid),
  );
  const participant = await suite.api.getParticipant(room, 'alice');
  assert.equal(participant.name, 'Alice');
  assert.equal(participant.metadata, 'm');
  assert.match(participant.sid, /^PA_/);
  // livekit-server says audio/red where the client offers that too.
  assert.match(participant.tracks[0]?.mimeType ?? '', /^audio\/(opus|red)$/);
  assert.equal(participant.isPublisher, true);
  const all = await suite.api.listParticipants(room);
  assert.deepEqual(
    all.map((one) => one.identity),
    ['alice'],
  );
  await until('the counts', async () => {
    const [listed] = await suite.api.listRooms([room]);
    return listed?.numParticipants === 1 && listed.numPublishers === 1;
  });
});

test('a Room’s metadata is updated', options, async () => {
  const name = suite.roomName();
  await suite.api.createRoom({ name });
  const room = await suite.api.updateRoomMetadata(name, 'new');
  assert.equal(room.metadata, 'new');
  assert.equal((await suite.api.listRooms([name]))[0]?.metadata, 'new');
});

test('what does not exist is not found', options, async () => {
  const room = suite.roomName();
  await suite.api.createRoom({ name: room });
  const missing = [
    () => suite.api.deleteRoom('no-such-room'),
    () => suite.api.updateRoomMetadata('no-such-room', 'x'),
    () => suite.api.getParticipant(room, 'nobody'),
    () => suite.api.getParticipant('no-such-room', 'nobody'),
    () => suite.api.removeParticipant(room, 'nobody'),
    () => suite.api.updateParticipant(room, 'nobody', { metadata: 'x' }),
  ];
  for (const call of missing) {
    const error = await failure(call);
    assert.equal(error.code, 'not_found');
    assert.equal(error.status, 404);
  }
  assert.match(
    (await failure(() => suite.api.deleteRoom('no-such-room'))).message,
    /room does not exist/,
  );
  const nobody = await failure(() => suite.api.getParticipant(room, 'nobody'));
  assert.match(nobody.message, /participant does not exist/);
  assert.deepEqual(await suite.api.listParticipants('no-such-room'), []);
});

test('a track or a participant that is unknown is refused', options, async () => {
  const room = suite.roomName();
  await suite.join(room, 'alice');
  for (const call of [
    () => suite.api.mutePublishedTrack(room, 'nobody', 'TR_unknown', true),
    () => suite.api.updateSubscriptions(room, 'nobody', ['TR_unknown'], true),
    () => suite.api.sendData('no-such-room', new Uint8Array(1), 0, {}),
    () => suite.api.moveParticipant(room, 'nobody', 'other'),
    () => suite.api.forwardParticipant(room, 'nobody', 'other'),
  ]) {
    assert.ok((await failure(call)).status >= 400);
  }
});

test('a token with the wrong secret or without the grant is unauthenticated', options, async () => {
  const { httpUrl, apiKey } = suite.server;
  const wrong = await failure(() => new RoomServiceClient(httpUrl, apiKey, 'wrong').listRooms());
  assert.equal(wrong.status, 401);
  const denied = { status: 401, body: { code: 'unauthenticated', msg: 'permissions denied' } };
  assert.deepEqual(await post('ListRooms', undefined), denied);
  assert.deepEqual(await post('ListRooms', { roomJoin: true, room: 'r' }), denied);
  assert.deepEqual(await post('CreateRoom', { roomList: true }, { body: '{"name":"x"}' }), denied);
  const other = { body: JSON.stringify({ room: 'theirs' }) };
  assert.deepEqual(
    await post('ListParticipants', { roomAdmin: true, room: 'mine' }, other),
    denied,
  );
});

test('what is no call of the API is answered in Twirp’s way', options, async () => {
  const list = { roomList: true };
  const unknown = await post('Nope', list);
  assert.deepEqual([unknown.status, unknown.body['code']], [404, 'bad_route']);
  const malformed = await post('ListRooms', list, { body: '{bad' });
  assert.deepEqual([malformed.status, malformed.body['code']], [400, 'malformed']);
  const text = await post('ListRooms', list, { headers: { 'content-type': 'text/plain' } });
  assert.deepEqual([text.status, text.body['code']], [404, 'bad_route']);
  const get = await post('ListRooms', list, { method: 'GET', body: null });
  assert.deepEqual([get.status, get.body['code']], [404, 'bad_route']);
});

test('an RPC from the API is answered by the participant', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  await alice.run((c) => {
    c.room.registerRpcMethod('greet', async ({ payload }) => `hello ${payload}`);
  });
  // The SDK has no method for it yet. Right after the join, data may not flow yet.
  const answer = await until('the answer', async () => {
    const { status, body } = await post(
      'PerformRpc',
      { roomAdmin: true, room },
      {
        body: JSON.stringify({
          room,
          destinationIdentity: 'alice',
          method: 'greet',
          payload: 'from the API',
          responseTimeoutMs: 4000,
        }),
      },
    );
    return status === 200 ? body : undefined;
  });
  assert.equal(answer?.['payload'], 'hello from the API');
});
