/** What a drain client must do, by the agent, and by clients that each get one thing wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EndingWatch } from '../../node-image/cloud/agent/ending-watch';
import { InstanceMetadata } from '../../node-image/cloud/aws/instance-metadata';
import { LifecycleHook } from '../../node-image/cloud/aws/lifecycle-hook';
import { configSchema } from '../../node-image/contract';
import { quiet } from '../cluster/core-support';
import { DRAIN_RULES, problemBy, type StartClient } from './drain-rules';
import {
  type DrainWorld,
  drainWorld,
  HOOK,
  HOOK_MS,
  LOOK_MS,
  NOTICE_MS,
  within,
} from './drain-world';
import { type Mistake, NaiveDrain } from './naive-drain';

const watchOf = (
  { machineId, aws, metadata, registry, node, group }: DrainWorld,
  beforeEnd?: () => Promise<void>,
): EndingWatch =>
  new EndingWatch({
    machineId,
    notices: new InstanceMetadata({ url: metadata.url, timeoutMs: 300 }),
    hook: new LifecycleHook({
      client: aws.clients.autoScaling,
      group: group.name,
      hook: HOOK,
    }),
    registry,
    drain: configSchema.parse({}).sluice.drain,
    isNodeAlive: async () => node.isAlive,
    log: quiet,
    intervalMs: LOOK_MS,
    goneMs: HOOK_MS,
    // As AWS's shortest hook to ours: 30 s to 0.9 s.
    retryMs: 90,
    beforeEnd,
  });

const agent: StartClient = (world) => watchOf(world);

/** Which rule finds each mistake out. */
const FOUND_BY: Readonly<Record<Mistake, string>> = {
  'asks the metadata without a token': 'leaves a machine in service alone',
  'takes silence for an end': 'does not take a metadata service that fails for an end',
  'completes at once': 'holds the machine until its node is empty, and lets it go then',
  'sends no heartbeat': 'holds the machine until its node is empty, and lets it go then',
  'sends heartbeats between its looks only': 'holds the machine while the registry hangs',
  'gives up at the first error': 'goes on where AWS throttles',
  'orders at each look': 'orders once, however often it looks',
  'orders a drain without patience': 'gives Rooms the time that they are promised',
  'orders what can be cancelled': 'gives Rooms the time that they are promised',
  'acts only on a change that it has seen': 'goes on where it is restarted',
  'waits for an empty node only': 'lets a machine go whose node is gone',
  'takes a node that is not listed for gone': 'holds a machine whose node the registry has lost',
  'completes with ABANDON': 'never abandons',
};

describe('the agent of a machine', { concurrency: 4 }, () => {
  for (const rule of Object.keys(DRAIN_RULES)) {
    it(rule, async () => {
      assert.equal(await problemBy(rule, agent), undefined);
    });
  }
});

describe('the agent of a machine that is about to end', () => {
  it('sends the last lines on before the machine may end, however long that takes', async () => {
    const world = await drainWorld();
    let isEndedBefore: boolean | undefined;
    const watch = watchOf(world, async () => {
      await sleep(2 * HOOK_MS);
      isEndedBefore ??= world.isEnded();
    });
    try {
      world.end();
      world.node.rooms = 0;
      assert.ok(await within(10 * NOTICE_MS, world.isEnded), 'the machine ends');
      assert.equal(isEndedBefore, false);
      assert.deepEqual(world.group.cutOff, [], 'not by the timeout of its hook');
    } finally {
      await watch.close();
      await world.close();
    }
  });
});

describe('a drain client without a mistake', { concurrency: 4 }, () => {
  for (const rule of new Set(Object.values(FOUND_BY))) {
    it(rule, async () => {
      assert.equal(await problemBy(rule, (world) => new NaiveDrain(world)), undefined);
    });
  }
});

describe('a drain client is found out that', { concurrency: 4 }, () => {
  for (const [mistake, rule] of Object.entries(FOUND_BY) as [Mistake, string][]) {
    it(mistake, async () => {
      const problem = await problemBy(rule, (world) => new NaiveDrain(world, mistake));
      assert.notEqual(problem, undefined, `"${rule}" finds nothing wrong`);
    });
  }
});
