import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyForWarmPool, isForWarmPool } from '../../node-image/cloud/agent/warm-pool';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { recordOf } from '../cluster/core-support';

describe('a machine that is to wait in a warm pool', () => {
  it('is known by its target state', () => {
    const states = ['Warmed:Stopped', 'InService', 'Terminated', undefined];
    assert.deepEqual(states.map(isForWarmPool), [true, false, false, false]);
  });

  it('is stopped when its node is empty, which serves already', async () => {
    const registry = new MemoryRegistry();
    const beat = (state: 'serving' | 'draining' | 'drained') =>
      registry.heartbeat(recordOf('N1', { machineId: 'i-1', state }), []);
    assert.equal(await emptyForWarmPool(registry, 'i-1'), false, 'it is not there yet');
    await beat('serving');
    assert.equal(await emptyForWarmPool(registry, 'i-1'), false);
    const { order } = await beat('draining');
    assert.equal(order?.final, undefined, 'it is no end');
    assert.equal(await emptyForWarmPool(registry, 'i-1'), false);
    assert.equal((await beat('draining')).order?.id, order?.id, 'ordered once');
    await beat('drained');
    assert.equal(await emptyForWarmPool(registry, 'i-1'), true);
    await registry.close();
  });

  it('leaves the nodes of other machines alone', async () => {
    const registry = new MemoryRegistry();
    await registry.heartbeat(recordOf('N2', { machineId: 'i-2' }), []);
    await emptyForWarmPool(registry, 'i-1');
    const { order } = await registry.heartbeat(recordOf('N2', { machineId: 'i-2' }), []);
    assert.equal(order, undefined);
    await registry.close();
  });
});
