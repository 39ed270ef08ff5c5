import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ping, SignalRequest } from '@livekit/protocol';
import { decodeSignal, SignalDecodeError } from '../../node-image/signaling/signal-codec';

const ping = new SignalRequest({
  message: { case: 'pingReq', value: new Ping({ timestamp: 7n }) },
});

test('a binary frame is protobuf, a text frame JSON', () => {
  assert.ok(decodeSignal(Buffer.from(ping.toBinary()), true).equals(ping));
  assert.ok(decodeSignal(Buffer.from(ping.toJsonString()), false).equals(ping));
});

test('JSON may say more than is known', () => {
  const text = JSON.stringify({ pingReq: { timestamp: '7', later: 1 }, future: true });
  assert.ok(decodeSignal(Buffer.from(text), false).equals(ping));
});

test('an empty frame asks for nothing', () => {
  assert.equal(decodeSignal(Buffer.alloc(0), true).message.case, undefined);
});

for (const [what, data, isBinary] of [
  ['bytes that are no message', Buffer.from([0xff, 0xff, 0xff]), true],
  ['a message that is cut off', Buffer.from(ping.toBinary()).subarray(0, 2), true],
  ['text that is no JSON', Buffer.from('hello'), false],
  ['JSON of another shape', Buffer.from('{"pingReq":[1]}'), false],
] as const) {
  test(`${what} are refused`, () => {
    assert.throws(() => decodeSignal(data, isBinary), SignalDecodeError);
  });
}
