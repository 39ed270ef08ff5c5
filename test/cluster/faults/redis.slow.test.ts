import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RoomServiceClient, TwirpError } from 'livekit-server-sdk';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';

import {
  assertNoneDropped,
  assertUndisturbed,
  type Call,
  leaveCalls,
  startCalls,
} from '../support/calls';
import { handshake } from '../support/handshake';

let cluster: TestCluster;
let clients: RustClients;
let calls: Call[];
before(async () => {
  cluster = await TestCluster.start({ masters: 2 });
  clients = await RustClients.start();
  calls = await startCalls(cluster, clients, { name: 'redis', rooms: 3 });
});
after(async () => {
  await clients?.close();
  await cluster?.close();
});

const options = { timeout: 120_000 };

async function placements(): Promise<string[]> {
  const rooms = await cluster.admin().rooms();
  return rooms.map(({ name, nodeId, epoch }) => `${name} ${nodeId} ${epoch}`).sort();
}

/** Waits until a new Room can be joined through each master. */
async function untilRoomsAreMade(name: string): Promise<void> {
  for (const [i, { httpUrl }] of cluster.masters.entries()) {
    const api = new RoomServiceClient(httpUrl, cluster.apiKey, cluster.apiSecret);
    await until(
      'a new Room',
      async () => {
        try {
          return await api.createRoom({ name: `${name}-${i}`, emptyTimeout: 1 });
        } catch (error) {
          if (error instanceof TwirpError || error instanceof TypeError) return undefined;
          throw error;
        }
      },
      { timeoutMs: 20_000, intervalMs: 200 },
    );
  }
}

test(
  'Redis is started anew and has forgotten everything: calls and placements stay',
  options,
  async () => {
    const before = await placements();
    const fromMs = Date.now();
    await cluster.redis.restart();
    await until(
      'the placements to be asserted again',
      async () => {
        const now = await placements().catch((): string[] => []);
        return before.every((one) => now.includes(one));
      },
      { timeoutMs: 20_000 },
    );
    await untilRoomsAreMade('after-restart');
    // The time in which nobody is called dead, and a look after it.
    await sleep(12_000);
    assert.deepEqual(
      (await placements()).filter((one) => one.startsWith('redis-')),
      before,
    );
    await assertUndisturbed(calls, fromMs);
    await assertNoneDropped(calls);
  },
);

test(
  'Redis is flushed under running Rooms: their nodes say again what they host',
  options,
  async () => {
    const before = (await placements()).filter((one) => one.startsWith('redis-'));
    const fromMs = Date.now();
    await cluster.redis.command('FLUSHALL');
    await until(
      'the placements to be asserted again',
      async () => {
        const now = await placements().catch((): string[] => []);
        return before.every((one) => now.includes(one));
      },
      { timeoutMs: 20_000 },
    );
    await untilRoomsAreMade('after-flush');
    await assertUndisturbed(calls, fromMs);
  },
);

test(
  'Redis hangs: calls go on, a join to a running Room works, a new Room is 503',
  options,
  async () => {
    const fromMs = Date.now();
    const goOn = cluster.redis.pause();
    try {
      await sleep(2_000);
      const late = await clients.join(
        'late',
        cluster.url,
        await joinToken(cluster, calls[0]?.room ?? '', 'late'),
      );
      await late.leave();
      const token = await joinToken(cluster, 'never-heard-of', 'nobody');
      const { status, retryAfter } = await handshake(cluster.httpUrl, token);
      assert.deepEqual([status, Number(retryAfter) > 0], [503, true]);
      const api = new RoomServiceClient(cluster.httpUrl, cluster.apiKey, cluster.apiSecret);
      await assert.rejects(
        api.createRoom({ name: 'never-heard-of' }),
        (error: unknown) => error instanceof TwirpError && error.status === 503,
      );
      // Far longer than any node may be silent.
      await sleep(8_000);
    } finally {
      goOn();
    }
    await untilRoomsAreMade('after-pause');
    await sleep(12_000);
    await assertUndisturbed(calls, fromMs);
    await assertNoneDropped(calls);
    await leaveCalls(calls);
  },
);
