import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ClientInfo_Capability, ClientInfo_SDK } from '@livekit/protocol';
import { type JoinQuery, readJoinQuery } from '../../node-image/signaling/join-query';

const read = (query: Record<string, string> | string): JoinQuery =>
  readJoinQuery(new URLSearchParams(query), '192.0.2.1');
const attributes = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a query that says nothing', () => {
  const query = read('');

  test('subscribes to all, joins anew, and adapts nothing', () => {
    assert.deepEqual(
      [query.autoSubscribe, query.autoSubscribeDataTrack, query.reconnect, query.adaptiveStream],
      [true, true, false, false],
    );
  });

  test('is of a client that nobody knows, at the address of the connection', () => {
    assert.deepEqual([query.client.sdk, query.client.protocol], [ClientInfo_SDK.UNKNOWN, 0]);
    assert.equal(query.client.address, '192.0.2.1');
    assert.deepEqual(query.client.capabilities, []);
  });
});

describe('flags', () => {
  test('are said by 1 or true, and denied by anything else', () => {
    const said = ['1', 'true', '0', 'false', 'yes', 'TRUE'].map(
      (value) => read({ auto_subscribe: value }).autoSubscribe,
    );
    assert.deepEqual(said, [true, true, false, false, false, false]);
  });
});

describe('a client', () => {
  test('is named by its SDK, whatever the version of the protocol', () => {
    const { client } = read({ sdk: 'js', version: '2.23.0', protocol: '18', client_protocol: '2' });
    assert.deepEqual(
      [client.sdk, client.version, client.protocol, client.clientProtocol],
      [ClientInfo_SDK.JS, '2.23.0', 18, 2],
    );
  });

  test('with numbers that are none has protocol 0', () => {
    for (const protocol of ['', 'x', 'NaN', '99999999999999999999']) {
      assert.equal(read({ protocol }).client.protocol, 0);
    }
  });

  test('of a name that objects have of their own is one that nobody knows', () => {
    for (const sdk of ['constructor', '__proto__', 'toString']) {
      assert.equal(read({ sdk }).client.sdk, ClientInfo_SDK.UNKNOWN);
    }
  });

  test('says what it can do, as far as that is known', () => {
    const { client } = read({ capabilities: 'CAP_PACKET_TRAILER, constructor,NONSENSE,0' });
    assert.deepEqual(client.capabilities, [ClientInfo_Capability.CAP_PACKET_TRAILER]);
    assert.ok(client.toBinary().length > 0);
  });

  test('cannot say where it is', () => {
    assert.equal(read({ address: '10.0.0.1' }).client.address, '192.0.2.1');
  });
});

describe('attributes', () => {
  test('are an object of strings, empty ones left out', () => {
    const query = read({ attributes: attributes({ a: '1', b: '', c: 3, d: null }) });
    assert.deepEqual(query.attributes, { a: '1' });
  });

  test('that are anything else are none', () => {
    for (const value of [[], 'text', 7, null]) {
      assert.deepEqual(read({ attributes: attributes(value) }).attributes, {});
    }
    assert.deepEqual(read({ attributes: 'not base64 of JSON' }).attributes, {});
  });

  test('of any name touch no other object', () => {
    const encoded = Buffer.from('{"__proto__":"x"}').toString('base64url');
    assert.equal(Object.keys(read({ attributes: encoded }).attributes).length, 1);
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
  });
});

test('a resume names the participant, if the client knows it', () => {
  const query = read({ reconnect: '1', sid: 'PA_1' });
  assert.deepEqual([query.reconnect, query.participantSid], [true, 'PA_1']);
  assert.equal(read({ reconnect: 'true' }).participantSid, '');
});
