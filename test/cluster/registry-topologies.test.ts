import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Registry } from '../../node-image/cluster/registry';
import { type RedisSection, startRedis, startRedisCluster, startSentinels } from '../support/redis';
import { sleep, until } from '../support/wait';
import { makeCertificates } from './support/registry-certificates';
import { heard, nodeRecord, placed, tell } from './support/registry-facts';
import { connectRegistry } from './support/registry-redis';

const works = (registry: Registry): Promise<boolean> =>
  registry.heartbeat(nodeRecord('ND_a'), []).then(
    () => true,
    () => false,
  );

/** Tells until it is heard. */
async function hears(from: Registry, to: Registry, room: string): Promise<void> {
  const events = heard(to);
  await until('an event', async () => {
    await tell(from, room).catch(() => undefined);
    return events.some((event) => 'room' in event && event.room === room);
  });
}

test('with Sentinel: the master killed, the next one is found, and events come from it', async () => {
  const sentinels = await startSentinels();
  const one = await connectRegistry(sentinels.config);
  const other = await connectRegistry(sentinels.config);
  try {
    const epoch = await placed(one.registry, 'room', 'ND_a');
    await one.registry.heartbeat(nodeRecord('ND_a'), [{ room: 'room', epoch }]);
    await hears(other.registry, one.registry, 'before');
    const [master, replica] = sentinels.servers;
    await until('the replica to have the Room', async () =>
      replica?.command('HEXISTS', '{sluice}:rooms', 'room'),
    );
    const started = performance.now();
    await master?.kill();
    await until('it to be noticed', () => !one.registry.available);
    await until('the new master', () => works(one.registry), { timeoutMs: 20_000 });
    assert.ok(performance.now() - started < 15_000);
    assert.equal((await one.registry.room('room'))?.epoch, epoch);
    const moved = await one.registry.place({ room: 'room', nodeId: 'ND_b', replaces: epoch });
    assert.equal(moved.outcome, 'placed');
    assert.match(String(await replica?.command('INFO', 'replication')), /role:master/);
    await until('the other to be back', () => works(other.registry));
    await hears(other.registry, one.registry, 'after');
    for (const { lines } of [one, other]) {
      assert.equal(lines.filter((line) => line.includes('Redis is back')).length, 1);
    }
  } finally {
    await Promise.all([one, other].map(({ registry }) => registry.close()));
    await sentinels.close();
  }
});

test('with Sentinel: while the sentinels are away, it says so, and closes in order', async () => {
  const config = { sentinel_master_name: 'sluice', sentinel_addresses: ['127.0.0.1:1'] };
  const { registry, lines } = await connectRegistry(config);
  await assert.rejects(registry.snapshot(), { name: 'RegistryUnavailableError' });
  assert.match(lines[0] ?? '', /sluice of the sentinels 127.0.0.1:1/);
  await registry.close();
});

test('clustered Redis: one node keeps all that a script touches; restarted, it is found again', async () => {
  const cluster = await startRedisCluster();
  const one = await connectRegistry(cluster.config);
  const other = await connectRegistry({
    ...cluster.config,
    cluster_addresses: cluster.config.cluster_addresses?.slice(0, 1),
  });
  try {
    const { registry } = one;
    const epoch = await placed(registry, 'room', 'ND_a');
    const hosted = [{ room: 'room', epoch }];
    assert.deepEqual((await registry.heartbeat(nodeRecord('ND_a'), hosted)).superseded, []);
    assert.equal((await other.registry.rooms()).length, 1);
    assert.equal((await other.registry.snapshot()).nodes.length, 1);
    assert.equal((await other.registry.writeDocument('keys', '{}', 0))?.version, 1);
    assert.ok(await other.registry.acquireLease('controller', 'ND_a', 1000));
    await registry.audit({ by: 'ND_a', text: 'text' });
    await hears(registry, other.registry, 'before');
    await hears(other.registry, registry, 'before');
    const sizes = await Promise.all(cluster.servers.map((server) => server.command('DBSIZE')));
    assert.equal(sizes.filter((size) => Number(size) > 0).length, 1);

    const keeper = cluster.servers[sizes.findIndex((size) => Number(size) > 0)];
    await keeper?.kill();
    await until('it to be noticed', async () => !(await works(registry)));
    await keeper?.restart();
    await until(
      'both to be back',
      async () => (await works(registry)) && (await works(other.registry)),
    );
    assert.deepEqual((await registry.heartbeat(nodeRecord('ND_a'), hosted)).restored, ['room']);
    await hears(registry, other.registry, 'after');
    await hears(other.registry, registry, 'after');
  } finally {
    await Promise.all([one, other].map(({ registry }) => registry.close()));
    await cluster.close();
  }
});

