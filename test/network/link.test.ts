import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Link } from './support/link';

test('the relay loses the share of datagrams that it is told to, the same ones each time', () => {
  const arrivals = (): (number | undefined)[] => {
    const link = new Link(7);
    link.impairment = { loss: 0.1 };
    return Array.from({ length: 10_000 }, (_, i) => link.arrival(1000, i));
  };
  const first = arrivals();
  const lost = first.filter((at) => at === undefined).length;
  assert.ok(lost > 900 && lost < 1100, `${lost} of 10000 lost`);
  assert.deepEqual(arrivals(), first);
});

test('the relay lets through its rate, keeps the order, and drops what its queue cannot hold', () => {
  const link = new Link(7);
  link.impairment = { rateBps: 300_000, queueMs: 300, delayMs: 20 };
  // 1 Mbit/s for ten seconds.
  const due = Array.from({ length: 1250 }, (_, i) => link.arrival(1000, i * 8));
  const arrived = due.filter((at) => at !== undefined);
  assert.deepEqual(
    arrived,
    [...arrived].sort((a, b) => a - b),
  );
  const bitsPerSecond = (link.carried.bytes * 8) / 10.3;
  assert.ok(Math.abs(bitsPerSecond - 300_000) < 6_000, `${bitsPerSecond} bit/s`);
  assert.equal(link.carried.packets + link.carried.overflowed, 1250);
});
