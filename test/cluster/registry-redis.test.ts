import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { RedisRegistry } from '../../node-image/cluster/redis/redis-registry';
import type { Registry } from '../../node-image/cluster/registry';
import { startRedis, type TestRedis } from '../support/redis';
import { sleep, until, within } from '../support/wait';
import { drainOrder, heard, nodeRecord, placed, tell } from './support/registry-facts';
import { type ConnectedRegistry, connectRegistry } from './support/registry-redis';

const AWAY = { name: 'RegistryUnavailableError' };

let redis: TestRedis;
let one: ConnectedRegistry;
let other: ConnectedRegistry;
let registry: RedisRegistry;

before(async () => {
  redis = await startRedis({ persistent: true });
  one = await connectRegistry(redis.config);
  other = await connectRegistry(redis.config);
  registry = one.registry;
});
after(async () => {
  await one.registry.close();
  await other.registry.close();
  await redis.close();
});
beforeEach(async () => {
  await until('both to be connected', () => registry.available && other.registry.available);
  await redis.command('FLUSHALL');
  one.lines.length = 0;
});

const lines = (text: string): string[] => one.lines.filter((line) => line.includes(text));
const set = (key: string, ...rest: string[]): Promise<unknown> =>
  redis.command('HSET', `{sluice}:${key}`, ...rest);

test('a second process is told apart by its connection, even where it started at the same time', async () => {
  await registry.heartbeat(nodeRecord('ND_a'), []);
  const record = nodeRecord('ND_a', { state: 'drained' });
  assert.equal((await other.registry.heartbeat(record, [])).duplicate, true);
  assert.equal((await registry.snapshot()).nodes[0]?.record.state, 'serving');
});

test('after all is lost, hosts put their Rooms back, and epochs and versions go on rising', async () => {
  const before = [await placed(registry, 'a', 'ND_a'), await placed(registry, 'b', 'ND_a')];
  const { version } = await registry.snapshot();
  await redis.command('FLUSHALL');
  // One was placed anew by somebody who could not know: its epoch is higher.
  const anew = await placed(other.registry, 'b', 'ND_b');
  assert.ok(anew > (before[1] ?? 0));
  const hosted = ['a', 'b'].map((room, i) => ({ room, epoch: before[i] ?? 0 }));
  const { restored, superseded } = await registry.heartbeat(nodeRecord('ND_a'), hosted);
  assert.deepEqual(restored, ['a']);
  assert.deepEqual(superseded, [{ room: 'b', nodeId: 'ND_b', epoch: anew }]);
  assert.deepEqual(await other.registry.room('a'), {
    room: 'a',
    nodeId: 'ND_a',
    epoch: before[0],
  });
  assert.ok((await registry.snapshot()).version > version);
});

test('it is young after all is lost, and after nobody has used it for more than 10 s', async () => {
  await registry.snapshot();
  await sleep(30);
  const age = (await registry.snapshot()).ageMs;
  assert.ok(age >= 30 && age < 5000, `${age}`);
  // As it is once Redis was away for 11 s, and has kept its data.
  const time = Number(await redis.command('GET', '{sluice}:touched'));
  await redis.command('SET', '{sluice}:touched', time - 11_000);
  assert.equal((await registry.snapshot()).ageMs, 0);
  await redis.command('SET', '{sluice}:era', time - 60_000);
  await registry.heartbeat(nodeRecord('ND_a'), []);
  assert.ok((await registry.snapshot()).ageMs >= 60_000);
  await redis.command('FLUSHALL');
  assert.equal((await registry.snapshot()).ageMs, 0);
});

test('a node that was seen in the future, by a clock that was set back, is seen now', async () => {
  await registry.heartbeat(nodeRecord('ND_a'), []);
  await redis.command('ZADD', '{sluice}:seen', Date.now() + 3_600_000, 'ND_a');
  assert.equal((await registry.snapshot()).nodes[0]?.seenAgoMs, 0);
  await sleep(50);
  assert.ok(((await registry.snapshot()).nodes[0]?.seenAgoMs ?? 0) >= 50);
});

test('two clusters share one Redis without knowing of each other', async () => {
  const { registry: apart } = await connectRegistry(redis.config, 'another');
  try {
    await registry.heartbeat(nodeRecord('ND_a'), []);
    await placed(registry, 'room', 'ND_a');
    assert.deepEqual((await apart.snapshot()).nodes, []);
    assert.equal(await apart.room('room'), undefined);
    assert.deepEqual(await apart.rooms(), []);
  } finally {
    await apart.close();
  }
});

