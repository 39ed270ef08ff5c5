/** What a later `pulumi up` may do to what is there. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Domain, ElasticCluster, type ElasticClusterArgs, NodeImage } from '../../pulumi-azure';
import { at } from './support/read';
import { failureOf, inWorld, type World, type WorldOptions } from './support/world';

const domain = Domain.none();
// The node's files are not what this is about.
const image = NodeImage.fromImage(
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/sluice',
);

const cluster = (mediaNodes: object, options: WorldOptions = {}) =>
  inWorld(() => {
    new ElasticCluster('meet', { location: 'westeurope', domain, image, mediaNodes });
  }, options);

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

  test('leaves the size of the set to the controller: what it is now, it stays', async () => {
    const capacityIn = async (options: WorldOptions) => {
      const { inputs } = (await cluster({}, options)).only(
        'azure-native:compute:VirtualMachineScaleSet',
      );
      return at(inputs, 'sku.capacity');
    };
    assert.equal(await capacityIn({}), 1);
    assert.equal(await capacityIn({ capacity: 7 }), 7);
    assert.equal(await capacityIn({ capacity: 0 }), 0);
    // ignoreChanges would send the capacity of the first deployment with each change.
    const set = options('compute:VirtualMachineScaleSet', 'meet-media-set');
    assert.deepEqual(set.ignoreChanges, []);
  });

  test('does not go on where nobody says how many machines there are', async () => {
    const failure = await failureOf(
      () => new ElasticCluster('meet', { location: 'westeurope', domain }),
      { failure: 'Status=403 Code="AuthorizationFailed"' },
    );
    assert.match(failure, /AuthorizationFailed/);
  });

  test('replaces the Master Node when it is told otherwise, after the old one has gone', () => {
    const machine = options('compute:VirtualMachine', 'meet-masters-machine');
    assert.deepEqual(machine.replaceOnChanges, [
      'osProfile',
      'securityProfile',
      'storageProfile.imageReference',
      'storageProfile.osDisk',
      'zones',
    ]);
    assert.equal(machine.deleteBeforeReplace, true);
  });

  test('keeps the data disk, in its zone and with the machine at it, and the address', () => {
    const ignored = (type: string, name: string) => options(type, name).ignoreChanges;
    assert.deepEqual(ignored('compute:Disk', 'meet-masters-data'), ['zones', 'resourceGroupName']);
    assert.deepEqual(ignored('network:PublicIPAddress', 'meet-entry-address'), ['zones']);
    assert.equal(options('compute:Disk', 'meet-masters-data').retainOnDelete, true);
  });

  test('keeps the group that the data disk would go with', () => {
    assert.equal(options('resources:ResourceGroup', 'meet-data').retainOnDelete, true);
    const inGroup = world.resources.filter(
      ({ inputs }) => inputs['resourceGroupName'] === 'meet-data',
    );
    assert.deepEqual(
      inGroup.map(({ name }) => name),
      ['meet-masters-data'],
    );
    assert.equal(options('resources:ResourceGroup', 'meet').retainOnDelete, false);
  });

  test('keeps the data disk where you say, and not at all where you say so', async () => {
    const diskOf = async (more: Partial<ElasticClusterArgs>) => {
      const made = await inWorld(() => {
        new ElasticCluster('meet', { location: 'westeurope', domain, image, ...more });
      });
      const { inputs } = made.only('azure-native:compute:Disk');
      const kept = [...made.registrations.values()].filter((each) => each.retainOnDelete);
      return [inputs['resourceGroupName'], kept.map(({ urn }) => urn.split('::').at(-1))];
    };
    assert.deepEqual(await diskOf({ resourceGroupName: 'ours' }), ['ours', ['meet-masters-data']]);
    assert.deepEqual(await diskOf({ dataVolume: { resourceGroupName: 'disks' } }), [
      'disks',
      ['meet-masters-data'],
    ]);
    assert.deepEqual(await diskOf({ dataVolume: { retain: false } }), ['meet', []]);
  });

  test('resizes by tags of the set alone', async () => {
    const other = await cluster({ minCapacity: 2, maxCapacity: 10 }, { capacity: 1 });
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
    assert.deepEqual({ ...set, tags: {} }, { ...before, tags: {} });
  });
});
