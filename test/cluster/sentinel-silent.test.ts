import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { startSentinels } from '../support/redis';
import { until } from '../support/wait';
import { connectRegistry } from './support/registry-redis';

/** As many as make it wait most of the time. */
const SILENT = 5;

test('a fail-over that is told while a Sentinel that says nothing is asked ends no connection for good', async (t) => {
  const sockets = new Set<Socket>();
  // As a machine that has lost its power: nothing ever comes from it.
  const silent = await Promise.all(
    Array.from({ length: SILENT }, async () => {
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const sentinels = await startSentinels();
  const addresses = silent.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { registry } = await connectRegistry({
    ...sentinels.config,
    sentinel_addresses: [...(sentinels.config.sentinel_addresses ?? []), ...addresses],
  });
  t.after(async () => {
    await registry.close();
    await sentinels.close();
    for (const socket of sockets) socket.destroy();
    for (const server of silent) server.close();
  });
  await until('Redis to be there', () => registry.available, { timeoutMs: 20_000 });
  await sentinels.servers[0]?.kill();
  await until('it to be noticed', () => !registry.available);
  await until(
    'the new primary',
    () =>
      registry.snapshot().then(
        () => true,
        () => false,
      ),
    { timeoutMs: 25_000, intervalMs: 200 },
  );
  assert.ok(registry.available);
});
