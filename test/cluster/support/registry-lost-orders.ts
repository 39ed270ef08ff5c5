import assert from 'node:assert/strict';
import { drainOrder, nodeRecord } from './registry-facts';
import type { SharedStateSuite } from './registry-shared-state';

const PROGRESS = {
  roomsLeft: 1,
  participantsLeft: 2,
  turnAllocationsLeft: 0,
  roomsMoved: 0,
  obstacle: '',
  overdue: false,
};

/** What becomes of drain orders that a registry has lost, and their nodes have not. */
export function lostOrdersSuite({ it, name, one, other }: SharedStateSuite): void {
  /** As after a fail-over: nothing is left of a node and its order. */
  const lose = (id: string): Promise<void> => other().forgetNode(id);
  const orderIn = async (id: string): Promise<string | undefined> =>
    (await other().snapshot()).nodes.find(({ record }) => record.id === id)?.order?.id;

  it('an order that was lost stands again once its node beats', async () => {
    const id = name('node');
    const order = drainOrder(name('order'), { afterwards: 'restart' });
    await one().order(id, order);
    await one().heartbeat(nodeRecord(id), [], order);
    await lose(id);
    const reply = await one().heartbeat(nodeRecord(id), [], order);
    assert.deepEqual({ ...reply.order }, order);
    assert.equal(await orderIn(id), order.id);
    assert.equal(await other().cancelOrder(id), true);
    assert.equal((await one().heartbeat(nodeRecord(id), [], order)).order, undefined);
  });

  it('an order that was cancelled stays away, whatever its node has missed since', async () => {
    const id = name('node');
    const [first, second] = [drainOrder(name('order')), drainOrder(name('order'))];
    for (const order of [first, second]) {
      await one().order(id, order);
      assert.equal(await other().cancelOrder(id), true);
    }
    await lose(id);
    assert.equal((await one().heartbeat(nodeRecord(id), [], first)).order, undefined);
    assert.equal(await orderIn(id), undefined);
  });

  it('an order that only its node still has is cancelled as well, once', async () => {
    const id = name('node');
    const order = drainOrder(name('order'));
    const drains = nodeRecord(id, { drain: { orderId: order.id, ...PROGRESS } });
    await one().heartbeat(drains, [], order);
    await lose(id);
    // It was lost while the node had just begun to beat.
    await one().heartbeat(drains, []);
    assert.equal(await orderIn(id), undefined);
    assert.equal(await other().cancelOrder(id), true);
    assert.equal(await other().cancelOrder(id), false);
    assert.equal((await one().heartbeat(drains, [], order)).order, undefined);
  });

  it('a final order that was lost is back, in the place of one that is not', async () => {
    const id = name('node');
    const final = drainOrder(name('order'), { final: 'it is terminated' });
    await one().heartbeat(nodeRecord(id), [], final);
    assert.equal(await orderIn(id), final.id);
    await lose(id);
    const later = drainOrder(name('order'), { deadlineMs: final.deadlineMs + 1 });
    await one().order(id, later);
    assert.deepEqual({ ...(await one().heartbeat(nodeRecord(id), [], final)).order }, final);
    assert.equal(await other().cancelOrder(id), false);
  });

  it('an order that stands is not undone by the one that its node has', async () => {
    const id = name('node');
    const own = drainOrder(name('order'));
    const given = drainOrder(name('order'), { deadlineMs: own.deadlineMs + 1, final: 'it ends' });
    await one().order(id, own);
    await one().order(id, given);
    assert.equal((await one().heartbeat(nodeRecord(id), [], own)).order?.id, given.id);
  });

  it('a second process under the same id gives no orders', async () => {
    const id = name('node');
    await one().heartbeat(nodeRecord(id, { startedAtMs: 1000 }), []);
    const second = nodeRecord(id, { startedAtMs: 2000 });
    const reply = await other().heartbeat(second, [], drainOrder(name('order')));
    assert.deepEqual([reply.duplicate, reply.order], [true, undefined]);
    assert.equal(await orderIn(id), undefined);
  });
}