test('garbage is told with its key, once, and counts as missing', async () => {
  await registry.heartbeat(nodeRecord('ND_good'), []);
  await set('nodes', 'ND_text', 'not JSON', 'ND_old', '{"id":"ND_old","role":"sfu"}');
  await set('nodes', 'ND_other', JSON.stringify(nodeRecord('ND_good')));
  await set('rooms', 'text', '}{', 'old', '["ND_a",1]', 'epoch', '{"nodeId":"ND_a","epoch":1e300}');
  await set('orders', 'ND_good', '{"deadline":"soon"}');
  await redis.command('LPUSH', '{sluice}:audit', 'garbage');
  await redis.command('ZADD', '{sluice}:recent', Date.now(), 'garbage');
  await set('document:keys', 'value', '{}', 'version', 'newest');
  for (let i = 0; i < 3; i++) {
    const { nodes, recent } = await registry.snapshot();
    assert.deepEqual(
      nodes.map(({ record, order }) => [record.id, order]),
      [['ND_good', undefined]],
    );
    assert.deepEqual(recent, []);
    assert.deepEqual(await registry.rooms(), []);
    assert.equal(await registry.room('text'), undefined);
    assert.deepEqual(await registry.auditTrail(10), []);
    assert.equal(await registry.document('keys'), undefined);
  }
  const told = [
    'nodes ND_text',
    'nodes ND_old',
    'nodes ND_other',
    'rooms text',
    'rooms old',
    'rooms epoch',
  ];
  for (const where of [...told, 'orders ND_good', 'audit', 'recent', 'document:keys']) {
    assert.equal(lines(`{sluice}:${where}"`).length, 1, where);
  }
  for (const room of ['text', 'old', 'epoch']) assert.ok(await placed(registry, room, 'ND_good'));
  assert.equal((await registry.order('ND_good', drainOrder('new'))).id, 'new');
  assert.equal((await registry.writeDocument('keys', 'new', 0))?.version, 1);
});

test('a key of another type is deleted, told, and used as if it had not been there', async () => {
  const uses: [string, () => Promise<unknown>][] = [
    ['nodes', () => registry.heartbeat(nodeRecord('ND_a'), [])],
    ['seen', () => registry.snapshot()],
    ['rooms', () => registry.rooms()],
    ['facts', () => registry.room('room')],
    ['recent', () => placed(registry, 'room', 'ND_a')],
    ['orders', () => registry.order('ND_a', drainOrder('order'))],
    ['leaseEpochs', () => registry.acquireLease('a', 'ND_a', 1000)],
    ['lease:b', () => registry.acquireLease('b', 'ND_a', 1000)],
    ['document:keys', () => registry.document('keys')],
    ['audit', () => registry.audit({ by: 'ND_a', text: 'text' })],
  ];
  for (const [key, use] of uses) {
    await redis.command('SET', `{sluice}:${key}`, 'a string');
    await use();
    assert.equal(lines(`{sluice}:${key}"`).length, 1, key);
  }
  for (const key of ['version', 'era', 'touched']) {
    await redis.command('DEL', `{sluice}:${key}`);
    await redis.command('LPUSH', `{sluice}:${key}`, 'an entry');
    await registry.place({ room: key, nodeId: 'ND_a' });
    assert.equal(lines(`{sluice}:${key}"`).length, 1, key);
  }
});

test('an event that is none is told, and the next one is heard', async () => {
  const events = heard(registry);
  await redis.command('PUBLISH', '{sluice}:events', '{"type":"comet"}');
  await redis.command('PUBLISH', '{sluice}:events', 'garbage');
  await tell(other.registry, 'a');
  await until('the event', () => events.length > 0);
  assert.deepEqual(events, [{ type: 'room', room: 'a' }]);
  assert.equal(lines('{sluice}:events"').length, 1);
});

test('10,000 Rooms and 200 nodes are listed without holding up Redis', async () => {
  const [first] = [nodeRecord('ND_0')];
  const hosted = Array.from({ length: 10_000 }, (_, i) => ({ room: `room ${i}`, epoch: i }));
  await registry.heartbeat(first, hosted);
  for (let i = 1; i < 200; i++) await registry.heartbeat(nodeRecord(`ND_${i}`), []);
  await redis.command('CONFIG', 'SET', 'slowlog-log-slower-than', 20_000);
  await redis.command('SLOWLOG', 'RESET');
  assert.equal((await other.registry.rooms()).length, 10_000);
  assert.equal((await other.registry.snapshot()).nodes.length, 200);
  assert.equal((await registry.heartbeat(first, hosted)).restored.length, 0);
  assert.deepEqual(await redis.command('SLOWLOG', 'GET'), []);
});

test('scripts that Redis has forgotten are given to it again', async () => {
  await placed(registry, 'a', 'ND_a');
  await redis.command('SCRIPT', 'FLUSH');
  await placed(registry, 'b', 'ND_a');
  assert.equal((await registry.rooms()).length, 2);
});

test('a Redis that answers late counts as away, within the bound, and is back by itself', async () => {
  await registry.snapshot();
  await redis.command('CLIENT', 'PAUSE', 1500, 'ALL');
  const started = performance.now();
  await assert.rejects(registry.place({ room: 'late', nodeId: 'ND_a' }), {
    ...AWAY,
    message: /no answer within 400 ms/,
  });
  assert.ok(performance.now() - started < 1300);
  assert.equal(registry.available, false);
  await until('an answer', () => answers(registry));
  assert.equal(registry.available, true);
  // What was asked has happened after all: who asks again is told so.
  const again = await registry.place({ room: 'late', nodeId: 'ND_b' });
  assert.equal(again.outcome === 'exists' && again.placement.nodeId, 'ND_a');
  assert.deepEqual([lines('Redis is away').length, lines('Redis is back').length], [1, 1]);
});

