import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ChatMessage,
  DataPacket,
  DataPacket_Kind,
  DataStream_ByteHeader,
  DataStream_Header,
  DataStream_TextHeader,
  MetricsBatch,
  RpcAck,
  RpcRequest,
  RpcResponse,
  Transcription,
  UserPacket,
} from '@livekit/protocol';
import fc from 'fast-check';
import {
  type IncomingPacket,
  type RoutedPacket,
  routeDataPacket,
} from '../../../node-image/room/data/data-packets';
import { selectRecipients } from '../../../node-image/room/data/data-peer';
import { peer } from './peers';

const noRpc = { acknowledged: () => false, responded: () => false };

function route(packet: DataPacket | Uint8Array, changes: Partial<IncomingPacket> = {}) {
  return routeDataPacket({
    bytes: packet instanceof DataPacket ? packet.toBinary() : packet,
    kind: 'reliable',
    sender: peer('ann'),
    lastSequence: 0,
    isDuplicateNonce: () => false,
    rpc: noRpc,
    ...changes,
  });
}

function forwarded(routed: RoutedPacket): DataPacket {
  assert.equal(routed.action, 'forward');
  return DataPacket.fromBinary(routed.action === 'forward' ? routed.bytes : new Uint8Array());
}

function recipients(routed: RoutedPacket) {
  return routed.action === 'forward' ? routed.recipients : undefined;
}

const user = (changes: Partial<UserPacket> = {}): DataPacket['value'] => ({
  case: 'user',
  value: new UserPacket({ payload: Uint8Array.of(1), ...changes }),
});
const chat = (): DataPacket['value'] => ({
  case: 'chatMessage',
  value: new ChatMessage({ message: 'hi' }),
});
const agent = peer('bot', { isAgent: true });

describe('who sent a packet', () => {
  test('is overwritten, and the channel decides the kind', () => {
    const packet = forwarded(
      route(
        new DataPacket({
          participantSid: 'PA_eve',
          participantIdentity: 'eve',
          kind: DataPacket_Kind.RELIABLE,
          value: user({ participantSid: 'PA_eve', participantIdentity: 'eve' }),
        }),
        { kind: 'lossy' },
      ),
    );
    assert.equal(packet.participantSid, 'PA_ann');
    assert.equal(packet.participantIdentity, 'ann');
    assert.equal(packet.kind, DataPacket_Kind.LOSSY);
    assert.equal(packet.value.case === 'user' && packet.value.value.participantSid, 'PA_ann');
    assert.equal(packet.value.case === 'user' && packet.value.value.participantIdentity, 'ann');
  });

  test('is not told when the sender is hidden', () => {
    const hidden = { sender: peer('ann', { hidden: true }) };
    const packet = forwarded(route(new DataPacket({ value: user() }), hidden));
    assert.equal(packet.participantIdentity, '');
    assert.equal(packet.value.case === 'user' && packet.value.value.participantSid, '');
    assert.equal(packet.value.case === 'user' && packet.value.value.participantIdentity, '');
  });

  test('is what an agent says for chat and text streams, which are then marked', () => {
    const said = forwarded(
      route(new DataPacket({ participantIdentity: 'bob', value: chat() }), { sender: agent }),
    );
    assert.equal(said.participantIdentity, 'bob');
    assert.equal(said.participantSid, 'PA_bot');
    assert.equal(said.value.case === 'chatMessage' && said.value.value.generated, true);

    const header = new DataStream_Header({
      contentHeader: { case: 'textHeader', value: new DataStream_TextHeader() },
    });
    const stream = forwarded(
      route(
        new DataPacket({
          participantIdentity: 'bob',
          value: { case: 'streamHeader', value: header },
        }),
        { sender: agent },
      ),
    );
    assert.equal(stream.participantIdentity, 'bob');
    const content = stream.value.case === 'streamHeader' && stream.value.value.contentHeader;
    assert.equal(content && content.case === 'textHeader' && content.value.generated, true);
  });

  test('is the agent itself for byte streams and user packets', () => {
    const header = new DataStream_Header({
      contentHeader: { case: 'byteHeader', value: new DataStream_ByteHeader() },
    });
    const values: DataPacket['value'][] = [user(), { case: 'streamHeader', value: header }];
    for (const value of values) {
      const packet = new DataPacket({ participantIdentity: 'bob', value });
      assert.equal(forwarded(route(packet, { sender: agent })).participantIdentity, 'bot');
    }
  });

  test('is never what somebody who is no agent says', () => {
    const packet = new DataPacket({ participantIdentity: 'bob', value: chat() });
    const received = forwarded(route(packet));
    assert.equal(received.participantIdentity, 'ann');
    assert.equal(received.value.case === 'chatMessage' && received.value.value.generated, false);
  });
});

