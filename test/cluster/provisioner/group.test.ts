/** The rules of a group whose machines somebody else starts and stops. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROVISIONING_DOCUMENT } from '../../../node-image/cluster/provisioner/provisioner-group';
import { IDLE } from '../placement-nodes';
import { provisionerWorld, settled } from './world';

const MINUTE = 60_000;

describe('the group of a provisioner', () => {
  it('has the machines of the Media Nodes that the registry has', async () => {
    const { group, beat, clock } = provisionerWorld();
    await beat('N1', { machineId: 'media-1' });
    await beat('N2', { machineId: 'media-2', state: 'starting' });
    await beat('N3', { machineId: '' });
    await beat('N4', { machineId: 'master', role: 'master' });
    clock.now += 70;
    assert.deepEqual(await group.describe(), {
      wanted: 2,
      machines: [
        { id: 'media-1', state: 'running', ageMs: 70 },
        { id: 'media-2', state: 'starting', ageMs: 70 },
      ],
      limits: { min: 1, max: 4 },
    });
  });

  it('asks once for each decision, and counts what is coming until it is there', async () => {
    const { group, beat, provisioner } = provisionerWorld();
    await beat('N1');
    await group.grow(2);
    await settled();
    assert.deepEqual(provisioner.what, [{ action: 'add', count: 2 }]);
    assert.equal((await group.describe()).wanted, 3);
    await beat('N2');
    const { wanted, machines } = await group.describe();
    assert.deepEqual([wanted, machines.length], [3, 2], 'one is still to come');
    await beat('N3');
    assert.equal((await group.describe()).wanted, 3);
    await settled();
    assert.equal(provisioner.asked.length, 1);
  });

  it('makes a request that failed again at longer intervals, always under one id', async () => {
    const { group, provisioner, clock } = provisionerWorld();
    provisioner.answer = () => ({ outcome: 'failed', why: 'status 503' });
    await group.grow(1);
    await settled();
    const triesAfter = async (ms: number): Promise<number> => {
      clock.now += ms;
      await group.describe();
      await settled();
      return provisioner.asked.length;
    };
    assert.equal(await triesAfter(1999), 1);
    assert.equal(await triesAfter(1), 2);
    assert.equal(await triesAfter(3999), 2);
    assert.equal(await triesAfter(1), 3);
    provisioner.answer = () => ({ outcome: 'done' });
    assert.equal(await triesAfter(8000), 4);
    assert.equal(await triesAfter(MINUTE), 4, 'it was done');
    assert.equal(new Set(provisioner.asked.map(({ id }) => id)).size, 1);
    assert.equal((await group.describe()).wanted, 1);
  });

  it('whoever leads next goes on with what was asked for, under the same id', async () => {
    const { group, groupOf, provisioner } = provisionerWorld();
    provisioner.answer = () => ({ outcome: 'failed', why: 'it broke off' });
    await group.grow(2);
    await settled();
    await group.close();
    provisioner.answer = () => ({ outcome: 'done' });
    const next = groupOf('M2');
    assert.equal((await next.describe()).wanted, 2);
    await settled();
    const [first, second] = provisioner.asked;
    assert.equal(provisioner.asked.length, 2);
    assert.deepEqual(second, first);
  });

  it('that says no is left in peace for a while, and the group wants no more meanwhile', async () => {
    const { group, beat, provisioner, clock, registry } = provisionerWorld();
    await beat('N1');
    provisioner.answer = () => ({ outcome: 'no', why: 'the rack is full' });
    await group.grow(2);
    await settled();
    const { wanted, limits } = await group.describe();
    assert.deepEqual([wanted, limits], [1, { min: 1, max: 1 }]);
    await assert.rejects(group.grow(1), /1 more machines are needed, .* asked again in 300 s/);
    assert.equal(provisioner.asked.length, 1);
    const [entry] = await registry.auditTrail(1);
    assert.match(entry?.text ?? '', /^no 2 more machines for 300 s: fake: the rack is full$/);
    clock.now += 300_000;
    await beat('N1');
    assert.deepEqual((await group.describe()).limits, { min: 1, max: 4 });
    provisioner.answer = () => ({ outcome: 'no', why: 'soon', retryAfterMs: 1000 });
    await group.grow(1);
    await settled();
    clock.now += 1000;
    assert.equal((await group.describe()).limits?.max, 4);
    const ids = provisioner.asked.map(({ id }) => id);
    assert.equal(new Set(ids).size, 2, 'another decision, another id');
  });

  it('has none below its minimum that it was refused', async () => {
    const { group, provisioner } = provisionerWorld({ limits: { min: 3, max: 5 } });
    provisioner.answer = () => ({ outcome: 'no', why: 'the rack is full' });
    await group.grow(3);
    await settled();
    assert.deepEqual((await group.describe()).limits, { min: 0, max: 0 });
  });

  it('removes what is drained and empty, once, and counts it no more', async () => {
    const { group, beat, empty, provisioner, clock, registry } = provisionerWorld();
    await beat('N1');
    await empty('N2');
    await group.terminate('N2');
    await group.terminate('N2');
    await settled();
    assert.deepEqual(provisioner.what, [
      { action: 'remove', node: 'N2', machine: 'N2', reason: 'empty' },
    ]);
    // As the controller does; the node beats on until its machine is stopped.
    await registry.forgetNode('N2');
    await empty('N2');
    const { wanted, machines } = await group.describe();
    assert.equal(wanted, 1);
    assert.deepEqual(
      machines.map(({ id, state }) => [id, state]),
      [
        ['N1', 'running'],
        ['N2', 'stopping'],
      ],
    );
    await registry.forgetNode('N2');
    await group.describe();
    clock.now += MINUTE;
    await beat('N1');
    assert.equal((await group.describe()).machines.length, 1);
  });

  it('never removes what is not empty, whoever asks for it', async () => {
    const { group, beat, empty, registry, provisioner, clock } = provisionerWorld();
    await beat('N1', { load: { ...IDLE, rooms: 1, clients: 2 } });
    await assert.rejects(group.terminate('N1'), /N1 stays: .* serving with 1 Rooms/);
    await beat('N2', { state: 'draining' });
    await assert.rejects(group.terminate('N2'), /only what is drained and empty is removed/);
    await beat('N3', { state: 'drained' });
    await assert.rejects(group.terminate('N3'), /stays/, 'nobody has ordered it');
    await empty('N4');
    clock.now += 6000;
    await assert.rejects(group.terminate('N4'), /nothing is heard of its node/);
    await group.terminate('N9');
    await settled();
    assert.deepEqual(provisioner.asked, []);
    assert.equal((await registry.snapshot()).nodes.length, 4);
  });

  it('does not ask for the end of a machine whose node serves again', async () => {
    const { group, beat, empty, provisioner, clock } = provisionerWorld();
    provisioner.answer = () => ({ outcome: 'failed', why: 'status 500' });
    await empty('N2');
    await group.terminate('N2');
    await settled();
    // Its process has ended, and was started again.
    await beat('N5', { machineId: 'N2' });
    clock.now += MINUTE;
    await beat('N5', { machineId: 'N2' });
    const { machines } = await group.describe();
    await settled();
    assert.equal(provisioner.asked.length, 1);
    assert.deepEqual(
      machines.map(({ id, state }) => [id, state]),
      [['N2', 'running']],
    );
  });

  it('asks for the end of a machine again where nothing comes of it', async () => {
    const { group, empty, provisioner, clock, lines } = provisionerWorld();
    await empty('N2');
    await group.terminate('N2');
    await settled();
    clock.now += 11 * MINUTE;
    await empty('N2');
    await group.describe();
    await group.describe();
    await settled();
    assert.equal(provisioner.asked.length, 2);
    assert.notEqual(provisioner.asked[0]?.id, provisioner.asked[1]?.id);
    assert.match(lines.join(''), /still runs: it is told again/);
  });

  it('wants no longer what has not come within ten minutes', async () => {
    const { group, clock, lines } = provisionerWorld();
    await group.grow(2);
    await settled();
    clock.now += 10 * MINUTE;
    assert.equal((await group.describe()).wanted, 2);
    clock.now += 1;
    assert.equal((await group.describe()).wanted, 0);
    assert.match(lines.join(''), /"missing":2.*have not come/);
  });

  it('takes a machine that was made anew under its old name for one that was asked for', async () => {
    const { group, beat, empty, registry } = provisionerWorld();
    await empty('N1');
    await group.terminate('N1');
    await settled();
    await group.grow(1);
    await settled();
    await registry.forgetNode('N1');
    assert.equal((await group.describe()).wanted, 1);
    await beat('N7', { machineId: 'N1' });
    const { wanted, machines } = await group.describe();
    assert.deepEqual([wanted, machines[0]?.state], [1, 'running']);
  });

  it('keeps a machine for a minute whose node restarts', async () => {
    const { group, beat, registry, clock } = provisionerWorld();
    await beat('N1');
    await group.describe();
    await registry.forgetNode('N1');
    clock.now += MINUTE - 1;
    assert.equal((await group.describe()).machines.length, 1);
    clock.now += 1;
    assert.equal((await group.describe()).machines.length, 0);
  });

  it('goes on where what was remembered cannot be read, or others write it too', async () => {
    const { group, groupOf, registry, provisioner } = provisionerWorld();
    await registry.writeDocument(PROVISIONING_DOCUMENT, '{"format":9}', 0);
    assert.equal((await group.describe()).wanted, 0);
    const others = [group, groupOf('M2'), groupOf('M3')];
    await Promise.all(others.map((one) => one.grow(1)));
    await settled();
    assert.equal((await group.describe()).wanted, 3);
    assert.equal(new Set(provisioner.asked.map(({ id }) => id)).size, 3);
  });

  it('is not held up by a provisioner that does not answer, and leaves it when it is closed', async () => {
    const { group, provisioner } = provisionerWorld();
    let answer: () => void = () => {};
    provisioner.answer = () =>
      new Promise((resolve) => {
        answer = () => resolve({ outcome: 'failed', why: 'given up' });
      });
    await group.grow(1);
    assert.equal((await group.describe()).wanted, 1);
    await settled();
    await group.describe();
    assert.equal(provisioner.asked.length, 1, 'not once more meanwhile');
    const closing = group.close();
    answer();
    await closing;
    await group.close();
  });
});
