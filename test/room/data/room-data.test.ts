import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import {
  DataChannelReceiveState,
  DataPacket,
  DataPacket_Kind,
  PerformRpcRequest,
  RpcAck,
  RpcError,
  RpcResponse,
  SendDataRequest,
  UserPacket,
} from '@livekit/protocol';
import type { DataPeer } from '../../../node-image/room/data/data-peer';
import { RoomData } from '../../../node-image/room/data/room-data';
import { RoomError } from '../../../node-image/room/errors';
import { peer, recordingSink } from './peers';

const ann = peer('ann');
const bob = peer('bob');

function room(peers: DataPeer[] = [ann, bob]) {
  const sink = recordingSink();
  const dropped: string[] = [];
  const data = new RoomData<DataPeer>({
    peers: () => peers,
    sink,
    onDropped: (_, reason) => dropped.push(reason),
    nowMs: () => 0,
  });
  return { data, sink, dropped };
}

function reliable(sequence: number): Uint8Array {
  return new DataPacket({
    sequence,
    value: { case: 'user', value: new UserPacket({ payload: Uint8Array.of(sequence) }) },
  }).toBinary();
}

describe('packets of participants', () => {
  test('go to all others, once each, and their last sequence is kept', () => {
    const { data, sink, dropped } = room();
    data.receive(ann, 'reliable', reliable(1));
    data.receive(ann, 'reliable', reliable(2));
    data.receive(ann, 'reliable', reliable(2));
    assert.deepEqual(
      sink.sent.map(({ kind, except }) => [kind, except]),
      [
        ['reliable', 'ann'],
        ['reliable', 'ann'],
      ],
    );
    assert.deepEqual(dropped, ['repeated_sequence']);
    assert.equal(data.lastSequence(ann), 2);
    assert.equal(data.lastSequence(bob), 0);
  });

  test('are sent again to a participant that resumes and has missed them', () => {
    const { data, sink } = room();
    data.receive(ann, 'reliable', reliable(1));
    data.receive(ann, 'reliable', reliable(2));
    data.receive(ann, 'lossy', reliable(3));
    const [, second] = sink.sent.splice(0);
    data.replay(bob, [new DataChannelReceiveState({ publisherSid: ann.sid, lastSeq: 1 })]);
    assert.deepEqual(sink.sent, [{ kind: 'reliable', bytes: second?.bytes, to: ['bob'] }]);
  });

  test('to names that nobody has are not sent', () => {
    const { data, sink } = room();
    data.receive(ann, 'lossy', new DataPacket({ destinationIdentities: ['zoe'] }).toBinary());
    assert.deepEqual(sink.sent, []);
  });
});

describe('SendData', () => {
  test('reaches everybody, or those it names by identity or sid', () => {
    const { data, sink } = room();
    data.sendData(new SendDataRequest({ data: Uint8Array.of(5), topic: 'news' }));
    data.sendData(new SendDataRequest({ destinationIdentities: ['bob'] }));
    data.sendData(
      new SendDataRequest({ kind: DataPacket_Kind.LOSSY, destinationSids: ['PA_ann'] }),
    );
    assert.deepEqual(
      sink.sent.map(({ kind, to, except }) => ({ kind, to, except })),
      [
        { kind: 'reliable', to: undefined, except: undefined },
        { kind: 'reliable', to: ['bob'], except: undefined },
        { kind: 'lossy', to: ['ann'], except: undefined },
      ],
    );
    const packet = DataPacket.fromBinary(sink.sent[0]?.bytes ?? new Uint8Array());
    assert.equal(packet.participantIdentity, '');
    assert.equal(packet.value.case === 'user' && packet.value.value.topic, 'news');
    assert.deepEqual(packet.value.case === 'user' && [...packet.value.value.payload], [5]);
  });

  test('with the same nonce is sent once', () => {
    const { data, sink } = room();
    const nonce = new Uint8Array(16).fill(3);
    data.sendData(new SendDataRequest({ nonce }));
    data.sendData(new SendDataRequest({ nonce }));
    assert.equal(sink.sent.length, 1);
  });
});

