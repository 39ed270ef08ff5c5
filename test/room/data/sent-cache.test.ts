import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataRecipients } from '../../../node-image/room/data/data-peer';
import { NonceFilter, SentCache } from '../../../node-image/room/data/sent-cache';
import { peer } from './peers';

const bob = peer('bob');
const others: DataRecipients = { to: 'others' };

function packet(sequence: number, changes: { size?: number; recipients?: DataRecipients } = {}) {
  const { size = 1, recipients = others } = changes;
  return { senderSid: 'PA_ann', sequence, bytes: new Uint8Array(size).fill(sequence), recipients };
}

function missed(cache: SentCache, lastSeq: number, receiver = bob): number[] {
  return cache
    .missedBy(receiver, [{ publisherSid: 'PA_ann', lastSeq }])
    .map((bytes) => bytes[0] ?? -1);
}

test('gives back what came after the last sequence that was received', () => {
  const cache = new SentCache(() => 0);
  for (const sequence of [1, 2, 3]) {
    cache.add(packet(sequence));
  }
  assert.deepEqual(missed(cache, 1), [2, 3]);
  assert.deepEqual(missed(cache, 3), []);
  assert.deepEqual(cache.missedBy(bob, [{ publisherSid: 'PA_zoe', lastSeq: 0 }]), []);
});

test('gives nobody what was for others', () => {
  const cache = new SentCache(() => 0);
  cache.add(packet(1, { recipients: { to: 'named', identities: ['cid'], sids: [] } }));
  cache.add(packet(2, { recipients: { to: 'named', identities: [], sids: ['PA_bob'] } }));
  assert.deepEqual(missed(cache, 0), [2]);
  assert.deepEqual(missed(cache, 0, peer('cid')), [1]);
});

test('forgets after 2 s', () => {
  let now = 0;
  const cache = new SentCache(() => now);
  cache.add(packet(1));
  now = 1_500;
  cache.add(packet(2));
  now = 2_001;
  assert.deepEqual(missed(cache, 0), [2]);
});

test('keeps at most 100 kB, the newest', () => {
  const cache = new SentCache(() => 0);
  for (const sequence of [1, 2, 3]) {
    cache.add(packet(sequence, { size: 40_000 }));
  }
  assert.deepEqual(missed(cache, 0), [2, 3]);
});

test('a nonce counts once, until a hundred others came', () => {
  const filter = new NonceFilter();
  const nonce = (n: number) => new Uint8Array(16).fill(n);
  assert.equal(filter.isDuplicate(nonce(0)), false);
  assert.equal(filter.isDuplicate(nonce(0)), true);
  for (let n = 1; n <= 99; n++) {
    assert.equal(filter.isDuplicate(nonce(n)), false);
  }
  assert.equal(filter.isDuplicate(nonce(0)), true);
  assert.equal(filter.isDuplicate(nonce(100)), false);
  assert.equal(filter.isDuplicate(nonce(0)), false);
});

test('a nonce that is not 16 bytes long is never a duplicate', () => {
  const filter = new NonceFilter();
  for (const length of [0, 15, 17]) {
    assert.equal(filter.isDuplicate(new Uint8Array(length)), false);
    assert.equal(filter.isDuplicate(new Uint8Array(length)), false);
  }
});
