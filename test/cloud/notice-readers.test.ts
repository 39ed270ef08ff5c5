/** What a reader of the queue must do, by the desk, and by readers that each get one thing wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LifecycleHook } from '../../node-image/cloud/aws/lifecycle-hook';
import { SqsNotices } from '../../node-image/cloud/aws/sqs-notices';
import type { MachineNotice } from '../../node-image/cloud/notices';
import { RegistryUnavailableError } from '../../node-image/cluster/registry';
import * as events from '../support/aws/events';
import { type DeskWorld, deskWorld, HOOK, later, MINUTE, startDesk } from './desk-world';

interface Reader {
  run(): Promise<void>;
}

type Rule = (world: DeskWorld, reader: Reader) => Promise<string | undefined>;

const RULES: Readonly<Record<string, Rule>> = {
  'keeps a message until the order stands': async (world, reader) => {
    const { group, id, queue, registry, beat } = world;
    group.beginEnd(id);
    queue.send(events.terminating(id));
    const order = registry.order.bind(registry);
    registry.order = () => Promise.reject(new RegistryUnavailableError('away'));
    await reader.run();
    if (queue.size === 0) return 'has lost the message';
    registry.order = order;
    queue.showAgain();
    await reader.run();
    if (queue.size > 0) return 'leaves the message in the queue';
    return (await beat()) === undefined ? 'does not order the drain' : undefined;
  },

  'orders once for messages that come twice': async ({ group, id, queue, beat }, reader) => {
    group.beginEnd(id);
    for (let count = 0; count < 12; count += 1) queue.send(events.terminating(id));
    await reader.run();
    const first = await beat();
    queue.send(events.terminating(id));
    await reader.run();
    return JSON.stringify(first) === JSON.stringify(await beat()) ? undefined : 'orders anew';
  },

  'drains no machine that AWS does not end': async ({ id, queue, beat }, reader) => {
    queue.send(events.terminating(id));
    await reader.run();
    return (await beat()) === undefined ? undefined : 'drains a machine that stays';
  },

  'holds a machine until its node is empty': async (world, reader) => {
    const { group, id, queue } = world;
    group.beginEnd(id);
    queue.send(events.terminating(id));
    await later(world, reader, 45 * MINUTE, { state: 'draining' });
    if (group.machine(id) === undefined) return 'lets a machine end that has Rooms';
    await later(world, reader, MINUTE, { state: 'drained' });
    return group.machine(id) === undefined ? undefined : 'does not let an empty machine go';
  },

  'lets a dead machine go': async ({ group, id, queue }, reader) => {
    group.beginEnd(id);
    queue.send(events.stateChange(id, 'terminated'));
    const machine = group.machine(id);
    if (machine !== undefined) machine.power = 'terminated';
    await reader.run();
    return group.machine(id) === undefined ? undefined : 'leaves a dead machine to the timeout';
  },

  'goes on after what it cannot read': async ({ group, id, queue, beat }, reader) => {
    group.beginEnd(id);
    queue.send('no event');
    queue.send(events.terminating(id));
    await reader.run();
    if ((await beat()) === undefined) return 'does not order the drain';
    return queue.size > 0 ? 'leaves messages in the queue' : undefined;
  },
};

/** Which rule finds each mistake out. */
const FOUND_BY = {
  'deletes messages before it acts': 'keeps a message until the order stands',
  'orders for each message': 'orders once for messages that come twice',
  'believes each message': 'drains no machine that AWS does not end',
  'completes when it has ordered': 'holds a machine until its node is empty',
  'sends no heartbeat': 'holds a machine until its node is empty',
  'looks at terminate events only': 'lets a dead machine go',
  'stops at what it cannot read': 'goes on after what it cannot read',
} as const;

type Mistake = keyof typeof FOUND_BY;

/** A reader as one would write it in an afternoon, with one mistake, or with none. */
function naiveReader({ aws, group, registry, id }: DeskWorld, mistake?: Mistake): Reader {
  const { sqs, autoScaling } = aws.clients;
  const queue = new SqsNotices({ client: sqs, url: `${aws.url}/1/notices` });
  const hook = new LifecycleHook({ client: autoScaling, group: 'media', hook: HOOK });
  let count = 0;
  const order = async (): Promise<void> => {
    const { nodes, nowMs } = await registry.snapshot();
    const [node] = nodes.filter(({ record }) => record.machineId === id);
    if (node === undefined) return;
    if (node.order !== undefined && mistake !== 'orders for each message') return;
    count += 1;
    await registry.order(node.record.id, {
      id: `DR_${count}`,
      reason: 'AWS ends the machine',
      patienceUntilMs: nowMs,
      deadlineMs: nowMs + 3_600_000 - count,
      onDeadline: 'force',
      final: 'AWS ends it',
    });
  };
  const heed = async (notice: MachineNotice): Promise<void> => {
    const isEnding = group.machine(id)?.state === 'Terminating:Wait';
    if (notice.kind === 'other' && mistake === 'stops at what it cannot read') throw new Error('?');
    if (notice.kind === 'gone' && mistake !== 'looks at terminate events only') {
      await hook.complete(id, 'CONTINUE');
    }
    if (notice.kind !== 'terminating') return;
    if (isEnding || mistake === 'believes each message') await order();
    if (mistake === 'completes when it has ordered') await hook.complete(id, 'CONTINUE');
  };
  const lookAfter = async (): Promise<void> => {
    if (group.machine(id)?.state !== 'Terminating:Wait') return;
    const { nodes } = await registry.snapshot();
    if (nodes.some(({ record }) => record.state === 'drained')) await hook.complete(id, 'CONTINUE');
    else if (mistake !== 'sends no heartbeat') await hook.heartbeat(id);
  };
  const work = async (): Promise<void> => {
    for (let round = 0; round < 5; round += 1) {
      for (const { notice, done } of await queue.receive()) {
        if (mistake === 'deletes messages before it acts') await done();
        await heed(notice);
        await done();
      }
    }
    await lookAfter();
  };
  // What failed comes again.
  return { run: () => work().catch(() => {}) };
}

async function problemBy(
  rule: keyof typeof RULES,
  start: (world: DeskWorld) => Reader & { close?(): Promise<void> },
): Promise<string | undefined> {
  const world = await deskWorld();
  const reader = start(world);
  try {
    return await RULES[rule]?.(world, reader);
  } finally {
    await reader.close?.();
    await world.close();
  }
}

describe('the desk for notices', () => {
  for (const rule of Object.keys(RULES)) {
    it(rule, async () =>
      assert.equal(await problemBy(rule, (world) => startDesk(world)), undefined),
    );
  }
});

describe('a reader of notices without a mistake', () => {
  for (const rule of Object.keys(RULES)) {
    it(rule, async () =>
      assert.equal(await problemBy(rule, (world) => naiveReader(world)), undefined),
    );
  }
});

describe('a reader of notices is found out that', () => {
  for (const [mistake, rule] of Object.entries(FOUND_BY) as [Mistake, string][]) {
    it(mistake, async () => {
      const problem = await problemBy(rule, (world) => naiveReader(world, mistake));
      assert.notEqual(problem, undefined, `"${rule}" finds nothing wrong`);
    });
  }
});
