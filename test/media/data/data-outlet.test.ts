import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/wait';
import { Harness } from './harness';

let harness: Harness;
before(async () => {
  harness = await Harness.start();
});
after(() => harness.close());

const all = ['_data_track', '_lossy', '_reliable'];

for (const setup of ['actpass', 'active'] as const) {
  const role = setup === 'active' ? 'server' : 'client';
  test(`opens its channels to a client that is the DTLS ${role}`, async () => {
    const { transport, outlet } = await harness.outlet();
    assert.equal(outlet.open, false);
    for (let value = 0; value < 5; value++) {
      outlet.send('reliable', Buffer.of(value));
    }
    const page = await harness.page();
    await page.subscribe(transport, setup);
    await page.untilOpen(all);
    assert.equal(transport.dtlsParameters.role, role === 'client' ? 'server' : 'client');
    await until('the outlet to be open', () => outlet.open);
    outlet.send('reliable', Buffer.of(5));
    const messages = await page.untilReceived('_reliable', 6);
    assert.deepEqual(
      messages.map(({ bytes }) => bytes[0]),
      [0, 1, 2, 3, 4, 5],
    );
    outlet.send('lossy', Buffer.alloc(50));
    outlet.send('data_track', Buffer.alloc(60));
    assert.equal((await page.untilReceived('_lossy', 1))[0]?.size, 50);
    assert.equal((await page.untilReceived('_data_track', 1))[0]?.size, 60);
    outlet.close();
  });
}

test('gets its channels open soon, also when DTLS is done before the answer arrives', async () => {
  const { transport, outlet } = await harness.outlet();
  const page = await harness.page();
  await page.subscribe(transport, 'actpass', () => sleep(300));
  await page.untilOpen(all);
  await until('the outlet to be open', () => outlet.open);
});

test('a broadcast reaches everybody but the one excepted, and sendTo those named', async () => {
  const receivers = await Promise.all([1, 2, 3].map(() => harness.receiver()));
  const [first, second, third] = receivers;
  assert.ok(first && second && third);
  const { bus } = harness;
  bus.broadcast('reliable', Buffer.of(1));
  bus.broadcast('reliable', Buffer.of(2), second.outlet);
  bus.sendTo('reliable', Buffer.of(3), [first.outlet, third.outlet]);
  bus.sendTo('reliable', Buffer.of(4), []);
  bus.broadcast('reliable', Buffer.of(5));
  const values = async (receiver: typeof first, count: number) =>
    (await receiver.page.untilReceived('_reliable', count)).map(({ bytes }) => bytes[0]);
  assert.deepEqual(await values(first, 4), [1, 2, 3, 5]);
  assert.deepEqual(await values(second, 2), [1, 5]);
  assert.deepEqual(await values(third, 4), [1, 2, 3, 5]);
  for (const { outlet } of receivers) {
    outlet.close();
    outlet.close();
  }
  bus.broadcast('reliable', Buffer.of(6));
  assert.equal(await first.page.count('_reliable'), 4);
});

test('carries large messages, and drops what is larger than allowed', async () => {
  const { outlet, page } = await harness.receiver();
  outlet.send('reliable', Buffer.alloc(262_145));
  outlet.send('reliable', Buffer.alloc(262_144));
  outlet.send('reliable', Buffer.alloc(0));
  outlet.send('reliable', Buffer.of(1));
  const messages = await page.untilReceived('_reliable', 2);
  assert.deepEqual(
    messages.map(({ size }) => size),
    [262_144, 1],
  );
  outlet.close();
});

test('delivers a burst of reliable messages whole and in order', async () => {
  const { outlet, page } = await harness.receiver();
  for (let value = 0; value < 100; value++) {
    outlet.send('reliable', Buffer.alloc(14_000, value));
  }
  const messages = await page.untilReceived('_reliable', 100);
  assert.deepEqual(
    messages.map(({ bytes }) => bytes[0]),
    Array.from({ length: 100 }, (_, value) => value),
  );
  outlet.close();
});

test('delivers nearly all lossy messages, those that come slowly and those of a burst', async () => {
  const { outlet, page } = await harness.receiver();
  for (let i = 0; i < 20; i++) {
    outlet.send('lossy', Buffer.alloc(14_000));
    await sleep(10);
  }
  // On a machine that is busy with other tests one may be late, and is given up then.
  await page.untilReceived('_lossy', 18);
  for (let i = 0; i < 50; i++) {
    outlet.send('lossy', Buffer.alloc(8_000));
  }
  // All of them where the worker sends again within the life time of a message; one that does not
  // loses what overruns the socket buffer of the browser.
  await page.untilReceived('_lossy', 18 + 40);
  assert.equal(outlet.dropped.lossy, 0);
  outlet.close();
});

test('reports once a client that does not take its reliable data', async () => {
  const { outlet, page, overflows, transport } = await harness.receiver();
  await until('the outlet to be open', () => outlet.open);
  // More than the queue holds, faster than the network carries.
  for (let i = 0; i < 60; i++) {
    outlet.send('reliable', Buffer.alloc(200_000));
  }
  await until('the report', () => overflows.length > 0);
  assert.ok(outlet.dropped.reliable > 0);
  assert.equal(overflows.length, 1);
  assert.equal(transport.closed, false);
  await page.close();
  outlet.close();
});

test('does not report a client that is not connected yet, and bounds what it keeps', async () => {
  const { outlet, overflows, transport } = await harness.outlet();
  for (let i = 0; i < 60; i++) {
    outlet.send('reliable', Buffer.alloc(200_000, i));
  }
  await until('dropped messages', () => outlet.dropped.reliable >= 45);
  assert.deepEqual(overflows, []);
  const page = await harness.page();
  await page.subscribe(transport);
  const kept = 60 - outlet.dropped.reliable;
  assert.ok(kept >= 10);
  const messages = await page.untilReceived('_reliable', kept);
  assert.equal(messages[kept - 1]?.bytes[0], kept - 1);
  outlet.close();
});

test('survives the end of its transport, its Router and its bus', async () => {
  const { outlet, transport } = await harness.outlet();
  transport.close();
  outlet.send('reliable', Buffer.of(1));
  outlet.send('lossy', Buffer.of(1));
  outlet.close();
  const other = await Harness.start();
  const { outlet: orphan } = await other.outlet();
  other.router.close();
  orphan.send('reliable', Buffer.of(1));
  other.bus.close();
  orphan.send('reliable', Buffer.of(1));
  orphan.close();
  await other.close();
});
