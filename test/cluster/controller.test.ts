import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Logger, pino } from 'pino';
import { Controller } from '../../node-image/cluster/controller';
import { Leadership } from '../../node-image/cluster/leadership';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { GroupDescription, NodeGroup } from '../../node-image/cluster/node-group';
import type { NodeRecord } from '../../node-image/cluster/node-record';
import { NodeWatch } from '../../node-image/cluster/node-watch';
import { SharedConfig } from '../../node-image/cluster/shared-config';
import { configSchema } from '../../node-image/contract';
import { FakeLink, quiet, recordOf } from './core-support';
import { IDLE } from './placement-nodes';

class FakeGroup implements NodeGroup {
  readonly kind = 'fake';
  readonly machines = new Set<string>();
  wanted = 0;
  readonly ended: string[] = [];

  constructor(...machines: string[]) {
    for (const id of machines) this.machines.add(id);
    this.wanted = machines.length;
  }

  async describe(): Promise<GroupDescription> {
    const machines = [...this.machines].map((id) => ({
      id,
      state: 'running' as const,
      ageMs: 60_000,
    }));
    return { wanted: this.wanted, machines };
  }

  async grow(count: number): Promise<void> {
    this.wanted += count;
  }

  async terminate(machineId: string): Promise<void> {
    this.ended.push(machineId);
    if (this.machines.delete(machineId)) this.wanted -= 1;
  }

  async close(): Promise<void> {}
}

interface Given {
  readonly scaling?: Record<string, unknown>;
  readonly group?: FakeGroup;
  readonly nodeId?: string;
  readonly registry?: MemoryRegistry;
  readonly log?: Logger;
}

async function controllerOf(given: Given = {}) {
  const clock = { now: 1_000_000 };
  const registry = given.registry ?? new MemoryRegistry({ now: () => clock.now });
  const link = new FakeLink();
  const watch = new NodeWatch({ registry, link, log: quiet, now: () => clock.now });
  const nodeId = given.nodeId ?? 'M1';
  const leadership = new Leadership({ registry, nodeId, log: quiet, now: () => clock.now });
  await leadership.renew();
  const settings = configSchema.parse({ sluice: { scaling: given.scaling ?? {} } }).sluice;
  const controller = new Controller({
    nodeId,
    registry,
    watch,
    leadership,
    group: given.group,
    sharedConfig: new SharedConfig({ registry, log: quiet }),
    settings,
    log: given.log ?? quiet,
    now: () => clock.now,
  });
  const beat = (id: string, changes: Partial<NodeRecord> = {}) =>
    registry.heartbeat(recordOf(id, changes), []);
  /** Time goes by, all nodes beat, and the controller decides. */
  const rounds = async (count: number, nodes: () => Promise<unknown>): Promise<void> => {
    for (let round = 0; round < count; round += 1) {
      clock.now += 2000;
      await leadership.renew();
      await nodes();
      await controller.run();
    }
  };
  const close = async (): Promise<void> => {
    await controller.close();
    await leadership.close();
    watch.close();
  };
  return { clock, registry, leadership, controller, watch, link, beat, rounds, close };
}

const orders = async (registry: MemoryRegistry) =>
  (await registry.snapshot()).nodes.flatMap(({ record, order }) =>
    order === undefined ? [] : [[record.id, order.reason] as const],
  );

