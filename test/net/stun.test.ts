import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  decodeStun,
  encodeStun,
  STUN_ATTRIBUTE,
  STUN_TYPE,
  stunAddress,
  stunErrorCode,
} from '../../node-image/net/stun';
import { longTermKey } from '../../node-image/net/turn-allocation';

const bytes = (...lines: readonly string[]): Buffer =>
  Buffer.from(lines.join('').replaceAll(' ', ''), 'hex');

/** RFC 5769, section 2.2. */
const IPV4 = bytes(
  '0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220',
  '00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7',
  '80280004 c07d4c96',
);
/** RFC 5769, section 2.3. */
const IPV6 = bytes(
  '01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220',
  '00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9',
  '00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c',
);
/** RFC 5769, section 2.4. */
const LONG_TERM = bytes(
  '00010060 2112a442 78ad3433c6ad72c029da412e',
  '00060012 e3839ee38388e383aae38383e382afe382b90000',
  '0015001c 662f2f3439396b393534643 64f4c33346f4c39465354767936347341',
  '0014000b 6578616d706c652e6f726700 00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666',
);

describe('STUN', () => {
  test('reads the addresses of the samples of RFC 5769', () => {
    for (const [packet, address] of [
      [IPV4, '192.0.2.1'],
      [IPV6, '2001:db8:1234:5678:11:2233:4455:6677'],
    ] as const) {
      const message = decodeStun(packet);
      assert.ok(message);
      assert.equal(message.type, STUN_TYPE.bindingSuccess);
      assert.deepEqual(stunAddress(message, STUN_ATTRIBUTE.mappedAddress), {
        address,
        port: 32_853,
      });
    }
  });

  test('writes the request with long-term credentials of RFC 5769', () => {
    const username = 'マトリックス';
    const packet = encodeStun({
      type: STUN_TYPE.bindingRequest,
      transaction: LONG_TERM.subarray(8, 20),
      attributes: [
        [STUN_ATTRIBUTE.username, Buffer.from(username)],
        [STUN_ATTRIBUTE.nonce, Buffer.from('f//499k954d6OL34oL9FSTvy64sA')],
        [STUN_ATTRIBUTE.realm, Buffer.from('example.org')],
      ],
      integrityKey: longTermKey(username, 'example.org', 'TheMatrIX'),
    });
    assert.equal(packet.toString('hex'), LONG_TERM.toString('hex'));
  });

  test('reads what it writes, also the number of an error', () => {
    const code = Buffer.from([0, 0, 4, 38]);
    const packet = encodeStun({
      type: STUN_TYPE.allocateError,
      attributes: [
        [STUN_ATTRIBUTE.errorCode, code],
        [STUN_ATTRIBUTE.realm, Buffer.from('odd')],
      ],
      fingerprint: true,
    });
    const message = decodeStun(packet);
    assert.ok(message);
    assert.equal(stunErrorCode(message), 438);
    assert.equal(message.attributes.get(STUN_ATTRIBUTE.realm)?.toString(), 'odd');
    assert.equal(message.attributes.get(STUN_ATTRIBUTE.fingerprint)?.length, 4);
  });

  test('takes nothing that is cut, and nothing of another protocol', () => {
    for (let length = 0; length < IPV4.length; length += 1) {
      assert.equal(decodeStun(IPV4.subarray(0, length)), undefined, `${length} bytes`);
    }
    const rtp = Buffer.from(IPV4);
    rtp[0] = 0x80;
    assert.equal(decodeStun(rtp), undefined);
    const cookie = Buffer.from(IPV4);
    cookie[4] = 0;
    assert.equal(decodeStun(cookie), undefined);
    const attribute = Buffer.from(IPV4);
    attribute.writeUInt16BE(0xffff, 22);
    assert.equal(decodeStun(attribute), undefined);
  });

  test('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (tail) => {
        const packet = Buffer.concat([IPV4.subarray(0, 8), tail]);
        packet.writeUInt16BE(Math.max(0, packet.length - 20), 2);
        const message = decodeStun(packet);
        if (message !== undefined) {
          for (const type of message.attributes.keys()) stunAddress(message, type);
          stunErrorCode(message);
        }
      }),
    );
  });
});
