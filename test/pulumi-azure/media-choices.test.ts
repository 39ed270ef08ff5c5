import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Domain, ElasticCluster, type MediaNodesOptions } from '../../pulumi-azure';
import { at } from './support/read';
import { inWorld } from './support/world';

/** The set of Media Nodes that comes of such choices. */
async function setWith(mediaNodes: MediaNodesOptions) {
  const world = await inWorld(() => {
    const domain = Domain.none();
    new ElasticCluster('meet', { location: 'westeurope', domain, mediaNodes });
  });
  return world.only('azure-native:compute:VirtualMachineScaleSet').inputs;
}

test('Media Nodes are no spot machines and not encrypted on the host unless asked for', async () => {
  const set = await setWith({});
  assert.equal(set['priorityMixPolicy'], undefined);
  assert.equal(at(set, 'virtualMachineProfile.priority'), undefined);
  assert.equal(at(set, 'virtualMachineProfile.securityProfile.encryptionAtHost') ?? false, false);
});

test('spot machines are deleted when Azure takes them back, and some stay that are none', async () => {
  const set = await setWith({ spot: { onDemandBase: 2, percentage: 75 } });
  assert.equal(at(set, 'virtualMachineProfile.priority'), 'Spot');
  assert.equal(at(set, 'virtualMachineProfile.evictionPolicy'), 'Delete');
  assert.deepEqual(set['priorityMixPolicy'], {
    baseRegularPriorityCount: 2,
    regularPriorityPercentageAboveBase: 25,
  });
});

test('encryption on the host covers the machines of the set', async () => {
  const set = await setWith({ encryptionAtHost: true });
  assert.equal(at(set, 'virtualMachineProfile.securityProfile.encryptionAtHost'), true);
});
