import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, test } from 'node:test';
import { ListRoomsRequest, ListRoomsResponse } from '@livekit/protocol';
import { SipClient } from 'livekit-server-sdk';
import { fails, tokenFor } from './support/api-calls';
import { roomServiceSuite } from './support/room-service-suite';

describe('the Twirp routes', () => {
  const { reports, errors, url, client, post } = roomServiceSuite();

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
    const response = await fetch(`${url()}/twirp/livekit.RoomService/ListRooms`, {
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

  test('refuses a bad token with plain text, before the body', async () => {
    const post = (headers: Record<string, string>, query = '') =>
      fetch(`${url()}/twirp/livekit.RoomService/ListRooms${query}`, {
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
          `${url()}/twirp/livekit.RoomService/ListRooms`,
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

  test('answers 501 to the services it does not have', async () => {
    const call = new SipClient(url(), 'devkey', 'secret').listSipInboundTrunk();
    await assert.rejects(call, (error: Error) => {
      assert.match(error.message, /is not implemented by this server$/);
      return 'status' in error && error.status === 501;
    });
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
    const got = await fetch(`${url()}/twirp/livekit.RoomService/ListRooms`);
    assert.equal(got.status, 404);
    assert.equal(((await got.json()) as { code: string }).code, 'bad_route');
    const other = await fetch(`${url()}/twirp/livekit.Nothing/ListRooms`, { method: 'POST' });
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
    const response = await fetch(`${url()}/twirp/livekit.RoomService/CreateRoom`, {
      method: 'POST',
      body: 'x'.repeat(200_000),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.status, 413);
    assert.equal((await client().listRooms()).length > 0, true);
  });

  test('hides the details of an unexpected error, and logs them', async () => {
    await fails(client().createRoom({ name: 'explode' }), 500, 'internal', 'internal error');
    assert.match(String((errors[0] as { err: Error }).err), /a secret detail/);
  });

  test('reports each call with its code and duration', async () => {
    await client().listRooms();
    await assert.rejects(client().deleteRoom('nothing'));
    const seen = reports.map(({ service, method, code }) => [service, method, code]);
    assert.deepEqual(seen.slice(-2), [
      ['RoomService', 'ListRooms', ''],
      ['RoomService', 'DeleteRoom', 'not_found'],
    ]);
    assert.ok(reports.every((report) => report.durationMs >= 0));
  });
});
