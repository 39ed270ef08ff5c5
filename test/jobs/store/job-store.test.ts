import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RegistryUnavailableError } from '../../../node-image/cluster/registry';
import type { Job } from '../../../node-image/jobs/job';
import type { JobStore } from '../../../node-image/jobs/job-store';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { RedisJobStore } from '../../../node-image/jobs/store/redis-job-store';
import { connectRegistry } from '../../cluster/support/registry-redis';
import { startRedis } from '../../support/redis';
import { sleep, until } from '../../support/wait';
import { jobStoreSuite } from './job-store.suite';

describe('the store of jobs', () => {
  jobStoreSuite('Redis', async () => {
    const redis = await startRedis();
    const connected = await Promise.all([1, 2].map(() => connectRegistry(redis.config)));
    const [one, other] = connected.map(({ registry }) => new RedisJobStore(registry.shared));
    if (one === undefined || other === undefined) throw new Error('two were connected');
    return {
      one,
      other,
      forget: async () => {
        await redis.command('FLUSHALL');
      },
      close: async () => {
        await one.close();
        await other.close();
        await Promise.all(connected.map(({ registry }) => registry.close()));
        await redis.close();
      },
    };
  });

  jobStoreSuite('memory', async () => {
    let store = new MemoryJobStore();
    // The store that there is now: losing all that it knows is being a new one.
    const current = new Proxy({} as JobStore, {
      get: (_target, name: keyof JobStore) => store[name].bind(store),
    });
    return {
      one: current,
      other: current,
      forget: async () => {
        store = new MemoryJobStore();
      },
      close: () => store.close(),
    };
  });

  test('Redis away: each question is refused at once; back: what its owner holds stands again', async () => {
    const redis = await startRedis();
    const { registry } = await connectRegistry(redis.config);
    const store = new RedisJobStore(registry.shared);
    try {
      const new1 = { id: 'EG_1', kind: 'egress', room: 'a', spec: '{}', info: '{}' } as const;
      const job = await store.create(new1, 'ND_1');
      assert.ok(job !== undefined);
      await redis.kill();
      await assert.rejects(store.renew('ND_1', [job]), RegistryUnavailableError);
      await redis.restart();
      const lost = await until('Redis to be back', () =>
        store.renew('ND_1', [job]).catch(() => undefined),
      );
      assert.deepEqual(lost, []);
      assert.equal((await store.get('EG_1'))?.owner, 'ND_1');
    } finally {
      await registry.close();
      await redis.close();
    }
  });

  test('what somebody else wrote counts as missing, is told, and can be written over', async () => {
    const redis = await startRedis();
    const { registry, lines } = await connectRegistry(redis.config);
    const store = new RedisJobStore(registry.shared);
    const new1 = { id: 'EG_1', kind: 'egress', room: 'a', spec: '{}', info: '{}' } as const;
    try {
      for (const garbage of ['no JSON', '[]', '{"epoch":-1}', '{"epoch":"x"}']) {
        await redis.command('HSET', '{sluice}:jobs', 'EG_1', garbage);
        assert.equal(await store.get('EG_1'), undefined);
        assert.deepEqual(await store.list(), []);
        assert.ok(await store.create(new1, 'ND_1'));
      }
      await redis.command('HSET', '{sluice}:jobs', 'EG_2', '{"epoch":3,"kind":"dance"}');
      assert.deepEqual(
        (await store.list()).map(({ id }) => id),
        ['EG_1'],
      );
      assert.ok(lines.some((line) => line.includes('{sluice}:jobs EG_2')));
      await redis.command('SET', '{sluice}:egressLeases', 'x');
      await redis.command('DEL', '{sluice}:jobs');
      assert.ok(await store.create(new1, 'ND_1'));
    } finally {
      await registry.close();
      await redis.close();
    }
  });

  test('the store in memory and the one in Redis answer alike, whatever they are asked', async () => {
    const redis = await startRedis();
    const { registry } = await connectRegistry(redis.config);
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          await redis.command('FLUSHALL');
          const inRedis = new RedisJobStore(registry.shared);
          const expected = await walk(new MemoryJobStore(), steps);
          assert.deepEqual(await walk(inRedis, steps), expected);
          await inRedis.close();
        }),
        { numRuns: 100 },
      );
    } finally {
      await registry.close();
      await redis.close();
    }
  });
});

const step = fc.record({
  type: fc.constantFrom(
    ...(['create', 'begin', 'claim', 'renew', 'expire', 'update', 'release', 'end'] as const),
    ...(['list', 'sweep'] as const),
  ),
  id: fc.constantFrom('EG_1', 'EG_2'),
  owner: fc.constantFrom('ND_1', 'ND_2'),
  /** Which of the job's epochs is shown. */
  newest: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Takes the steps, and says what came of each. Epochs are told by their place in their order. */
async function walk(store: JobStore, steps: readonly Step[]): Promise<unknown[]> {
  const seen = new Map<string, Job[]>();
  const nth = (job: Job | undefined) => {
    if (job === undefined) return undefined;
    const all = seen.get(job.id) ?? [];
    if (!all.some(({ epoch }) => epoch === job.epoch)) seen.set(job.id, [...all, job]);
    const epoch = seen.get(job.id)?.findIndex((known) => known.epoch === job.epoch);
    const { createdAtMs, endedAtMs, leaseLeftMs, ...rest } = job;
    return { ...rest, epoch, hasEnded: endedAtMs > 0, isHeld: leaseLeftMs > 0 };
  };
  const take = async ({ type, id, owner, newest }: Step): Promise<unknown> => {
    const known = seen.get(id)?.at(newest ? -1 : 0);
    const claim = known ?? { id, epoch: 0 };
    const job = { id, kind: 'egress', room: 'a', spec: '{}', info: `by ${owner}` } as const;
    if (type === 'create') return nth(await store.create(job));
    if (type === 'begin') return nth(await store.create(job, owner));
    if (type === 'claim') return nth(await store.claim(id, claim.epoch, owner));
    if (type === 'renew') return (await store.renew(owner, known ? [known] : [])).length;
    if (type === 'expire') return await store.expire(owner);
    if (type === 'update') return await store.update(claim, `${owner} says`);
    if (type === 'release') return await store.release(claim, `${owner} leaves`);
    if (type === 'end') {
      const isOwn = await store.end(claim, `${owner} ends`);
      // Of two that ended, or were made, in the same millisecond none is the newer one.
      await sleep(2);
      return isOwn;
    }
    if (type === 'sweep') return await store.sweep(newest ? 60_000 : 0, 1);
    const listed = await store.list({ running: newest });
    return listed.sort((a, b) => (a.id < b.id ? -1 : 1)).map(nth);
  };
  const results: unknown[] = [];
  for (const taken of steps) results.push([taken, await take(taken)]);
  for (const id of ['EG_1', 'EG_2']) results.push(nth(await store.get(id)));
  return JSON.parse(JSON.stringify(results));
}
