import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DataPacket_Kind, RoomAgentDispatch, RoomEgress } from '@livekit/protocol';
import type { VideoGrant } from 'livekit-server-sdk';
import { fails } from './support/api-calls';
import { roomServiceSuite } from './support/room-service-suite';

describe('RoomService', () => {
  const { rooms, client, post } = roomServiceSuite();

  test('serves every method of the SDK', async () => {
    const [room] = await client().listRooms(['r']);
    assert.equal(room?.name, 'r');
    assert.equal(room?.emptyTimeout, 7);
    assert.equal((await client().listParticipants('r'))[0]?.identity, 'alice');
    assert.equal((await client().getParticipant('r', 'alice')).sid, 'PA_alice');
    assert.equal((await client().updateRoomMetadata('r', 'new')).metadata, 'new');
    const track = await client().mutePublishedTrack('r', 'alice', 'TR_1', true);
    assert.deepEqual([track.sid, track.muted], ['TR_1', true]);
    const updated = await client().updateParticipant('r', 'alice', { name: 'Alice' });
    assert.equal(updated.name, 'Alice');
    await client().updateSubscriptions('r', 'alice', ['TR_1'], true);
    const data = new TextEncoder().encode('hello');
    await client().sendData('r', data, DataPacket_Kind.RELIABLE, { topic: 't' });
    const [, sent] = rooms.calls.at(-1) ?? [];
    assert.deepEqual((sent as { data: Uint8Array }).data, data);
    await client().removeParticipant('r', 'alice');
    await fails(
      client().getParticipant('r', 'alice'),
      404,
      'not_found',
      'participant does not exist',
    );
    await client().deleteRoom('r');
    await fails(client().deleteRoom('r'), 404, 'not_found', 'requested room does not exist');
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

  test('refuses what is too long, with the limit', async () => {
    const long = 'é'.repeat(60);
    await fails(
      client().createRoom({ name: 'x'.repeat(257) }),
      400,
      'invalid_argument',
      'room name length exceeds limits 256',
    );
    await fails(client().createRoom({ name: '' }), 400, 'invalid_argument', 'no room name');
    const metadataText = 'metadata size exceeds limits 100';
    const dispatch = new RoomAgentDispatch({ agentName: 'a', metadata: long });
    const tooLong = [
      client().createRoom({ name: 'x', metadata: long }),
      client().createRoom({ name: 'x', agents: [dispatch] }),
      client().updateRoomMetadata('r', long),
      client().updateParticipant('r', 'alice', { metadata: long }),
    ];
    for (const call of tooLong) await fails(call, 400, 'invalid_argument', metadataText);
    await fails(
      client().updateParticipant('r', 'alice', { attributes: { key: 'v'.repeat(48) } }),
      400,
      'invalid_argument',
      'attribute size exceeds limits 50',
    );
    await fails(
      client().updateParticipant('r', 'alice', { name: 'n'.repeat(257) }),
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
      client().createRoom({ name: 'x', egress }),
      501,
      'unimplemented',
      'egress is not available on this server',
    );
  });
});
