import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Leadership } from '../../node-image/cluster/leadership';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { quiet } from './core-support';

describe('Leadership', () => {
  it('is one node at a time, and passes on when the leader is gone', async () => {
    const clock = { now: 0 };
    const registry = new MemoryRegistry({ now: () => clock.now });
    const leaderOf = (nodeId: string) =>
      new Leadership({ registry, nodeId, log: quiet, now: () => clock.now });
    const [first, second] = [leaderOf('M1'), leaderOf('M2')];
    await first.renew();
    await second.renew();
    assert.deepEqual([first.leads, second.leads], [true, false]);
    clock.now += 5000;
    await second.renew();
    assert.deepEqual([first.leads, second.leads], [true, false]);
    clock.now += 1001;
    assert.equal(first.leads, false, 'by itself, without being told');
    await second.renew();
    assert.equal(second.leads, true);
    await first.renew();
    assert.equal(first.leads, false);
    await second.close();
    await first.renew();
    assert.equal(first.leads, true, 'at once, where the leader left in order');
    await first.close();
  });
});
