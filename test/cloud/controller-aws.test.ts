import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { AutoScalingGroup } from '../../node-image/cloud/aws/auto-scaling-group';
import { Controller } from '../../node-image/cluster/controller';
import { Leadership } from '../../node-image/cluster/leadership';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { DrainOrder, NodeLoad } from '../../node-image/cluster/node-record';
import { NodeWatch } from '../../node-image/cluster/node-watch';
import { SharedConfig } from '../../node-image/cluster/shared-config';
import { configSchema } from '../../node-image/contract';
import { FakeLink, quiet, recordOf } from '../cluster/core-support';
import { IDLE } from '../cluster/placement-nodes';
import { FakeAws } from '../support/aws/fake-aws';
import { type FakeGroupOptions, FakeScalingGroup } from '../support/aws/fake-scaling-group';

const HOOK = 'sluice-terminating';

describe('the controller of a group on AWS', () => {
  let close = async (): Promise<void> => {};
  afterEach(() => close());

  async function controllerOf(desired: number, options: FakeGroupOptions = {}) {
    const clock = { now: 1_000_000_000 };
    const now = (): number => clock.now;
    const hook = { name: HOOK, transition: 'terminating', defaultResult: 'CONTINUE' } as const;
    const hooks = [{ ...hook, heartbeatTimeout: 1800 }];
    const fake = new FakeScalingGroup({ min: 1, max: 10, hooks, now, ...options });
    fake.setDesired(desired);
    const aws = await FakeAws.start(fake);
    const { autoScaling, ec2 } = aws.clients;
    const registry = new MemoryRegistry({ now });
    const watch = new NodeWatch({ registry, link: new FakeLink(), log: quiet, now });
    const leadership = new Leadership({ registry, nodeId: 'M1', log: quiet, now });
    // Those of the group hold instead.
    const scaling = { min_nodes: 7, max_nodes: 7, headroom_rooms: 0, scale_in_after: '4s' };
    const controller = new Controller({
      nodeId: 'M1',
      registry,
      watch,
      leadership,
      group: new AutoScalingGroup({ autoScaling, ec2, name: 'media', log: quiet, freshMs: 0, now }),
      sharedConfig: new SharedConfig({ registry, log: quiet }),
      settings: configSchema.parse({ sluice: { scaling } }).sluice,
      log: quiet,
      now,
    });
    /** Nodes by their machines, with what they obey. */
    const orders = new Map<string, DrainOrder>();
    const load = new Map<string, Partial<NodeLoad>>();
    /** Each machine has a node, which is empty one round after it was ordered to drain. */
    const rounds = async (count: number, after: () => void = () => {}): Promise<void> => {
      for (let round = 0; round < count; round += 1) {
        clock.now += 2000;
        await leadership.renew();
        for (const { id, state } of fake.machines) {
          if (state === 'Pending') continue;
          const before = orders.get(id);
          const changes = {
            machineId: id,
            state: before === undefined ? ('serving' as const) : ('drained' as const),
            load: { ...IDLE, ...load.get(id) },
          };
          const { order } = await registry.heartbeat(recordOf(`N${id}`, changes), [], before);
          if (order !== undefined) orders.set(id, order);
        }
        await controller.run();
        after();
      }
    };
    close = async () => {
      await controller.close();
      await leadership.close();
      watch.close();
      await Promise.all([aws.close(), registry.close()]);
    };
    return { fake, aws, registry, rounds, load };
  }

  it('keeps to the minimum and the maximum of the group', async () => {
    const { fake, rounds, aws } = await controllerOf(2, { min: 2, max: 3 });
    await rounds(4);
    assert.deepEqual([fake.desired, aws.countOf('TerminateInstanceInAutoScalingGroup')], [2, 0]);
    fake.min = 3;
    await rounds(1);
    assert.equal(fake.desired, 3);
  });

  it('keeps free what a tag of the group says, from the next look on', async () => {
    const { fake, rounds } = await controllerOf(1);
    await rounds(2);
    assert.equal(fake.desired, 1);
    fake.tags = { 'sluice:headroom-rooms': 'many' };
    await rounds(2);
    assert.equal(fake.desired, 1, 'a value that is none counts as no tag');
    fake.tags = { 'sluice:headroom-rooms': '100' };
    await rounds(1);
    assert.ok(fake.desired > 1, `${fake.desired} are wanted`);
  });

  it('grows above the load that a tag of the group says', async () => {
    const { fake, rounds, load } = await controllerOf(1);
    for (const { id } of fake.machines) load.set(id, { cpuLoad: 0.4 });
    await rounds(2);
    assert.equal(fake.desired, 1);
    fake.tags = { 'sluice:target-load': '0.3' };
    await rounds(1);
    assert.equal(fake.desired, 2);
  });

  it('ends the machine of a drained node once, however long that takes', async () => {
    const { fake, rounds, aws } = await controllerOf(2);
    await rounds(6);
    assert.equal(fake.desired, 1);
    const states = fake.machines.map(({ state }) => state).sort();
    assert.deepEqual(states, ['InService', 'Terminating:Wait']);
    assert.equal(aws.countOf('TerminateInstanceInAutoScalingGroup'), 1);
  });

  it('ends a machine that AWS kept for its calls, when its node is empty', async () => {
    const { fake, rounds, registry } = await controllerOf(2, { min: 2, onAbandon: 'retain' });
    await rounds(1);
    const id = fake.machines[0]?.id ?? '';
    fake.beginEnd(id);
    await registry.order(`N${id}`, {
      id: 'DR_1',
      reason: 'AWS ends the machine',
      patienceUntilMs: 0,
      deadlineMs: 0,
      onDeadline: 'keep',
      final: 'AWS has been told to terminate the machine',
    });
    fake.complete(HOOK, id, 'ABANDON');
    assert.equal(fake.machine(id)?.state, 'Terminating:Retained');
    await rounds(3);
    assert.equal(fake.machine(id), undefined);
    assert.equal(fake.desired, 2);
  });

  it('replaces machines one by one when the launch template has a new version', async () => {
    const { fake, rounds, registry } = await controllerOf(2, { min: 2 });
    await rounds(1);
    fake.template = { id: 'lt-1', version: '2' };
    const served: number[] = [];
    await rounds(14, () => {
      served.push(fake.machines.filter(({ state }) => state === 'InService').length);
      for (const { id, state } of [...fake.machines]) {
        if (state === 'Terminating:Wait') fake.complete(HOOK, id, 'CONTINUE');
      }
    });
    assert.deepEqual(
      fake.machines.map(({ template }) => template.version),
      ['2', '2'],
    );
    assert.equal(fake.desired, 2);
    assert.ok(Math.min(...served) >= 2, `never fewer than before: ${served.join(' ')}`);
    assert.ok(Math.max(...served) <= 3, `never more than one more: ${served.join(' ')}`);
    const trail = (await registry.auditTrail(100)).map(({ text }) => text).join('\n');
    assert.match(trail, /starting one more machine: new machines are made otherwise/);
  });

  it('grows for load while it replaces machines', async () => {
    const { fake, rounds, load } = await controllerOf(2, { min: 2 });
    fake.template = { id: 'lt-1', version: '2' };
    for (const { id } of fake.machines) load.set(id, { cpuLoad: 0.95 });
    await rounds(2);
    assert.ok(fake.desired > 3, `${fake.desired} are wanted`);
  });
});
