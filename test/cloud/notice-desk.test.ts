import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { NodeRecord } from '../../node-image/cluster/node-record';
import { RegistryUnavailableError } from '../../node-image/cluster/registry';
import * as events from '../support/aws/events';
import { deskWorld, HOOK, later, MINUTE, startDesk } from './desk-world';

describe('the desk for notices of AWS', () => {
  let close = async (): Promise<void> => {};
  afterEach(() => close());

  async function deskOf() {
    const world = await deskWorld();
    const leadership = { leads: true };
    const desk = startDesk(world, leadership);
    close = async () => {
      await desk.close();
      await world.close();
    };
    return {
      ...world,
      leadership,
      desk,
      later: (ms: number, node?: Partial<NodeRecord>) => later(world, desk, ms, node),
    };
  }

  it('orders the drain of a machine that ends, and takes the message off the queue', async () => {
    const { group, id, queue, desk, beat, registry } = await deskOf();
    group.beginEnd(id);
    queue.send(events.terminating(id));
    await desk.run();
    const order = await beat();
    assert.match(order?.final ?? '', /told to terminate/);
    assert.equal(queue.size, 0);
    const [entry] = await registry.auditTrail(1);
    assert.match(entry?.text ?? '', new RegExp(`draining node N1: terminate of machine ${id}`));
  });

  it('does nothing twice for notices that come twice, or late', async () => {
    const { group, id, queue, desk, beat, registry, aws } = await deskOf();
    group.beginEnd(id);
    for (let count = 0; count < 15; count += 1) queue.send(events.terminating(id));
    await desk.run();
    const first = await beat();
    queue.send(events.terminating(id));
    await desk.run();
    assert.deepEqual(await beat(), first);
    assert.equal((await registry.auditTrail(100)).length, 1);
    // The machine is gone, and there is one more.
    group.complete(HOOK, id, 'CONTINUE');
    await registry.forgetNode('N1');
    queue.send(events.terminating(id));
    queue.send(events.stateChange(id, 'terminated'));
    await desk.run();
    assert.equal(queue.size, 0);
    assert.equal((await registry.auditTrail(100)).length, 1);
    assert.equal(aws.countOf('TerminateInstanceInAutoScalingGroup'), 0);
  });

  it('keeps a message until the order stands', async () => {
    const { group, id, queue, desk, beat, registry } = await deskOf();
    group.beginEnd(id);
    queue.send(events.terminating(id));
    const order = registry.order.bind(registry);
    registry.order = async () => {
      throw new RegistryUnavailableError('away');
    };
    await desk.run();
    assert.equal(queue.size, 1);
    registry.order = order;
    queue.showAgain();
    await desk.run();
    assert.equal(queue.size, 0);
    assert.notEqual(await beat(), undefined);
  });

  it('does not believe a message that AWS does not stand by', async () => {
    const { id, queue, desk, beat } = await deskOf();
    queue.send(events.terminating(id));
    await desk.run();
    assert.equal(await beat(), undefined);
    assert.equal(queue.size, 0);
  });

  it('finds what waits without a message', async () => {
    const { group, id, desk, beat } = await deskOf();
    group.beginEnd(id);
    await desk.run();
    assert.match((await beat())?.final ?? '', /told to terminate/);
  });

  it('holds a machine whose agent is dead, and lets it go when its node is empty', async () => {
    const { group, id, later } = await deskOf();
    group.beginEnd(id);
    await later(90 * MINUTE, { state: 'draining' });
    assert.deepEqual([group.cutOff, group.machine(id)?.state], [[], 'Terminating:Wait']);
    await later(MINUTE, { state: 'drained' });
    assert.equal(group.machine(id), undefined);
    assert.deepEqual(group.cutOff, []);
  });

  it('completes the hook of a dead machine at once', async () => {
    const { group, id, desk, registry } = await deskOf();
    group.beginEnd(id);
    const machine = group.machine(id);
    if (machine !== undefined) machine.power = 'terminated';
    await desk.run();
    assert.equal(group.machine(id), undefined);
    const [entry] = await registry.auditTrail(1);
    assert.match(entry?.text ?? '', /it runs no more/);
  });

  it('completes the hook of a machine of which a message says that it is gone', async () => {
    const { group, id, desk, queue, aws } = await deskOf();
    group.beginEnd(id);
    aws.fail('DescribeAutoScalingGroups', 1);
    queue.send(events.stateChange(id, 'terminated'));
    await desk.run();
    assert.equal(group.machine(id), undefined);
    assert.equal(queue.size, 0);
  });

  it('gives a running machine without a node ten minutes: it may only be cut off', async () => {
    const { group, id, later, registry } = await deskOf();
    group.beginEnd(id);
    await registry.forgetNode('N1');
    await later(9 * MINUTE);
    assert.equal(group.machine(id)?.state, 'Terminating:Wait');
    await later(2 * MINUTE);
    assert.equal(group.machine(id), undefined);
    assert.deepEqual(group.cutOff, []);
  });

  it('empties a spot machine before it is taken, whatever was promised before', async () => {
    const { id, queue, desk, beat, registry, clock, at } = await deskOf();
    queue.send(events.rebalance(id, at()));
    await desk.run();
    const before = await beat();
    assert.match(before?.reason ?? '', /rebalance/);
    assert.ok((before?.deadlineMs ?? 0) <= clock.now + 10 * MINUTE);
    queue.send(events.interruption(id, at()));
    await desk.run();
    const order = await beat();
    assert.equal(order?.reason, 'spot interruption');
    assert.ok((order?.patienceUntilMs ?? Infinity) <= clock.now, 'Rooms move at once');
    const left = (order?.deadlineMs ?? 0) - clock.now;
    assert.ok(left > 90_000 && left < 120_000, `${left} ms`);
    const entries = (await registry.auditTrail(10)).length;
    queue.send(events.rebalance(id, at()));
    queue.send(events.interruption(id, at()));
    await desk.run();
    assert.deepEqual(await beat(), order);
    assert.equal((await registry.auditTrail(10)).length, entries);
  });

  it('heeds no notice of an earlier life of a machine', async () => {
    const { id, queue, desk, beat, clock } = await deskOf();
    queue.send(events.interruption(id, new Date(clock.now - 5 * MINUTE)));
    queue.send(events.rebalance(id, new Date(clock.now - 90 * MINUTE)));
    await desk.run();
    assert.equal(await beat(), undefined);
    assert.equal(queue.size, 0);
  });

  it('takes what it cannot read off the queue, and goes on', async () => {
    const { group, id, queue, desk, beat } = await deskOf();
    queue.send('what');
    queue.send(events.TEST_NOTIFICATION);
    group.beginEnd(id);
    queue.send(events.terminating(id));
    await desk.run();
    assert.equal(queue.size, 0);
    assert.notEqual(await beat(), undefined);
  });

  it('looks after machines although the queue does not answer', async () => {
    const { group, id, desk, beat, aws } = await deskOf();
    aws.fail('ReceiveMessage', 1);
    group.beginEnd(id);
    await desk.run();
    assert.notEqual(await beat(), undefined);
  });

  it('does nothing where another node leads', async () => {
    const { group, id, queue, desk, beat, leadership, aws } = await deskOf();
    leadership.leads = false;
    group.beginEnd(id);
    queue.send(events.terminating(id));
    await desk.run();
    assert.deepEqual([await beat(), queue.size, aws.calls.length], [undefined, 1, 0]);
  });
});
