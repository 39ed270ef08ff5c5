/** Run by own-masters.slow.test.ts, in the network that in-namespace.sh makes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { AUTHORITY, Pebble } from '../support/pebble';
import { until } from '../support/wait';
import { echo } from './entry-world';
import { masterAddress, OwnMaster } from './own-masters';

const DOMAIN = 'meet.example.com';
/** Renewed when two thirds are over, at the next look, which is once a minute. */
const LIFE_SECONDS = 80;

test('one orders, is lost, another orders, a third proves, all have it; it is renewed under a call when one is lost', async (t) => {
  const pebble = await Pebble.start({
    httpPort: 80,
    host: '0.0.0.0',
    validitySeconds: LIFE_SECONDS,
  });
  t.after(() => pebble.close());
  pebble.trust();
  const addresses = [0, 1, 2].map(masterAddress);
  const directoryUrl = pebble.directoryUrl.replace('localhost', AUTHORITY);
  const given = { domain: DOMAIN, directoryUrl, ca: pebble.ca, addresses };
  const masters: OwnMaster[] = [];
  for (const index of [0, 1, 2]) masters.push(await OwnMaster.boot(t, { ...given, index }));
  const [first, second, third] = masters as [OwnMaster, OwnMaster, OwnMaster];
  const explain = (): string =>
    masters.map(({ address, log }) => `${address}\n${log.slice(-4000)}`).join('\n') +
    pebble.log.slice(-3000);
  for (const master of masters) master.start();

  const goOn = pebble.freeze();
  second.startCertificates();
  await until('the order', () => second.orders === 1, { timeoutMs: 40_000, explain });
  first.startCertificates();
  third.startCertificates();
  await until('the others to answer for it', () => first.proves && third.proves, {
    timeoutMs: 25_000,
    explain,
  });
  // It is lost while it orders: another one does, and soon.
  await second.cutPower();
  await until('another to order it', () => first.orders + third.orders > 0, {
    timeoutMs: 60_000,
    explain,
  });
  // The authority comes to one that has not ordered it.
  const [orderer, prover] = first.orders > 0 ? [first, third] : [third, first];
  await pebble.lead(DOMAIN, prover.address);
  goOn();
  await until('both to have it', () => orderer.isGiven && prover.isGiven, {
    timeoutMs: 60_000,
    explain,
  });
  second.start();
  second.startCertificates();
  await until('all to have it', () => masters.every(({ isGiven }) => isGiven), {
    timeoutMs: 60_000,
    explain,
  });
  const ca = await pebble.root();
  const before = await first.served(ca);
  assert.deepEqual([await second.served(ca), await third.served(ca)], [before, before]);
  assert.deepEqual(
    masters.map(({ kept }) => kept),
    [before, before, before],
  );
  assert.deepEqual([second.orders, orderer.orders, prover.orders], [1, 1, 0]);

  const sockets = [second, third].map(
    ({ address }) =>
      new WebSocket(`wss://${address}/`, { agent: new Agent({ ca, servername: DOMAIN }) }),
  );
  t.after(() => {
    for (const socket of sockets) socket.terminate();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'open')));
  // With the primary of Redis, and one of three addresses of the name.
  await first.cutPower();
  await until(
    'another certificate',
    async () => (await third.served(ca).catch(() => before)) !== before,
    { timeoutMs: 110_000, intervalMs: 500, explain },
  );
  const after = await third.served(ca);
  await until('the others to have it', async () => (await second.served(ca)) === after, {
    explain,
  });
  assert.deepEqual([second.kept, third.kept], [after, after]);
  for (const socket of sockets) assert.equal(await echo(socket, 'still here'), 'still here');
  assert.match(pebble.log, /There are now 1 accounts in memory/);
  assert.doesNotMatch(pebble.log, /There are now 2 accounts in memory/);
});
