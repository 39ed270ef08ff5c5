import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDcep, serializeAck, serializeOpen } from '../../../node-image/media/data/dcep';

test('an OPEN comes back as it was', () => {
  const open = { label: '_lossy', protocol: 'p', ordered: false, maxRetransmits: 0 };
  assert.deepEqual(parseDcep(serializeOpen(open)), { type: 'open', ...open });
  const reliable = { label: 'ünï', protocol: '', ordered: true };
  assert.deepEqual(parseDcep(serializeOpen(reliable)), { type: 'open', ...reliable });
});

test('the bytes of an OPEN are those of RFC 8832', () => {
  const open = serializeOpen({ label: 'ab', protocol: '', ordered: false, maxRetransmits: 3 });
  assert.equal(open.toString('hex'), '0381000000000003000200006162');
});

test('an ACK is one byte', () => {
  assert.equal(serializeAck().toString('hex'), '02');
  assert.deepEqual(parseDcep(serializeAck()), { type: 'ack' });
});

test('an OPEN that is cut short, and any other bytes, are none', () => {
  const whole = serializeOpen({ label: 'label', protocol: 'protocol', ordered: true });
  for (let length = 0; length < whole.length; length++) {
    assert.equal(parseDcep(whole.subarray(0, length)), undefined);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const message = parseDcep(Buffer.from(bytes));
      assert.equal(message?.type, bytes[0] === 2 ? 'ack' : message && 'open');
    }),
  );
});
