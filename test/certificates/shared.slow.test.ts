import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { CERTIFICATE_DOCUMENT, SharedStore } from '../../node-image/certificates/shared-store';
import { RedisRegistry } from '../../node-image/cluster/redis/redis-registry';
import { configSchema } from '../../node-image/contract';
import { Pebble } from '../support/pebble';

import { startRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';
import { EntryMachine, type EntryMachineOptions, freeProofPort } from './entry-world';

const SECRET = 's'.repeat(64);
const silent = pino({ level: 'silent' });

interface World {
  readonly pebble: Pebble;
  readonly redis: TestRedis;
  master(options?: Partial<EntryMachineOptions>): Promise<EntryMachine>;
}

async function world(t: TestContext, validitySeconds?: number): Promise<World> {
  const proofPort = await freeProofPort();
  const pebble = await Pebble.start({
    httpPort: proofPort,
    ...(validitySeconds !== undefined && { validitySeconds }),
  });
  t.after(() => pebble.close());
  pebble.trust();
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.close());
  const { directoryUrl } = pebble;
  const master = async (options: Partial<EntryMachineOptions> = {}) => {
    const registry = await RedisRegistry.connect({
      redis: configSchema.parse({ redis: redis.config }).redis,
      clusterName: 'test',
      log: silent,
    });
    const machine = await EntryMachine.boot(t, {
      directoryUrl,
      proofPort,
      store: (local) =>
        new SharedStore({ registry, secret: SECRET, local, directory: directoryUrl, log: silent }),
      ...options,
    });
    t.after(() => registry.close());
    return machine;
  };
  return { pebble, redis, master };
}

const isGiven = (machine: EntryMachine) =>
  until('the certificate', () => machine.status?.state === 'given', {
    timeoutMs: 30_000,
    explain: () => `${JSON.stringify(machine.status)}\n${machine.log.lines.join('\n')}`,
  });
const ordersOf = (machine: EntryMachine): number =>
  machine.log.lines.filter((line) => line === 'ordering a certificate').length;

test('two masters have one certificate, ordered by one and proven by the other', async (t) => {
  const { pebble, redis, master } = await world(t);
  // Nobody comes to port 80 of the one that orders.
  const [orders, proves] = [await master({ plainPort: await freeProofPort() }), await master()];
  await orders.startKeeper();
  await until('the order', () => ordersOf(orders) === 1 || orders.status !== undefined);
  await proves.startKeeper();
  await Promise.all([isGiven(orders), isGiven(proves)]);
  assert.equal((await orders.served()).fingerprint, (await proves.served()).fingerprint);
  assert.equal(ordersOf(orders) + ordersOf(proves), 1);
  assert.match(pebble.log, /There are now 1 accounts in memory/);
  assert.doesNotMatch(pebble.log, /There are now 2 accounts in memory/);
  const socket = await proves.connect(await pebble.root());
  assert.ok(socket.authorized);
  socket.destroy();
  const shared = String(await redis.command('HGETALL', `{test}:document:${CERTIFICATE_DOCUMENT}`));
  assert.ok(shared.length > 1000, 'it is there');
  assert.doesNotMatch(shared, /PRIVATE KEY|BEGIN/);
});

test('when the one that ordered is gone, another renews it', async (t) => {
  const { master } = await world(t, 15);
  const [first, second] = [await master(), await master({ plainPort: await freeProofPort() })];
  await first.startKeeper();
  await isGiven(first);
  await second.startKeeper();
  await isGiven(second);
  assert.equal(ordersOf(second), 0);
  const before = (await second.served()).fingerprint;
  await first.close();
  // It stands where the first one stood: who is asked for proofs need not be who has ordered.
  const third = await master();
  await third.startKeeper();
  await until('another certificate', async () => (await second.served()).fingerprint !== before, {
    timeoutMs: 60_000,
    intervalMs: 200,
    explain: () => second.log.lines.join('\n'),
  });
  assert.ok(ordersOf(second) + ordersOf(third) >= 1);
});

test('while Redis is away each goes on, and what it has lost is written anew', async (t) => {
  const { redis, pebble, master } = await world(t);
  const [one, other] = [await master(), await master({ plainPort: await freeProofPort() })];
  await one.startKeeper();
  await isGiven(one);
  const given = (await one.served()).fingerprint;
  await one.stopKeeper();
  await redis.command('FLUSHALL');
  const { validations } = pebble;
  one.status = undefined;
  await one.startKeeper();
  await isGiven(one);
  await other.startKeeper();
  await isGiven(other);
  assert.equal((await other.served()).fingerprint, given);
  assert.equal(pebble.validations, validations, 'nothing was ordered again');
  await redis.kill();
  one.status = undefined;
  await isGiven(one);
});