describe('PerformRpc', () => {
  const request = new PerformRpcRequest({ method: 'greet', payload: 'hello' });

  function call(changes: Partial<PerformRpcRequest> = {}) {
    const { data, sink } = room();
    const result = data.performRpc(bob, new PerformRpcRequest({ ...request, ...changes }), 30);
    result.catch(() => undefined);
    const packet = DataPacket.fromBinary(sink.sent[0]?.bytes ?? new Uint8Array());
    const asked = packet.value.case === 'rpcRequest' ? packet.value.value : undefined;
    const answer = (value: RpcResponse['value'], from = bob) =>
      data.receive(
        from,
        'reliable',
        new DataPacket({
          value: {
            case: 'rpcResponse',
            value: new RpcResponse({ requestId: asked?.id ?? '', value }),
          },
        }).toBinary(),
      );
    const acknowledge = () =>
      data.receive(
        bob,
        'reliable',
        new DataPacket({
          value: { case: 'rpcAck', value: new RpcAck({ requestId: asked?.id ?? '' }) },
        }).toBinary(),
      );
    return { data, sink, result, asked, packet, answer, acknowledge };
  }

  test('asks the participant and returns its payload', async () => {
    const { sink, result, asked, packet, answer, acknowledge } = call();
    assert.deepEqual(sink.sent[0]?.to, ['bob']);
    assert.equal(asked?.method, 'greet');
    assert.equal(asked?.payload, 'hello');
    assert.equal(asked?.version, 1);
    assert.equal(asked?.responseTimeoutMs, 9_970);
    assert.equal(packet.participantIdentity, asked?.id);
    assert.equal(acknowledge().action, 'taken');
    assert.equal(answer({ case: 'payload', value: 'hi' }).action, 'taken');
    assert.equal(await result, 'hi');
    assert.equal(sink.sent.length, 1);
  });

  test('takes no answer from somebody else', async () => {
    const { result, answer } = call();
    assert.equal(answer({ case: 'payload', value: 'forged' }, ann).action, 'forward');
    answer({ case: 'payload', value: 'real' });
    assert.equal(await result, 'real');
  });

  test('fails with what the method answered', async () => {
    const { result, answer } = call();
    const value = new RpcError({ code: 1400, message: 'no such method', data: 'x' });
    answer({ case: 'error', value });
    await assert.rejects(result, (error) => {
      assert.ok(error instanceof RoomError);
      assert.equal(error.code, 'invalid_argument');
      assert.equal(error.message, 'RpcError 1400: no such method: x');
      assert.deepEqual(error.meta, {
        rpc_code: '1400',
        rpc_message: 'no such method',
        rpc_data: 'x',
      });
      return true;
    });
  });

  test('fails after 2 s without an ACK, and after the time for the response with one', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const silent = call();
      mock.timers.tick(2_000);
      await assert.rejects(silent.result, { message: 'RpcError 1501: Connection timeout' });
      const slow = call({ responseTimeoutMs: 5_000 });
      slow.acknowledge();
      mock.timers.tick(4_999);
      mock.timers.tick(1);
      await assert.rejects(slow.result, {
        code: 'deadline_exceeded',
        message: 'RpcError 1502: Response timeout',
      });
    } finally {
      mock.timers.reset();
    }
  });

  test('fails when the participant leaves, or the Room closes', async () => {
    const left = call();
    left.data.peerLeft(bob);
    await assert.rejects(left.result, { code: 'unavailable' });
    const closed = call();
    closed.data.close();
    await assert.rejects(closed.result, { code: 'unavailable' });
  });

  test('fails for a payload above 15 KiB without asking', async () => {
    const { sink, result } = call({ payload: 'é'.repeat(7_681) });
    await assert.rejects(result, { message: 'RpcError 1402: Request payload too large' });
    assert.equal(sink.sent.length, 0);
  });
});
