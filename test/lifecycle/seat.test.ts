import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { Seat } from '../../node-image/lifecycle/seat';
import { quiet, recordOf } from '../cluster/core-support';
import { drainOrder } from '../cluster/support/registry-facts';
import { until } from '../support/wait';

describe('Seat', () => {
  let registry: MemoryRegistry;
  let seat: Seat;

  beforeEach(async () => {
    registry = new MemoryRegistry();
    const { state, load, drain, configVersion, ...identity } = recordOf('N1');
    seat = new Seat({
      registry,
      identity,
      configVersion,
      load: () => load,
      drainable: {
        rooms: () => ['room'],
        participants: () => 2,
        turnAllocations: () => 0,
        move: async () => undefined,
        putOut: () => {},
      },
      onDuplicate: () => {},
      onRestart: () => {},
      log: quiet,
    });
    await seat.take();
    await seat.serve();
  });
  afterEach(() => seat.close());

  const order = drainOrder('DR_1', { patienceUntilMs: Date.now() + 600_000 });
  const standing = async () => (await registry.snapshot()).nodes[0]?.order?.id;

  it('gives the registry its drain order again, where that one has lost it', async () => {
    await registry.order('N1', order);
    await until('it to drain', () => seat.state === 'draining');
    // It is found dead by mistake, or Redis fails over: all of it is lost.
    await registry.forgetNode('N1');
    await until('the order to stand again', async () => (await standing()) === 'DR_1');
    assert.equal(seat.state, 'draining');
  });

  it('serves again where its order is cancelled, also one that was lost before', async () => {
    await registry.order('N1', order);
    await until('it to drain', () => seat.state === 'draining');
    await registry.forgetNode('N1');
    await until('the order to stand again', async () => (await standing()) === 'DR_1');
    assert.equal(await registry.cancelOrder('N1'), true);
    await until('it to serve', () => seat.state === 'serving');
    assert.equal(await standing(), undefined);
  });
});