describe('who receives a packet', () => {
  const ann = peer('ann');
  const peers = [ann, peer('bob'), peer('cid')];
  const names = (routed: RoutedPacket): string[] => {
    const to = recipients(routed);
    return to === undefined ? [] : selectRecipients(to, ann, peers).map(({ identity }) => identity);
  };

  test('is everybody but the sender where it names nobody', () => {
    assert.deepEqual(names(route(new DataPacket({ value: user() }))), ['bob', 'cid']);
  });

  test('is whom the packet or its user packet names, and both then say so', () => {
    for (const packet of [
      new DataPacket({ destinationIdentities: ['cid'], value: user() }),
      new DataPacket({ value: user({ destinationIdentities: ['cid'] }) }),
    ]) {
      const routed = route(packet);
      assert.deepEqual(names(routed), ['cid']);
      const { destinationIdentities, value } = forwarded(routed);
      assert.deepEqual(destinationIdentities, ['cid']);
      assert.deepEqual(value.case === 'user' && value.value.destinationIdentities, ['cid']);
    }
  });

  test('is also whom the deprecated sids name', () => {
    const packet = new DataPacket({ value: user({ destinationSids: ['PA_bob'] }) });
    assert.deepEqual(names(route(packet)), ['bob']);
  });

  test('is nobody where it names the sender or somebody unknown', () => {
    const packet = new DataPacket({ destinationIdentities: ['ann', 'zoe'], value: chat() });
    assert.deepEqual(names(route(packet)), []);
  });

  test('is, for metrics, who may see them and is subscribed to the sender, and the sender', () => {
    const metrics = { canSubscribeMetrics: true };
    const sender = peer('ann', metrics);
    const others = [
      sender,
      peer('bob', { ...metrics, isSubscribedTo: (sid) => sid === 'PA_ann' }),
      peer('cid', metrics),
      peer('dan', { isSubscribedTo: () => true }),
    ];
    const packet = new DataPacket({ value: { case: 'metrics', value: new MetricsBatch() } });
    const to = recipients(route(packet));
    assert.deepEqual(to, { to: 'metrics' });
    const chosen = to === undefined ? [] : selectRecipients(to, sender, others);
    assert.deepEqual(
      chosen.map(({ identity }) => identity),
      ['ann', 'bob'],
    );
  });
});

describe('a packet is dropped', () => {
  const reason = (routed: RoutedPacket) => (routed.action === 'drop' ? routed.reason : routed);

  test('when the sender may not publish data', () => {
    const sender = peer('ann', { canPublishData: false });
    assert.equal(reason(route(new DataPacket({ value: user() }), { sender })), 'not_allowed');
  });

  test('when it is no protobuf', () => {
    assert.equal(reason(route(Uint8Array.of(0x12, 0xff, 0xff))), 'malformed');
  });

  test('when its reliable sequence does not go up', () => {
    const packet = new DataPacket({ sequence: 7, value: user() });
    const first = route(packet);
    assert.equal(first.lastSequence, 7);
    assert.equal(reason(route(packet, { lastSequence: 7 })), 'repeated_sequence');
    assert.equal(route(packet, { lastSequence: 7 }).lastSequence, 7);
    assert.equal(route(packet, { lastSequence: 6 }).action, 'forward');
    assert.equal(route(packet, { lastSequence: 7, kind: 'lossy' }).action, 'forward');
  });

  test('when its nonce was seen', () => {
    const routed = route(new DataPacket({ value: user() }), { isDuplicateNonce: () => true });
    assert.equal(reason(routed), 'repeated_nonce');
  });

  test('when it is a transcription from somebody who is no agent', () => {
    const packet = new DataPacket({
      value: { case: 'transcription', value: new Transcription() },
    });
    assert.equal(reason(route(packet)), 'transcription_not_from_agent');
    assert.equal(forwarded(route(packet, { sender: agent })).participantIdentity, 'bot');
  });
});

test('answers to calls of the server are taken, those to participants go on', () => {
  const rpc = {
    acknowledged: (_: unknown, id: string) => id === 'ours',
    responded: (_: unknown, response: RpcResponse) => response.requestId === 'ours',
  };
  const act = (value: DataPacket['value']) => route(new DataPacket({ value }), { rpc }).action;
  assert.equal(act({ case: 'rpcAck', value: new RpcAck({ requestId: 'ours' }) }), 'taken');
  assert.equal(act({ case: 'rpcAck', value: new RpcAck({ requestId: 'x' }) }), 'forward');
  assert.equal(
    act({ case: 'rpcResponse', value: new RpcResponse({ requestId: 'ours' }) }),
    'taken',
  );
  assert.equal(act({ case: 'rpcResponse', value: new RpcResponse({ requestId: 'x' }) }), 'forward');
  assert.equal(act({ case: 'rpcRequest', value: new RpcRequest({ id: 'ours' }) }), 'forward');
});

test('contents that only newer clients know are handed on untouched', () => {
  // Field 200, a length-delimited one.
  const unknown = Uint8Array.of(0xc2, 0x0c, 3, 9, 8, 7);
  const routed = route(unknown);
  assert.equal(routed.action, 'forward');
  const bytes = routed.action === 'forward' ? Buffer.from(routed.bytes) : Buffer.alloc(0);
  assert.ok(bytes.includes(Buffer.from(unknown)));
});

test('no bytes make it throw', () => {
  const valid = fc
    .record({ payload: fc.uint8Array(), identity: fc.string(), sequence: fc.nat() })
    .map(({ payload, identity, sequence }) =>
      new DataPacket({
        sequence,
        destinationIdentities: [identity],
        value: user({ payload, nonce: payload }),
      }).toBinary(),
    );
  const damaged = fc.tuple(valid, fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
    const copy = Uint8Array.from(bytes);
    copy[at % copy.length] = value;
    return copy;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), (bytes) => {
      route(bytes);
      route(bytes, { sender: agent, kind: 'lossy' });
    }),
    { numRuns: 2_000 },
  );
});