test('TLS: the authority, the name and the client certificate are those of the configuration', async () => {
  const certificates = await makeCertificates();
  const { caFile, server, named, client } = certificates;
  const open = await startRedis({ password: 'a password', tls: { caFile, ...named } });
  const strict = await startRedis({ tls: { caFile, ...server, clientsNeedCertificate: true } });
  const tls = { enabled: true, ca_cert_file: caFile };
  const mine = { client_cert_file: client.certFile, client_key_file: client.keyFile };
  const cases: [string, RedisSection, RegExp | undefined][] = [
    [
      'its name given',
      { ...open.config, tls: { ...tls, server_name: 'redis.example.com' } },
      undefined,
    ],
    ['another name', { ...open.config, tls }, /does not match certificate/],
    ['unknown authority', { ...open.config, tls: { enabled: true } }, /certificate/],
    ['insecure', { ...open.config, tls: { enabled: true, insecure: true } }, undefined],
    ['no password', { ...open.config, password: '', tls: { ...tls, insecure: true } }, /NOAUTH/],
    ['no TLS', { ...strict.config }, /./],
    ['no client certificate', { ...strict.config, tls }, /./],
    ['client certificate', { ...strict.config, tls: { ...tls, ...mine } }, undefined],
  ];
  try {
    for (const [what, section, expected] of cases) {
      const { registry } = await connectRegistry(section);
      try {
        const failure = await registry.snapshot().then(
          () => undefined,
          (error: unknown) => String(error),
        );
        if (expected === undefined) assert.equal(failure, undefined, what);
        else assert.match(failure ?? 'it works', expected, what);
        assert.equal(failure !== undefined, expected !== undefined, what);
      } finally {
        await registry.close();
      }
    }
  } finally {
    await open.close();
    await strict.close();
    await certificates.close();
  }
});

test('TLS handshakes that are broken off do no harm to the process, however Redis is found', async () => {
  const certificates = await makeCertificates();
  const { caFile, named } = certificates;
  const redis = await startRedis({ tls: { caFile, ...named } });
  const address = `127.0.0.1:${redis.port}`;
  const tls = { enabled: true, ca_cert_file: caFile };
  const sections: RedisSection[] = [
    { address, tls },
    { sentinel_master_name: 'sluice', sentinel_addresses: [address], tls },
    { cluster_addresses: [address], tls },
  ];
  try {
    for (const section of sections) {
      // Each is closed at another moment of its attempts, which fail: the name is another one.
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const { registry } = await connectRegistry(section);
          await sleep(3 * i);
          await registry.close();
        }),
      );
      // Given up in the middle of a handshake, which the server then goes on with.
      const resume = redis.pause();
      const connecting = Array.from({ length: 5 }, () => connectRegistry(section));
      await sleep(1600);
      resume();
      for (const { registry, lines } of await Promise.all(connecting)) {
        await assert.rejects(registry.snapshot(), { name: 'RegistryUnavailableError' });
        assert.match(lines.join(), /Redis is away/);
        await registry.close();
      }
    }
    await sleep(300);
  } finally {
    await redis.close();
    await certificates.close();
  }
});