test('a Redis that swallows everything is left for a new connection', async () => {
  const resume = redis.pause();
  try {
    await assert.rejects(registry.snapshot(), AWAY);
    await until('the connection to be given up', async () => {
      await assert.rejects(registry.snapshot(), AWAY);
      return redis.log() !== '' && !registry.available && (await quickly(registry));
    });
  } finally {
    resume();
  }
  await until('an answer', () => answers(registry));
});

test('Redis killed: all is refused at once; started again: all is as before, and events come', async () => {
  const events = heard(registry);
  await placed(registry, 'room', 'ND_a');
  await redis.kill();
  await until('it to be noticed', () => !registry.available);
  const started = performance.now();
  for (let i = 0; i < 100; i++) await assert.rejects(registry.rooms(), AWAY);
  assert.ok(performance.now() - started < 1000, 'nothing waits for Redis');
  await assert.rejects(registry.heartbeat(nodeRecord('ND_a'), []), {
    ...AWAY,
    message: new RegExp(`127.0.0.1:${redis.port}.*(ECONNREFUSED|closed the connection)`),
  });
  await sleep(1500);
  await redis.restart();
  await until('an answer', () => answers(registry));
  assert.equal((await registry.room('room'))?.nodeId, 'ND_a');
  assert.deepEqual([lines('Redis is away').length, lines('Redis is back').length], [1, 1]);
  await until('an event', async () => {
    if (other.registry.available) await tell(other.registry, 'after');
    return events.some((event) => 'room' in event && event.room === 'after');
  });
});

test('it connects where Redis is not there yet, says so once, and is there with Redis', async () => {
  const late = await startRedis();
  await late.kill();
  const { registry: early, lines: said } = await connectRegistry(late.config);
  try {
    assert.equal(early.available, false);
    await assert.rejects(early.snapshot(), { ...AWAY, message: /ECONNREFUSED/ });
    await sleep(500);
    const [line, ...more] = said;
    assert.match(line ?? '', new RegExp(`Redis is away.*|.*127.0.0.1:${late.port}.*ECONNREFUSED`));
    assert.equal(more.length, 0);
    await late.restart();
    await until('it to be there', () => early.available);
    assert.equal((await early.snapshot()).nodes.length, 0);
  } finally {
    await early.close();
    await late.close();
  }
});

test('a wrong password is said to be wrong, and never said', async () => {
  const closed = await startRedis({ password: 'the right one' });
  const wrong = await connectRegistry({ ...closed.config, password: 'the-wrong-secret' });
  const none = await connectRegistry({ address: closed.config.address ?? '' });
  const right = await connectRegistry(closed.config);
  try {
    const error = await wrong.registry.snapshot().catch((reason: unknown) => reason);
    assert.match(String(error), /refuses redis.username or redis.password \(WRONGPASS/);
    await assert.rejects(none.registry.snapshot(), { ...AWAY, message: /NOAUTH/ });
    assert.equal((await right.registry.snapshot()).nodes.length, 0);
    await sleep(300);
    assert.equal(wrong.lines.length, 1);
    assert.match(wrong.lines[0] ?? '', /WRONGPASS/);
    assert.ok(!JSON.stringify([wrong.lines, error]).includes('the-wrong-secret'));
  } finally {
    await Promise.all([wrong, none, right].map((connected) => connected.registry.close()));
    await closed.close();
  }
});

test('a configuration that cannot be used says what to give', async () => {
  const cases: [Parameters<typeof connectRegistry>[0], RegExp][] = [
    [{}, /no Redis is configured: give redis.address/],
    [{ address: 'redis://10.0.0.5' }, /redis.address: 'redis:\/\/10.0.0.5' is no address/],
    [{ address: '10.0.0.5:70000' }, /give host:port/],
    [{ sentinel_master_name: 'a', sentinel_addresses: [':1'] }, /redis.sentinel_addresses: ':1'/],
    [{ cluster_addresses: ['a b'] }, /redis.cluster_addresses: 'a b'/],
    [
      { address: 'a', tls: { enabled: true, ca_cert_file: '/nowhere/ca.pem' } },
      /redis.tls.ca_cert_file: \/nowhere\/ca.pem cannot be read/,
    ],
  ];
  for (const [section, message] of cases) {
    await assert.rejects(within('an answer', connectRegistry(section)), { message });
  }
});

async function answers(asked: Registry): Promise<boolean> {
  return await asked.snapshot().then(
    () => true,
    () => false,
  );
}

/** Whether it refuses without having asked. */
async function quickly(asked: Registry): Promise<boolean> {
  const started = performance.now();
  await asked.snapshot().catch(() => undefined);
  return performance.now() - started < 100;
}