describe('Controller', () => {
  it('starts a machine for Rooms that Master Nodes found no node for', async () => {
    const group = new FakeGroup('a');
    const { rounds, registry, beat, close } = await controllerOf({ group });
    const load = { ...IDLE, unplacedRooms: 2 };
    const master = (id: string) => beat(id, { role: 'master', link: undefined, load });
    await rounds(3, async () =>
      Promise.all([beat('N1', { machineId: 'a', load: IDLE }), master('M1'), master('M2')]),
    );
    await close();
    assert.equal(group.wanted, 2);
    const [entry] = await registry.auditTrail(10);
    assert.match(entry?.text ?? '', /4 Rooms found no node/);
  });

  it('starts the machines that min_nodes asks for, and says so in the audit', async () => {
    const group = new FakeGroup();
    const { rounds, registry, close } = await controllerOf({ group, scaling: { min_nodes: 2 } });
    await rounds(3, async () => {});
    assert.equal(group.wanted, 2, 'and not once more with each round');
    const [entry] = await registry.auditTrail(10);
    assert.match(entry?.text ?? '', /starting 2 more machines: .*min_nodes/);
    assert.equal(entry?.by, 'M1');
    await close();
  });

  it('drains the cheapest node first, and ends its machine only when it is empty', async () => {
    const group = new FakeGroup('N1', 'N2');
    const scaling = { scale_in_after: '4s' };
    const { rounds, registry, beat, close } = await controllerOf({ group, scaling });
    const busy = { load: { ...IDLE, clients: 5, rooms: 1 } };
    await rounds(6, () => Promise.all([beat('N1', busy), beat('N2')]));
    assert.deepEqual(await orders(registry), [['N2', 'scale-in']]);
    assert.deepEqual(group.ended, [], 'it is not empty yet');
    await rounds(1, () => Promise.all([beat('N1', busy), beat('N2', { state: 'drained' })]));
    assert.deepEqual(group.ended, ['N2']);
    assert.equal(group.wanted, 1);
    await rounds(5, () => beat('N1', busy));
    assert.deepEqual([group.wanted, await orders(registry)], [1, []], 'min_nodes stay');
    const trail = (await registry.auditTrail(10)).map(({ text }) => text);
    assert.match(trail[0] ?? '', /ended machine N2/);
    assert.match(trail[1] ?? '', /draining node N2 with 0 Rooms/);
    await close();
  });

  it('does not end a machine whose drain was taken back in that moment', async () => {
    const group = new FakeGroup('N1', 'N2');
    const { rounds, registry, beat, close } = await controllerOf({
      group,
      scaling: { scale_in_after: '4s' },
    });
    const busy = { load: { ...IDLE, clients: 5, rooms: 1 } };
    await rounds(6, () => Promise.all([beat('N1', busy), beat('N2')]));
    const order = registry.order.bind(registry);
    registry.order = async (nodeId, wanted) => {
      // After the controller has looked: an operator cancels, and the node serves again.
      await registry.cancelOrder('N2');
      await beat('N2');
      return order(nodeId, wanted);
    };
    await rounds(1, () => Promise.all([beat('N1', busy), beat('N2', { state: 'drained' })]));
    assert.deepEqual(group.ended, []);
    registry.order = order;
    await rounds(1, () => Promise.all([beat('N1', busy), beat('N2', { state: 'drained' })]));
    assert.deepEqual(group.ended, ['N2'], 'once it is empty');
    await close();
  });

  it('leaves machines alone that people drained', async () => {
    const group = new FakeGroup('N1', 'N2');
    const { rounds, registry, beat, close } = await controllerOf({ group });
    await beat('N1');
    await beat('N2');
    await registry.order('N2', {
      id: 'DR_x',
      reason: 'sluice drain',
      patienceUntilMs: 0,
      deadlineMs: 0,
      onDeadline: 'force',
    });
    await rounds(3, () => Promise.all([beat('N1'), beat('N2', { state: 'drained' })]));
    assert.deepEqual(group.ended, []);
    await close();
  });

  it('tells nobody anything where another node leads', async () => {
    const registry = new MemoryRegistry();
    await registry.acquireLease('controller', 'M2', 60_000);
    const group = new FakeGroup();
    const { controller, leadership, close } = await controllerOf({ group, registry });
    await controller.run();
    assert.equal(leadership.leads, false);
    assert.equal(group.wanted, 0);
    await close();
  });

  it('rolls a new configuration: a new machine first, then one old node after the other', async () => {
    const group = new FakeGroup('N1', 'N2');
    const { rounds, registry, beat, close } = await controllerOf({ group });
    const announced = await new SharedConfig({ registry, log: quiet }).announce('limit: {}');
    const old = { configVersion: 0 };
    const fresh = { configVersion: announced.version };
    const both = () => Promise.all([beat('N1', old), beat('N2', old)]);
    await rounds(2, both);
    assert.equal(group.wanted, 3);
    assert.deepEqual(await orders(registry), [], 'nobody leaves before the new one serves');
    group.machines.add('N3');
    await rounds(2, () => Promise.all([both(), beat('N3', fresh)]));
    const first = await orders(registry);
    assert.equal(first.length, 1, 'one at a time');
    const [[leaving, reason] = ['', '']] = first;
    assert.equal(reason, 'new configuration');
    const stays = leaving === 'N1' ? 'N2' : 'N1';
    await rounds(1, () =>
      Promise.all([
        beat(leaving, { ...old, state: 'drained' }),
        beat(stays, old),
        beat('N3', fresh),
      ]),
    );
    assert.deepEqual(group.ended, [leaving]);
    await rounds(2, () => Promise.all([beat(stays, old), beat('N3', fresh)]));
    assert.equal(group.wanted, 3, 'again one more first');
    group.machines.add('N4');
    await rounds(2, () => Promise.all([beat(stays, old), beat('N3', fresh), beat('N4', fresh)]));
    await rounds(1, () =>
      Promise.all([
        beat(stays, { ...old, state: 'drained' }),
        beat('N3', fresh),
        beat('N4', fresh),
      ]),
    );
    assert.deepEqual([...group.machines].sort(), ['N3', 'N4']);
    assert.equal(group.wanted, 2, 'as many as before');
    await close();
  });

  it('has nodes start anew in place where there is no group, the Master Node that leads last', async () => {
    const { rounds, registry, beat, close } = await controllerOf();
    const { version } = await new SharedConfig({ registry, log: quiet }).announce('limit: {}');
    const master = (changes: Partial<NodeRecord> = {}) =>
      beat('M1', { role: 'master', link: undefined, ...changes });
    const orderOf = async (id: string) =>
      (await registry.snapshot()).nodes.find(({ record }) => record.id === id)?.order;
    await rounds(2, () => Promise.all([master(), beat('N1'), beat('N2')]));
    const first = (await orderOf('N1')) === undefined ? 'N2' : 'N1';
    const other = first === 'N1' ? 'N2' : 'N1';
    assert.equal((await orderOf(first))?.afterwards, 'restart');
    assert.deepEqual([await orderOf(other), await orderOf('M1')], [undefined, undefined]);
    await registry.forgetNode(first);
    const fresh = { configVersion: version };
    await rounds(2, () => Promise.all([master(), beat(other), beat('N3', fresh)]));
    assert.equal((await orderOf(other))?.afterwards, 'restart');
    assert.equal(await orderOf('M1'), undefined);
    await registry.forgetNode(other);
    await rounds(2, () => Promise.all([master(), beat('N3', fresh), beat('N4', fresh)]));
    assert.equal((await orderOf('M1'))?.afterwards, 'restart');
    await close();
  });

  it('says once why a roll waits, in its log and to the others, and when it waits no more', async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => lines.push(line) });
    const { rounds, registry, beat, close } = await controllerOf({ log });
    const shared = new SharedConfig({ registry, log: quiet });
    const { version } = await shared.announce('limit: {}');
    const waiting = () => lines.filter((line) => line.includes('has to wait'));

    await rounds(4, () => beat('N1'));
    const why = 'node N1 is the only Media Node: start another one';
    assert.deepEqual(await shared.rollNote(), { version, waits: why });
    assert.equal(waiting().length, 1);
    assert.match(waiting()[0] ?? '', /N1 is the only Media Node/);

    await rounds(1, () => Promise.all([beat('N1'), beat('N2', { configVersion: version })]));
    assert.deepEqual(await shared.rollNote(), { version });
    await rounds(3, () =>
      Promise.all([beat('N1', { state: 'draining' }), beat('N2', { configVersion: version })]),
    );
    assert.match((await shared.rollNote())?.waits ?? '', /N1 is draining/);
    assert.equal(waiting().length, 2);
    await rounds(3, () => beat('N1', { configVersion: version }));
    assert.deepEqual(await shared.rollNote(), { version });
    await close();
  });

  it('takes back what an earlier leader said of a roll', async () => {
    const { rounds, registry, beat, close } = await controllerOf();
    const shared = new SharedConfig({ registry, log: quiet });
    const { version } = await shared.announce('limit: {}');
    await shared.noteRoll({ version, waits: 'node N9 is draining' });
    await rounds(1, () => beat('N1', { configVersion: version }));
    assert.deepEqual(await shared.rollNote(), { version });
    await close();
  });

  it('ends the machine of a node that was removed, once it is empty', async () => {
    const group = new FakeGroup('N1', 'N2');
    const { rounds, registry, beat, close } = await controllerOf({ group });
    await beat('N1');
    await beat('N2');
    const order = { id: 'DR_x', reason: 'removed', patienceUntilMs: 0, deadlineMs: 0 };
    await registry.order('N2', { ...order, onDeadline: 'force', final: 'it was removed' });
    await rounds(3, () => Promise.all([beat('N1'), beat('N2', { state: 'drained' })]));
    assert.deepEqual(group.ended, ['N2']);
    await close();
  });

  it('ends a machine whose node died ten minutes ago, and none whose node is reached', async () => {
    const group = new FakeGroup('N1', 'N2', 'N3', 'N4');
    const { rounds, registry, beat, watch, link, close } = await controllerOf({ group });
    await beat('N2');
    await beat('N3');
    await beat('N4');
    await rounds(1, () => beat('N1'));
    // N3 does not reach the registry, which has lost N4 besides; N2 is gone.
    await registry.forgetNode('N4');
    link.probes.set('N2', 'silent');
    await rounds(10, () => beat('N1'));
    assert.equal(await watch.suspect('N2'), 'dead');
    await rounds(290, () => beat('N1'));
    assert.deepEqual(group.ended, []);
    await rounds(10, () => beat('N1'));
    assert.deepEqual(group.ended, ['N2']);
    await rounds(300, () => beat('N1'));
    assert.deepEqual(group.ended, ['N2'], 'calls may go on there');
    link.probes.set('N4', 'silent');
    assert.equal(await watch.suspect('N4'), 'dead');
    await rounds(1, () => beat('N1'));
    assert.deepEqual(group.ended, ['N2', 'N4']);
    await close();
  });

  it('ends Rooms of dead nodes that nobody came back to, and no others', async () => {
    const { rounds, registry, beat, close } = await controllerOf();
    await beat('N1');
    await registry.place({ room: 'lost', nodeId: 'N0' });
    await registry.place({ room: 'kept', nodeId: 'N1' });
    await rounds(40, () => beat('N1'));
    assert.equal((await registry.rooms()).length, 2, 'their people have the time to come back');
    await rounds(10, () => beat('N1'));
    assert.deepEqual(
      (await registry.rooms()).map(({ room }) => room),
      ['kept'],
    );
    await close();
  });
});
