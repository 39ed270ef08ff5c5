/** What a later `pulumi up` may do to what is there. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Domain, ElasticCluster } from '../../pulumi-azure';
import { at } from './support/read';
import { inWorld, type World } from './support/world';

const domain = Domain.none();

const cluster = (mediaNodes: object) =>
  inWorld(() => {
    new ElasticCluster('meet', { location: 'westeurope', domain, mediaNodes });
  });

describe('a later deployment', () => {
  let world: World;

  before(async () => {
    world = await cluster({});
  });

  const options = (type: string, name: string) => {
    const found = world.registrations.get(`azure-native:${type} ${name}`);
    assert.ok(found, name);
    return found;
  };

  test('leaves the size of the set to the controller', () => {
    const set = options('compute:VirtualMachineScaleSet', 'meet-media-set');
    assert.deepEqual(set.ignoreChanges, ['sku.capacity']);
  });

  test('replaces the Master Node when it is told otherwise, after the old one has gone', () => {
    const machine = options('compute:VirtualMachine', 'meet-masters-machine');
    assert.deepEqual(machine.replaceOnChanges, ['osProfile.customData']);
    assert.equal(machine.deleteBeforeReplace, true);
  });

  test('keeps the data disk', () => {
    assert.equal(options('compute:Disk', 'meet-masters-data').retainOnDelete, true);
  });

  test('resizes by tags of the set alone', async () => {
    const other = await cluster({ minCapacity: 2, maxCapacity: 10 });
    const changed = other.resources.filter(({ type, name, inputs }) => {
      const same = world.only(type, name).inputs;
      return JSON.stringify(same) !== JSON.stringify(inputs);
    });
    assert.deepEqual(
      changed.map(({ name }) => name),
      ['meet-media-set'],
    );
    const set = other.only('azure-native:compute:VirtualMachineScaleSet').inputs;
    const before = world.only('azure-native:compute:VirtualMachineScaleSet').inputs;
    assert.equal(at(set, 'tags.sluice:max-nodes'), '10');
    // The capacity is ignored, as it is the controller's.
    assert.deepEqual({ ...set, tags: {}, sku: {} }, { ...before, tags: {}, sku: {} });
  });
});
