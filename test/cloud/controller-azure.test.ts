import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Controller } from '../../node-image/cluster/controller';
import { Leadership } from '../../node-image/cluster/leadership';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { DrainOrder } from '../../node-image/cluster/node-record';
import { NodeWatch } from '../../node-image/cluster/node-watch';
import { SharedConfig } from '../../node-image/cluster/shared-config';
import { configSchema } from '../../node-image/contract';
import { FakeLink, quiet, recordOf } from '../cluster/core-support';
import { IDLE } from '../cluster/placement-nodes';
import { AzureFault, conflict } from '../support/fake-azure/azure-fault';
import type { FakeScaleSetOptions } from '../support/fake-azure/fake-scale-set';
import { azureWorld } from './azure-group-world';

describe('the controller of a scale set on Azure', () => {
  let close = async (): Promise<void> => {};
  afterEach(() => close());

  async function controllerOf(capacity: number, options: FakeScaleSetOptions = {}) {
    const world = await azureWorld(capacity, options);
    const { clock, set } = world;
    const now = (): number => clock.now;
    const registry = new MemoryRegistry({ now });
    const link = new FakeLink();
    const watch = new NodeWatch({ registry, link, log: quiet, now });
    const leadership = new Leadership({ registry, nodeId: 'M1', log: quiet, now });
    // The tags of the set hold instead.
    const scaling = { min_nodes: 7, max_nodes: 7, headroom_rooms: 0, scale_in_after: '4s' };
    const controller = new Controller({
      nodeId: 'M1',
      registry,
      watch,
      leadership,
      group: world.group,
      sharedConfig: new SharedConfig({ registry, log: quiet }),
      settings: configSchema.parse({ sluice: { scaling } }).sluice,
      log: quiet,
      now,
    });
    const orders = new Map<string, DrainOrder>();
    /** Machines without a node. */
    const silent = new Set<string>();
    /** Each machine has a node, which is empty one round after it was ordered to drain. */
    const rounds = async (count: number, after: () => void = () => {}): Promise<void> => {
      for (let round = 0; round < count; round += 1) {
        clock.now += 2000;
        await leadership.renew();
        for (const { name, provisioningState } of set.machines) {
          if (silent.has(name) || provisioningState === 'Failed') {
            // As the watch does by itself.
            link.probes.set(`N${name}`, 'silent');
            await watch.suspect(`N${name}`);
            continue;
          }
          const before = orders.get(name);
          const state = before === undefined ? ('serving' as const) : ('drained' as const);
          const record = recordOf(`N${name}`, { machineId: name, state, load: IDLE });
          const { order } = await registry.heartbeat(record, [], before);
          if (order !== undefined) orders.set(name, order);
        }
        await controller.run();
        after();
      }
    };
    close = async () => {
      await controller.close();
      await leadership.close();
      watch.close();
      await Promise.all([world.close(), registry.close()]);
    };
    const limits = (min: number, max: number): void => {
      set.tags = { 'sluice:min-nodes': String(min), 'sluice:max-nodes': String(max) };
    };
    limits(1, 10);
    return { ...world, registry, rounds, limits, silent };
  }

  it('keeps to what the tags of the set say', async () => {
    const { set, rounds, limits, azure } = await controllerOf(2);
    limits(2, 3);
    await rounds(4);
    assert.deepEqual([set.capacity, azure.countOf('delete machine')], [2, 0]);
    limits(3, 3);
    await rounds(2);
    assert.equal(set.capacity, 3);
  });

  it('deletes the machine of a drained node once, however long that takes', async () => {
    const { set, rounds, azure } = await controllerOf(2);
    await rounds(12);
    const states = set.machines.map(({ provisioningState }) => provisioningState).sort();
    assert.deepEqual(states, ['Deleting', 'Succeeded']);
    assert.equal(azure.countOf('delete machine'), 1);
    assert.deepEqual(set.chosenByAzure, []);
  });

  it('ends the next machine although one cannot be deleted', async () => {
    const { set, rounds, azure, limits } = await controllerOf(4, {
      hasTerminateNotification: false,
    });
    const locked = new AzureFault('ScopeLocked', 'a lock is on the machine', 409);
    azure.fail('delete machine', locked, 1);
    limits(1, 1);
    await rounds(6);
    assert.equal(set.machines.length, 1);
    assert.ok(azure.countOf('delete machine') > 3);
  });

  it('grows where somebody else changes the set meanwhile', async () => {
    const { set, rounds, azure, limits } = await controllerOf(1);
    azure.fail('patch set', conflict(), 6);
    limits(2, 3);
    await rounds(3);
    assert.equal(set.capacity, 2);
  });

  it('replaces a machine that Azure could not make within a minute, and removes it later', async () => {
    const { set, rounds, limits } = await controllerOf(2);
    limits(2, 4);
    await rounds(2);
    const [first] = set.machines;
    if (first !== undefined) first.provisioningState = 'Failed';
    await rounds(30);
    assert.equal(set.capacity, 3);
    await rounds(300);
    assert.equal(first?.provisioningState, 'Deleting');
  });

  it('replaces machines one by one when new ones are made otherwise', async () => {
    const { set, rounds, limits } = await controllerOf(2, { hasTerminateNotification: false });
    limits(2, 10);
    await rounds(1);
    set.model = { ...set.model, imageId: '/images/2' };
    const served: number[] = [];
    await rounds(16, () => served.push(set.machines.length));
    assert.deepEqual(
      set.machines.map(({ model }) => model.imageId),
      ['/images/2', '/images/2'],
    );
    assert.equal(set.capacity, 2);
    assert.ok(Math.min(...served) >= 2, `never fewer than before: ${served.join(' ')}`);
    assert.ok(Math.max(...served) <= 3, `never more than one more: ${served.join(' ')}`);
  });
});
