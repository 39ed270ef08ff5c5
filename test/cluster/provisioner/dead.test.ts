/** What becomes of machines whose node died, where somebody else starts and stops them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEPARTURES_DOCUMENT, noteDeparture } from '../../../node-image/cluster/departures';
import { MemoryRegistry } from '../../../node-image/cluster/memory-registry';
import type { ProvisionerGroup } from '../../../node-image/cluster/provisioner/provisioner-group';
import { provisionerWorld, settled } from './world';

const MINUTE = 60_000;

/** A world in which time goes by as the controller looks. */
function deadWorld() {
  const world = provisionerWorld();
  const { clock, registry, beat, provisioner } = world;
  const pass = async (ms: number, group: ProvisionerGroup = world.group): Promise<void> => {
    for (const end = clock.now + ms; clock.now < end; ) {
      clock.now = Math.min(end, clock.now + 5000);
      await beat('N1');
      await group.describe();
    }
    await settled();
  };
  /** As kill -9 does, and the Master Node that finds out. */
  const die = async (id: string): Promise<void> => {
    await beat(id);
    await world.group.describe();
    await registry.forgetNode(id);
  };
  const removals = (): object[] =>
    provisioner.what.filter((one) => (one as { action: string }).action === 'remove');
  return { ...world, pass, die, removals };
}

const DEAD = { action: 'remove', node: 'N2', machine: 'N2', reason: 'dead' };

describe('a machine of a provisioner whose node died', () => {
  it('is to be removed after ten minutes, once, and the audit has it', async () => {
    const { pass, die, removals, registry, group } = deadWorld();
    await die('N2');
    await pass(10 * MINUTE);
    assert.deepEqual(removals(), []);
    await pass(10_000);
    assert.deepEqual(removals(), [DEAD]);
    await pass(30 * MINUTE);
    assert.deepEqual(removals(), [DEAD]);
    const [entry, ...others] = await registry.auditTrail(10);
    const words = 'ended machine N2 of node N2: no node has run on N2 for 10 minutes (dead)';
    assert.deepEqual([entry?.text, others], [words, []]);
    assert.equal((await group.describe()).wanted, 1);
  });

  it('is asked for under one id until that is taken, also by whoever leads next', async () => {
    const { pass, die, provisioner, groupOf, removals } = deadWorld();
    provisioner.answer = () => ({ outcome: 'failed', why: 'status 503' });
    await die('N2');
    await pass(11 * MINUTE);
    const before = removals().length;
    assert.ok(before > 2, `${before} tries`);
    const next = groupOf('M2');
    provisioner.answer = () => ({ outcome: 'done' });
    await pass(MINUTE, next);
    assert.equal(removals().length, before + 1);
    await pass(30 * MINUTE, next);
    assert.equal(removals().length, before + 1);
    assert.equal(new Set(provisioner.asked.map(({ id }) => id)).size, 1);
  });

  it('stays where it is back, and where its node is reached on its link', async () => {
    const { pass, die, alive, beat, removals } = deadWorld();
    await die('N2');
    await pass(9 * MINUTE);
    await beat('N8', { machineId: 'N2' });
    await pass(5000);
    await die('N3');
    alive.add('N3');
    await pass(20 * MINUTE);
    // The record of N8 stands, as nobody has found it dead.
    assert.deepEqual(removals(), []);
    alive.delete('N3');
    await pass(5000);
    assert.deepEqual(removals(), [{ ...DEAD, node: 'N3', machine: 'N3' }]);
  });

  it('is asked for no more once it is back', async () => {
    const { pass, die, provisioner, beat, removals, group } = deadWorld();
    provisioner.answer = () => ({ outcome: 'failed', why: 'status 503' });
    await die('N2');
    await pass(10 * MINUTE + 10_000);
    const before = removals().length;
    assert.ok(before > 0);
    await beat('N8', { machineId: 'N2' });
    await pass(30 * MINUTE);
    assert.equal(removals().length, before);
    assert.deepEqual(
      (await group.describe()).machines.map(({ id, state }) => [id, state]),
      [
        ['N1', 'running'],
        ['N2', 'running'],
      ],
    );
  });

  it('is one that was not told to stop', async () => {
    const { pass, beat, group, registry, removals } = deadWorld();
    await beat('N2');
    await group.describe();
    await noteDeparture(registry, 'N2');
    await registry.forgetNode('N2');
    await pass(30 * MINUTE);
    assert.deepEqual(removals(), []);
  });

  it('and that was to be removed as it was empty, has ended of that', async () => {
    const { pass, empty, group, registry, removals } = deadWorld();
    await empty('N2');
    await group.terminate('N2');
    await settled();
    await registry.forgetNode('N2');
    await pass(30 * MINUTE);
    assert.deepEqual(removals(), [{ ...DEAD, reason: 'empty' }]);
  });

  it('has its time anew where nobody has looked meanwhile', async () => {
    const { pass, die, clock, removals } = deadWorld();
    await die('N2');
    await pass(MINUTE);
    // Redis was away: whoever is back by now has not been heard of yet.
    clock.now += 60 * MINUTE;
    await pass(5000);
    assert.deepEqual(removals(), []);
    await pass(11 * MINUTE);
    assert.deepEqual(removals(), [DEAD]);
  });

  it('that came back under its old name is one of those that were asked for', async () => {
    const { pass, die, beat, group, provisioner } = deadWorld();
    await die('N2');
    await pass(2 * MINUTE);
    await group.grow(1);
    assert.equal((await group.describe()).wanted, 2);
    await beat('N8', { machineId: 'N2' });
    assert.equal((await group.describe()).wanted, 2);
    await settled();
    assert.deepEqual(provisioner.what, [{ action: 'add', count: 1 }]);
  });
});

describe('the departures of nodes', () => {
  it('are remembered of the newest two hundred, and nothing else is understood', async () => {
    const registry = new MemoryRegistry();
    await registry.writeDocument(DEPARTURES_DOCUMENT, '{"format":9}', 0);
    for (let i = 0; i < 201; i += 1) await noteDeparture(registry, `ND_${i}`);
    const { nodes } = JSON.parse((await registry.document(DEPARTURES_DOCUMENT))?.value ?? '');
    assert.deepEqual([nodes.length, nodes[0], nodes[199]], [200, 'ND_1', 'ND_200']);
  });

  it('that meet lose none', async () => {
    const registry = new MemoryRegistry();
    await Promise.all(['a', 'b', 'c', 'd'].map((id) => noteDeparture(registry, id)));
    const { nodes } = JSON.parse((await registry.document(DEPARTURES_DOCUMENT))?.value ?? '');
    assert.deepEqual(nodes.sort(), ['a', 'b', 'c', 'd']);
  });
});
