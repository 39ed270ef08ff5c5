import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MessageBudget } from '../../node-image/net/message-budget';
import {
  JoinLimits,
  type JoinLimitsOptions,
  JoinRefusedError,
} from '../../node-image/signaling/client-limits';

const limitsWith = (changes: Partial<JoinLimitsOptions>): JoinLimits =>
  new JoinLimits({ perSecondByAddress: 0, perSecondByKey: 0, pendingHandshakes: 0, ...changes });

const refusedWith =
  (reason: string, status: number) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof JoinRefusedError);
    assert.deepEqual([error.reason, error.status], [reason, status]);
    assert.match(error.message, /try again in a second$/);
    return true;
  };

describe('JoinLimits', () => {
  test('lets so many a second join from an address, and others still', async () => {
    const refusals: string[] = [];
    const limits = limitsWith({
      perSecondByAddress: 3,
      observe: (reason) => void refusals.push(reason),
    });
    for (let count = 0; count < 3; count += 1) (await limits.begin('1.2.3.4'))();
    await assert.rejects(limits.begin('1.2.3.4'), refusedWith('address', 429));
    (await limits.begin('1.2.3.5'))();
    assert.deepEqual(refusals, ['address']);
    assert.equal(limits.pending, 0);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    (await limits.begin('1.2.3.4'))();
  });

  test('counts an IPv6 /64 as one address', async () => {
    const limits = limitsWith({ perSecondByAddress: 1 });
    await limits.begin('2001:db8::1');
    await assert.rejects(limits.begin('2001:db8::2'), refusedWith('address', 429));
    await limits.begin('2001:db8:0:1::1');
  });

  test('lets so many a second join with an API key', async () => {
    const limits = limitsWith({ perSecondByKey: 2 });
    await limits.countKey('a');
    await limits.countKey('a');
    await assert.rejects(limits.countKey('a'), refusedWith('key', 429));
    await limits.countKey('b');
    await limits.countKey('__proto__');
  });

  test('works on so many handshakes at a time', async () => {
    const limits = limitsWith({ pendingHandshakes: 2 });
    const release = await limits.begin('1.2.3.4');
    await limits.begin('1.2.3.5');
    await assert.rejects(limits.begin('1.2.3.6'), refusedWith('pending', 503));
    release();
    release();
    assert.equal(limits.pending, 1);
    await limits.begin('1.2.3.6');
  });

  test('lets nobody in while hardly any descriptors are left, and says when to try again', async () => {
    let full = true;
    const refusals: string[] = [];
    const limits = limitsWith({
      isOutOfDescriptors: () => full,
      observe: (reason) => void refusals.push(reason),
    });
    await assert.rejects(limits.begin('1.2.3.4'), {
      name: 'JoinRefusedError',
      reason: 'descriptors',
      status: 503,
      retryAfterSeconds: 5,
      message: 'too many connections are open on this node, try again in a few seconds',
    });
    assert.deepEqual([limits.pending, refusals], [0, ['descriptors']]);
    full = false;
    (await limits.begin('1.2.3.4'))();
  });

  test('limits nothing where the limit is 0', async () => {
    const limits = limitsWith({});
    for (let count = 0; count < 1000; count += 1) {
      await limits.begin('1.2.3.4');
      await limits.countKey('a');
    }
    assert.equal(limits.pending, 1000);
  });
});

describe('MessageBudget', () => {
  test('lets a burst through, then so many a second', () => {
    let now = 0;
    const budget = new MessageBudget({ perSecond: 100, now: () => now });
    const taken = (tries: number): number =>
      Array.from({ length: tries }, () => budget.take()).filter(Boolean).length;
    assert.equal(taken(500), 200);
    now += 1000;
    assert.equal(taken(500), 100);
    now += 10;
    assert.equal(taken(500), 1);
    now += 3_600_000;
    assert.equal(taken(500), 200);
  });

  test('limits nothing where the limit is 0', () => {
    const budget = new MessageBudget({ perSecond: 0 });
    for (let count = 0; count < 10_000; count += 1) assert.ok(budget.take());
  });
});
