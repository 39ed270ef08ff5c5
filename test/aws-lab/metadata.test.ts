import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InstanceMetadata } from '../../node-image/cloud/aws/instance-metadata';
import { type MachineMetadata, MetadataMock } from '../support/aws-lab/metadata-mock';

let data: MachineMetadata = {
  instanceId: 'i-0123456789abcdef0',
  instanceType: 'c7i.xlarge',
  availabilityZone: 'eu-west-1a',
  region: 'eu-west-1',
  privateAddress: '10.0.0.4',
  publicAddress: '',
  targetLifecycleState: 'InService',
};
let mock: MetadataMock;

before(async () => {
  mock = await MetadataMock.start(() => data);
});
after(() => mock.close());

const STATE = '/latest/meta-data/autoscaling/target-lifecycle-state';

test('says nothing to who has no token, or asks for one in the wrong way', async () => {
  assert.equal((await fetch(`${mock.url}${STATE}`)).status, 401);
  const headers = { 'x-aws-ec2-metadata-token': 'mine' };
  assert.equal((await fetch(`${mock.url}${STATE}`, { headers })).status, 401);
  const token = `${mock.url}/latest/api/token`;
  assert.equal((await fetch(token)).status, 405);
  assert.equal((await fetch(token, { method: 'PUT' })).status, 400);
});

test('tells the node what the group has in mind for its machine', async () => {
  const metadata = new InstanceMetadata({ url: mock.url });
  assert.equal(await metadata.instanceId(), 'i-0123456789abcdef0');
  assert.equal(await metadata.targetLifecycleState(), 'InService');
  data = { ...data, targetLifecycleState: 'Terminated' };
  assert.equal(await metadata.targetLifecycleState(), 'Terminated');
  // A token that ends is one more question.
  mock.forgetTokens();
  assert.equal(await metadata.targetLifecycleState(), 'Terminated');
});

test('speaks of Spot and of rebalancing when there is something to say', async () => {
  const metadata = new InstanceMetadata({ url: mock.url });
  assert.equal(await metadata.spotAction(), undefined);
  assert.equal(await metadata.rebalanceSince(), undefined);
  const time = '2026-01-01T12:00:00Z';
  data = { ...data, spotAction: { action: 'terminate', time }, rebalance: time };
  assert.deepEqual(await metadata.spotAction(), { action: 'terminate', atMs: Date.parse(time) });
  assert.equal(await metadata.rebalanceSince(), Date.parse(time));
});
