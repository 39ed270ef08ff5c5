import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import {
  AzureFault,
  conflict,
  quotaExceeded,
  tooManyRequests,
} from '../support/fake-azure/azure-fault';
import type { FakeScaleSetOptions } from '../support/fake-azure/fake-scale-set';
import { type AzureWorld, azureWorld } from './azure-group-world';

const MINUTE = 60_000;

describe('the scale set of the Media Nodes on Azure', () => {
  let world: AzureWorld | undefined;
  afterEach(() => world?.close());

  async function groupOf(capacity: number, options: FakeScaleSetOptions = {}): Promise<AzureWorld> {
    world = await azureWorld(capacity, options);
    return world;
  }
  const statesOf = async ({ group }: AzureWorld): Promise<string[]> =>
    (await group.describe()).machines.map(({ state }) => state);

  it('is described with all pages of its machines, and how old they are', async () => {
    const { group, clock } = await groupOf(5);
    clock.now += MINUTE;
    const { wanted, machines } = await group.describe();
    assert.equal(wanted, 5);
    assert.equal(new Set(machines.map(({ id }) => id)).size, 5);
    assert.ok(machines.every(({ state, ageMs }) => state === 'running' && ageMs === MINUTE));
  });

  it('says what its tags say of its limits and of scaling', async () => {
    const { group, set } = await groupOf(1);
    assert.equal((await group.describe()).limits, undefined);
    set.tags = {
      'sluice:min-nodes': '2',
      'sluice:max-nodes': '7',
      'sluice:target-load': '0.5',
      'sluice:headroom-rooms': '12',
    };
    const { limits, scaling } = await group.describe();
    assert.deepEqual(limits, { min: 2, max: 7 });
    assert.deepEqual(scaling, { targetLoad: 0.5, headroomRooms: 12 });
  });

  it('grows by raising its capacity, and not beyond its tag', async () => {
    const { group, set } = await groupOf(1);
    await group.grow(2);
    assert.equal(set.capacity, 3);
    set.tags = { 'sluice:max-nodes': '4' };
    await group.grow(5);
    assert.equal(set.capacity, 4);
  });

  it('counts machines as coming that were asked for and are not listed yet', async () => {
    const { group, set, clock } = await groupOf(2, { listLagMs: 30_000, capacityFalls: 'begin' });
    clock.now += MINUTE;
    await group.terminate(set.machines[0]?.name ?? '');
    await group.grow(1);
    const early = await group.describe();
    assert.deepEqual([early.wanted, early.machines.length], [2, 2]);
    clock.now += 31_000;
    const late = await group.describe();
    assert.deepEqual([late.wanted, late.machines.length], [2, 3]);
  });

  it('grows from what is there by now, whoever has raised it in this moment', async () => {
    const { group, set, azure } = await groupOf(1);
    azure.fail('patch set', new AzureFault('PreconditionFailed', 'etag', 412));
    azure.fail('patch set', conflict());
    await group.grow(1);
    assert.equal(set.capacity, 2);
    assert.equal(azure.countOf('patch set'), 3);
  });

  it('does not try again where the quota is used up, and says so', async () => {
    const { group, azure } = await groupOf(1);
    azure.fail('patch set', quotaExceeded());
    await assert.rejects(group.grow(1), /409 OperationNotAllowed .*quota/);
    assert.equal(azure.countOf('patch set'), 1);
  });

  it('asks nothing while Azure has asked to wait, kind by kind', async () => {
    const { group, azure, clock, set } = await groupOf(2);
    azure.fail('patch set', tooManyRequests(40));
    await assert.rejects(group.grow(1), /too many requests.* 40 s more/);
    await assert.rejects(group.grow(1), /too many requests/);
    assert.equal(azure.countOf('patch set'), 1, 'only once');
    await group.terminate(set.machines[0]?.name ?? '');
    assert.equal(azure.countOf('delete machine'), 1);
    clock.now += 40_000;
    await group.grow(1);
    assert.equal(set.capacity, 3);
  });

  for (const capacityFalls of ['begin', 'end'] as const) {
    it(`does not count as capacity what it deletes, where that falls at its ${capacityFalls}`, async () => {
      const { group, set, azure } = await groupOf(3, { capacityFalls });
      const [, second] = set.machines;
      await group.terminate(second?.name ?? '');
      const { wanted, machines } = await group.describe();
      assert.deepEqual(
        [wanted, machines.map(({ state }) => state)],
        [2, ['running', 'stopping', 'running']],
      );
      await group.terminate(second?.name ?? '');
      assert.equal(azure.countOf('delete machine'), 1, 'it is asked for once');
      await group.grow(1);
      assert.equal((await group.describe()).wanted, 3);
      set.approve(`event-of-${second?.name}`);
      assert.deepEqual(set.gone, [second?.name]);
      assert.deepEqual([set.capacity, (await group.describe()).wanted], [3, 3]);
      assert.deepEqual(set.chosenByAzure, []);
    });
  }

  it('knows what it deletes although lists are old', async () => {
    const { group, set, azure, clock } = await groupOf(2, {
      listLagMs: 30_000,
      hasTerminateNotification: false,
    });
    clock.now += MINUTE;
    const id = set.machines[0]?.name ?? '';
    await group.terminate(id);
    assert.deepEqual(set.gone, [id]);
    clock.now += 5000;
    assert.deepEqual(await statesOf({ group } as AzureWorld), ['stopping', 'running']);
    await group.terminate(id);
    assert.equal(azure.countOf('delete machine'), 1);
    clock.now += 30_000;
    assert.deepEqual(await statesOf({ group } as AzureWorld), ['running']);
  });

  it('takes a machine that is gone, or is deleted in this moment, for no error', async () => {
    const { group, azure, set } = await groupOf(1);
    await group.terminate('media_99999999');
    assert.equal(azure.countOf('delete machine'), 0);
    azure.fail('delete machine', new AzureFault('ResourceNotFound', 'gone', 404));
    await group.terminate(set.machines[0]?.name ?? '');
  });

  it('deletes the next one while the deletion of another hangs, which it ends by force later', async () => {
    const { group, set, azure, clock } = await groupOf(3, { hasTerminateNotification: false });
    const [first, second] = set.machines;
    if (first !== undefined) first.isStuck = true;
    await group.terminate(first?.name ?? '');
    await group.describe();
    await group.terminate(second?.name ?? '');
    assert.deepEqual(set.gone, [second?.name]);
    clock.now += 19 * MINUTE;
    await group.describe();
    assert.equal(azure.countOf('delete machine'), 2);
    clock.now += 2 * MINUTE;
    await group.describe();
    assert.deepEqual(set.gone, [second?.name, first?.name]);
    assert.equal(azure.calls.at(-1)?.url.searchParams.get('forceDeletion'), 'true');
  });

  it('asks again for a deletion that Azure gave up', async () => {
    const { group, set, azure, clock } = await groupOf(2);
    const [first] = set.machines;
    await group.terminate(first?.name ?? '');
    await group.describe();
    if (first !== undefined) {
      first.deletion = undefined;
      first.provisioningState = 'Succeeded';
    }
    assert.deepEqual(await statesOf({ group } as AzureWorld), ['running', 'running']);
    clock.now += MINUTE;
    await group.terminate(first?.name ?? '');
    assert.equal(azure.countOf('delete machine'), 2);
  });

  it('says which machines have failed or are switched off', async () => {
    const { group, set } = await groupOf(3);
    const [first, second] = set.machines;
    if (first !== undefined) first.provisioningState = 'Failed';
    if (second !== undefined) second.powerState = 'deallocated';
    const { machines } = await group.describe();
    assert.deepEqual(
      machines.map(({ hasFailed, state }) => [hasFailed, state]),
      [
        [true, 'running'],
        [true, 'running'],
        [false, 'running'],
      ],
    );
  });

  it('does not wait for ever for machines that Azure has none of', async () => {
    const { group, set, clock } = await groupOf(1);
    set.capacity = 3;
    assert.equal((await group.describe()).wanted, 3);
    clock.now += 11 * MINUTE;
    assert.equal((await group.describe()).wanted, 1);
    set.setCapacity(4);
    set.capacity = 2;
    assert.equal((await group.describe()).wanted, 2);
  });

  for (const [what, change] of [
    ['size', { size: 'Standard_F8s_v2' }],
    ['image', { imageId: '/images/2' }],
    ['user data', { userData: 'bmV3' }],
  ] as const) {
    it(`says which machines are of another ${what} than new ones`, async () => {
      const { group, set } = await groupOf(1);
      const before = await group.describe();
      set.model = { ...set.model, ...change };
      set.setCapacity(2);
      const after = await group.describe();
      assert.deepEqual(
        [before, after].map(({ machines }) => machines.map(({ isOutdated }) => isOutdated)),
        [[false], [true, false]],
      );
      assert.notEqual(after.template, before.template);
    });
  }

  it('asks each machine once for its user data, and takes silence for no difference', async () => {
    const { group, set, azure } = await groupOf(2, {
      model: { size: 'a', imageId: '/i', userData: 'b25l' },
    });
    azure.fail('get machine', new AzureFault('InternalServerError', 'no', 500));
    set.model = { ...set.model, userData: 'dHdv' };
    const outdated = async (): Promise<unknown[]> =>
      (await group.describe()).machines.map(({ isOutdated }) => isOutdated);
    assert.equal((await outdated()).filter(Boolean).length, 1);
    assert.deepEqual(await outdated(), [true, true]);
    await outdated();
    assert.equal(azure.countOf('get machine'), 3);
  });

  it('says which key is wrong where there is no such set, and which right is missing', async () => {
    const { group, azure } = await groupOf(1);
    azure.fail('get set', new AzureFault('ResourceNotFound', 'not found', 404));
    await assert.rejects(group.describe(), /no scale set "media" in the resource group "meet"/);
    // The one before may still be listing.
    azure.fail('list machines', new AzureFault('AuthorizationFailed', 'no', 403), 2);
    await assert.rejects(group.describe(), /role with Microsoft.Compute\/virtualMachines\/read/);
  });
});
