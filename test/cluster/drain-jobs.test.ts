import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as soon } from 'node:timers/promises';
import { pino } from 'pino';
import { JobDrain } from '../../node-image/cluster/drain-jobs';
import { drainOrder } from './support/registry-facts';

function drainOf(ids: readonly string[], stays: ReadonlySet<string> = new Set()) {
  const left = new Set(ids);
  const asked: string[] = [];
  let now = 1000;
  const drain = new JobDrain({
    jobs: {
      jobs: () => [...left],
      kindOf: () => 'egress',
      handOver: async (id, leftMs) => {
        asked.push(`${id} ${leftMs}`);
        if (id === 'breaks') throw new Error('it breaks');
        if (!stays.has(id)) left.delete(id);
        return !stays.has(id);
      },
      stop: async (id) => {
        asked.push(`stop ${id}`);
        if (id !== 'hangs') left.delete(id);
      },
    },
    clock: () => now,
    log: pino({ level: 'silent' }),
  });
  const order = drainOrder('x', { patienceUntilMs: 2000, deadlineMs: 60_000 });
  const step = async (atMs: number, changes: Partial<typeof order> = {}): Promise<boolean> => {
    now = atMs;
    const isEmpty = drain.step({ ...order, ...changes });
    await soon();
    await soon();
    return isEmpty;
  };
  return { drain, asked, step };
}

describe('a drain of jobs', () => {
  it('waits for them to end as long as it has patience, then hands them over, some at a time', async () => {
    const { drain, asked, step } = drainOf(['a', 'b', 'c', 'd', 'e']);
    assert.equal(await step(1000), false);
    assert.deepEqual(asked, []);
    assert.equal(await step(2000), false);
    assert.deepEqual(asked, ['a 43500', 'b 43500', 'c 43500', 'd 43500']);
    assert.equal(drain.left, 1);
    assert.equal(await step(2250), false);
    assert.equal(await step(2500), true);
  });

  it('asks one that stays again, one that breaks too, and ends them at the deadline', async () => {
    const { drain, asked, step } = drainOf(['breaks', 'stays'], new Set(['stays']));
    await step(2000);
    await step(4000);
    assert.deepEqual(asked.splice(0), ['breaks 43500', 'stays 43500']);
    await step(7000);
    assert.deepEqual(asked.splice(0), ['breaks 38500', 'stays 38500']);
    assert.equal(await step(60_000, { onDeadline: 'keep' }), false);
    assert.deepEqual(asked.splice(0), ['breaks 0', 'stays 0']);
    assert.equal(await step(60_001), false);
    assert.deepEqual(asked, ['stop breaks', 'stop stays']);
    assert.equal(drain.left, 0);
  });

  it('ends what is left so long before the deadline that it can be finished by then', async () => {
    const { asked, step } = drainOf(['stays'], new Set(['stays']));
    await step(2000);
    await step(45_499);
    assert.deepEqual(asked.splice(0), ['stays 43500', 'stays 1']);
    await step(45_500);
    assert.deepEqual(asked, ['stop stays']);
  });

  it('waits for one that does not end for some seconds after the deadline, and no longer', async () => {
    const { asked, step } = drainOf(['hangs'], new Set(['hangs']));
    assert.equal(await step(60_000), false);
    assert.equal(await step(74_999), false);
    assert.equal(await step(75_000), true);
    assert.deepEqual(asked, ['stop hangs']);
  });
});
