import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  DataPacket_Kind,
  ListRoomsRequest,
  ListRoomsResponse,
  RoomAgentDispatch,
  RoomEgress,
} from '@livekit/protocol';
import {
  AccessToken,
  AgentDispatchClient,
  EgressClient,
  IngressClient,
  RoomServiceClient,
  SipClient,
  type VideoGrant,
} from 'livekit-server-sdk';
import { createApiServer } from './support/api-server';
import { MemoryRoomControl } from './support/memory-room-control';

const keys = { devkey: 'secret' };

async function tokenFor(grant: VideoGrant, secret = keys.devkey): Promise<string> {
  const token = new AccessToken('devkey', secret, { identity: 'tester' });
  token.addGrant(grant);
  return token.toJwt();
}

const fails = (promise: Promise<unknown>, status: number, code: string, message: string) =>
  assert.rejects(promise, (error: Error) => {
    const { status: gotStatus, code: gotCode } = error as unknown as Record<string, unknown>;
    assert.deepEqual([gotStatus, gotCode, error.message], [status, code, message]);
    return true;
  });

describe('RoomService', () => {
  const rooms = new MemoryRoomControl();
  const { server, reports, errors } = createApiServer(rooms, keys);
  let url = '';
  let client: RoomServiceClient;

  before(async () => {
    await server.listen();
    url = `http://127.0.0.1:${server.port}`;
    client = new RoomServiceClient(url, 'devkey', 'secret');
  });
  after(() => server.close());
  beforeEach(async () => {
    rooms.calls.length = 0;
    reports.length = 0;
    errors.length = 0;
    await client.createRoom({ name: 'r', metadata: 'm', emptyTimeout: 7 });
    rooms.addParticipant('r', 'alice');
  });

  /** Posts without any SDK. */
  async function post(
    method: string,
    body: string | Uint8Array<ArrayBuffer>,
    grant: VideoGrant | undefined,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Promise<{ status: number; type: string | null; body: Record<string, unknown> }> {
    const authorization: Record<string, string> =
      grant === undefined ? {} : { authorization: `Bearer ${await tokenFor(grant)}` };
    const response = await fetch(`${url}/twirp/livekit.RoomService/${method}`, {
      method: 'POST',
      body,
      headers: { ...authorization, ...headers },
    });
    const json = (await response.json()) as Record<string, unknown>;
    return { status: response.status, type: response.headers.get('content-type'), body: json };
  }

  test('serves every method of the SDK', async () => {
    const [room] = await client.listRooms(['r']);
    assert.equal(room?.name, 'r');
    assert.equal(room?.emptyTimeout, 7);
    assert.equal((await client.listParticipants('r'))[0]?.identity, 'alice');
    assert.equal((await client.getParticipant('r', 'alice')).sid, 'PA_alice');
    assert.equal((await client.updateRoomMetadata('r', 'new')).metadata, 'new');
    const track = await client.mutePublishedTrack('r', 'alice', 'TR_1', true);
    assert.deepEqual([track.sid, track.muted], ['TR_1', true]);
    const updated = await client.updateParticipant('r', 'alice', { name: 'Alice' });
    assert.equal(updated.name, 'Alice');
    await client.updateSubscriptions('r', 'alice', ['TR_1'], true);
    const data = new TextEncoder().encode('hello');
    await client.sendData('r', data, DataPacket_Kind.RELIABLE, { topic: 't' });
    const [, sent] = rooms.calls.at(-1) ?? [];
    assert.deepEqual((sent as { data: Uint8Array }).data, data);
    await client.removeParticipant('r', 'alice');
    await fails(
      client.getParticipant('r', 'alice'),
      404,
      'not_found',
      'participant does not exist',
    );
    await client.deleteRoom('r');
    await fails(client.deleteRoom('r'), 404, 'not_found', 'requested room does not exist');
  });

  test('answers an RPC, and passes on the facts of a failed one', async () => {
    const admin = { roomAdmin: true, room: 'r' };
    const call = { room: 'r', destination_identity: 'alice', method: 'm', payload: 'hi' };
    const good = await post('PerformRpc', JSON.stringify(call), admin);
    assert.deepEqual(good.body, { payload: 'echo hi' });
    const bad = await post('PerformRpc', JSON.stringify({ ...call, method: 'fail' }), admin);
    assert.equal(bad.status, 412);
    assert.deepEqual(bad.body['meta'], { rpc_error_code: '1400' });
    const nobody = await post('PerformRpc', JSON.stringify({ room: 'r' }), admin);
    assert.equal(nobody.body['msg'], 'destination identity is required');
  });

  test('answers JSON in snake_case with defaults, and reads both casings', async () => {
    for (const body of ['{"name":"x","empty_timeout":9}', '{"name":"x","emptyTimeout":9}']) {
      const answer = await post('CreateRoom', body, { roomCreate: true });
      assert.equal(answer.type, 'application/json');
      assert.equal(answer.body['empty_timeout'], 9);
      assert.equal(answer.body['num_participants'], 0);
      assert.equal(answer.body['creation_time'], '1700000000');
      assert.deepEqual(answer.body['enabled_codecs'], []);
    }
  });

  test('answers protobuf to protobuf', async () => {
    const request = new ListRoomsRequest({ names: ['r'] });
    const response = await fetch(`${url}/twirp/livekit.RoomService/ListRooms`, {
      method: 'POST',
      body: new Uint8Array(request.toBinary()),
      headers: {
        authorization: `Bearer ${await tokenFor({ roomList: true })}`,
        'content-type': 'application/protobuf',
      },
    });
    assert.equal(response.headers.get('content-type'), 'application/protobuf');
    const answer = ListRoomsResponse.fromBinary(new Uint8Array(await response.arrayBuffer()));
    assert.equal(answer.rooms[0]?.name, 'r');
  });

  test('asks each method for its own grant', async () => {
    const needs: [string, VideoGrant, VideoGrant][] = [
      ['CreateRoom', { roomCreate: true }, { roomList: true, roomAdmin: true, room: 'r' }],
      ['ListRooms', { roomList: true }, { roomCreate: true }],
      ['DeleteRoom', { roomCreate: true }, { roomAdmin: true, room: 'r' }],
      ...[
        'ListParticipants',
        'GetParticipant',
        'RemoveParticipant',
        'MutePublishedTrack',
        'UpdateParticipant',
        'UpdateSubscriptions',
        'SendData',
        'UpdateRoomMetadata',
        'PerformRpc',
      ].map((method): [string, VideoGrant, VideoGrant] => [
        method,
        { roomAdmin: true, room: 'r' },
        { roomAdmin: true, room: 'another', roomCreate: true, roomJoin: true },
      ]),
    ];
    const body = JSON.stringify({ room: 'r', name: 'r', identity: 'alice' });
    for (const [method, enough, wrong] of needs) {
      for (const grant of [wrong, undefined, {}]) {
        const answer = await post(method, body, grant);
        assert.equal(answer.status, 401, method);
        assert.deepEqual(answer.body, { code: 'unauthenticated', msg: 'permissions denied' });
      }
      assert.notEqual((await post(method, body, enough)).status, 401, method);
    }
  });

  test('refuses a bad token with plain text, before the body', async () => {
    const post = (headers: Record<string, string>, query = '') =>
      fetch(`${url}/twirp/livekit.RoomService/ListRooms${query}`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json', ...headers },
      });
    const cases: [Record<string, string>, string][] = [
      [{ authorization: 'Basic x' }, 'invalid authorization header. Must start with Bearer '],
      [{ authorization: 'Bearer x' }, 'invalid authorization token'],
      [
        { authorization: `Bearer ${await tokenFor({ roomList: true }, 'guess')}` },
        'invalid authorization token: signature is invalid',
      ],
    ];
    for (const [headers, text] of cases) {
      const response = await post(headers);
      assert.equal(response.status, 401);
      assert.equal(await response.text(), text);
      assert.equal(response.headers.get('access-control-allow-origin'), '*');
    }
    const token = await tokenFor({ roomList: true });
    assert.equal((await post({}, `?access_token=${token}`)).status, 200);
  });

  test('takes the first of two Authorization headers', async () => {
    const good = `Bearer ${await tokenFor({ roomList: true })}`;
    const status = (authorizations: string[]) =>
      new Promise((resolve, reject) => {
        const call = httpRequest(
          `${url}/twirp/livekit.RoomService/ListRooms`,
          { method: 'POST', headers: { 'content-type': 'application/json' } },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        );
        call.on('error', reject);
        call.setHeader('authorization', authorizations);
        call.end('{}');
      });
    assert.equal(await status([good, 'Bearer x']), 200);
    assert.equal(await status(['Bearer x', good]), 401);
  });

  test('refuses what is too long, with the limit', async () => {
    const long = 'é'.repeat(60);
    await fails(
      client.createRoom({ name: 'x'.repeat(257) }),
      400,
      'invalid_argument',
      'room name length exceeds limits 256',
    );
    await fails(client.createRoom({ name: '' }), 400, 'invalid_argument', 'no room name');
    const metadataText = 'metadata size exceeds limits 100';
    const dispatch = new RoomAgentDispatch({ agentName: 'a', metadata: long });
    const tooLong = [
      client.createRoom({ name: 'x', metadata: long }),
      client.createRoom({ name: 'x', agents: [dispatch] }),
      client.updateRoomMetadata('r', long),
      client.updateParticipant('r', 'alice', { metadata: long }),
    ];
    for (const call of tooLong) await fails(call, 400, 'invalid_argument', metadataText);
    await fails(
      client.updateParticipant('r', 'alice', { attributes: { key: 'v'.repeat(48) } }),
      400,
      'invalid_argument',
      'attribute size exceeds limits 50',
    );
    await fails(
      client.updateParticipant('r', 'alice', { name: 'n'.repeat(257) }),
      400,
      'invalid_argument',
      'name length exceeds limits 256',
    );
  });

  test('refuses a nonce that is no UUID', async () => {
    const body = JSON.stringify({ room: 'r', nonce: 'AAAA' });
    const answer = await post('SendData', body, { roomAdmin: true, room: 'r' });
    assert.equal(answer.body['msg'], 'nonce should be 16-bytes or not present, got: 3 bytes');
  });

  test('refuses to forward or move a participant, as LiveKit does', async () => {
    const grant = { roomAdmin: true, room: 'r', destinationRoom: 's' };
    for (const method of ['ForwardParticipant', 'MoveParticipant']) {
      const to = (destination: string) =>
        JSON.stringify({ room: 'r', identity: 'alice', destination_room: destination });
      const answer = await post(method, to('s'), grant);
      assert.equal(answer.status, 501);
      assert.deepEqual(answer.body, { code: 'unimplemented', msg: 'not implemented' });
      assert.equal((await post(method, to('t'), grant)).status, 401);
      const same = await post(method, to('r'), { ...grant, destinationRoom: 'r' });
      assert.equal(same.status, 400);
    }
  });

  test('refuses a room with egress, which it cannot give', async () => {
    const egress = new RoomEgress();
    await fails(
      client.createRoom({ name: 'x', egress }),
      501,
      'unimplemented',
      'egress is not available on this server',
    );
  });

  test('answers 501 to the services it does not have', async () => {
    const calls: Promise<unknown>[] = [
      new EgressClient(url, 'devkey', 'secret').listEgress(),
      new IngressClient(url, 'devkey', 'secret').listIngress(),
      new AgentDispatchClient(url, 'devkey', 'secret').listDispatch('r'),
      new SipClient(url, 'devkey', 'secret').listSipInboundTrunk(),
    ];
    for (const call of calls) {
      await assert.rejects(call, (error: Error) => {
        assert.match(error.message, /is not implemented by this server$/);
        return 'status' in error && error.status === 501;
      });
    }
  });

  test('answers bad_route to a wrong method, verb or content type', async () => {
    const unknown = await post('DoRoom', '{}', { roomList: true });
    assert.equal(unknown.status, 404);
    assert.deepEqual(unknown.body, {
      code: 'bad_route',
      msg: 'no handler for path "/twirp/livekit.RoomService/DoRoom"',
      meta: { twirp_invalid_route: 'POST /twirp/livekit.RoomService/DoRoom' },
    });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'nonsense', 'a/b/c']) {
      const answer = await post('ListRooms', 'a=b', { roomList: true }, { 'content-type': type });
      assert.equal(answer.body['code'], 'bad_route', type);
      assert.match(String(answer.body['msg']), /^unexpected Content-Type/);
    }
    const got = await fetch(`${url}/twirp/livekit.RoomService/ListRooms`);
    assert.equal(got.status, 404);
    assert.equal(((await got.json()) as { code: string }).code, 'bad_route');
    const other = await fetch(`${url}/twirp/livekit.Nothing/ListRooms`, { method: 'POST' });
    assert.equal(await other.text(), '404 page not found\n');
  });

  test('answers malformed to what is no JSON or no protobuf', async () => {
    const grant = { roomCreate: true };
    const bodies = ['', '{', 'null', '[]', '7', '{"name":5}', `${'['.repeat(40_000)}`];
    for (const body of bodies) {
      const answer = await post('CreateRoom', body, grant);
      assert.equal(answer.status, 400, body.slice(0, 20));
      assert.deepEqual(answer.body, {
        code: 'malformed',
        msg: 'the json request could not be decoded',
      });
    }
    for (const bytes of [[0xff], [0x0a, 0x7f], [0x0a, 0x01], [0x0b, 0x0b, 0x0b]]) {
      const answer = await post('CreateRoom', new Uint8Array(bytes), grant, {
        'content-type': 'application/protobuf',
      });
      assert.equal(answer.body['msg'], 'the protobuf request could not be decoded');
    }
  });

  test('ignores fields it does not know', async () => {
    const answer = await post('CreateRoom', '{"name":"x","from_the_future":{}}', {
      roomCreate: true,
    });
    assert.equal(answer.status, 200);
  });

  test('refuses a huge body and goes on serving', async () => {
    const response = await fetch(`${url}/twirp/livekit.RoomService/CreateRoom`, {
      method: 'POST',
      body: 'x'.repeat(200_000),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.status, 413);
    assert.equal((await client.listRooms()).length > 0, true);
  });

  test('hides the details of an unexpected error, and logs them', async () => {
    await fails(client.createRoom({ name: 'explode' }), 500, 'internal', 'internal error');
    assert.match(String((errors[0] as { err: Error }).err), /a secret detail/);
  });

  test('reports each call with its code and duration', async () => {
    await client.listRooms();
    await assert.rejects(client.deleteRoom('nothing'));
    const seen = reports.map(({ service, method, code }) => [service, method, code]);
    assert.deepEqual(seen.slice(-2), [
      ['RoomService', 'ListRooms', ''],
      ['RoomService', 'DeleteRoom', 'not_found'],
    ]);
    assert.ok(reports.every((report) => report.durationMs >= 0));
  });
});
