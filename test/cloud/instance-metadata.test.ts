import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { InstanceMetadata, MetadataError } from '../../node-image/cloud/aws/instance-metadata';
import { FakeMetadata } from '../support/aws/fake-metadata';

describe('the metadata of a machine', () => {
  let service: FakeMetadata;
  let metadata: InstanceMetadata;

  beforeEach(async () => {
    service = await FakeMetadata.start({ 'instance-id': 'i-1', 'placement/region': 'eu-west-1' });
    metadata = new InstanceMetadata({ url: service.url, timeoutMs: 300 });
  });
  afterEach(() => service.close());

  it('is read with one token', async () => {
    assert.equal(await metadata.instanceId(), 'i-1');
    assert.equal(await metadata.region(), 'eu-west-1');
    assert.deepEqual([service.tokensGiven, service.untokened], [1, 0]);
  });

  it('is read with a new token where the old one counts no more', async () => {
    await metadata.instanceId();
    service.forgetTokens();
    assert.equal(await metadata.instanceId(), 'i-1');
    assert.equal(service.tokensGiven, 2);
  });

  it('is read with a new token before the old one ends', async () => {
    const clock = { now: 0 };
    const timed = new InstanceMetadata({ url: service.url, now: () => clock.now });
    await timed.instanceId();
    clock.now = 6 * 3_600_000;
    await timed.instanceId();
    assert.equal(service.tokensGiven, 2);
  });

  it('takes what is not there for nothing, and not for an error', async () => {
    assert.equal(await metadata.targetLifecycleState(), undefined);
    assert.equal(await metadata.spotAction(), undefined);
    assert.equal(await metadata.rebalanceSince(), undefined);
  });

  it('says what is to become of the machine', async () => {
    service.values.set('autoscaling/target-lifecycle-state', 'Terminated\n');
    const time = '2026-09-18T08:22:00Z';
    service.values.set('spot/instance-action', JSON.stringify({ action: 'stop', time }));
    service.values.set('events/recommendations/rebalance', JSON.stringify({ noticeTime: time }));
    assert.equal(await metadata.targetLifecycleState(), 'Terminated');
    assert.deepEqual(await metadata.spotAction(), { action: 'stop', atMs: Date.parse(time) });
    assert.equal(await metadata.rebalanceSince(), Date.parse(time));
  });

  it('is not believed where it makes no sense', async () => {
    service.values.set('spot/instance-action', '{"action":"explode"}');
    await assert.rejects(metadata.spotAction(), MetadataError);
    service.values.set('spot/instance-action', 'soon');
    await assert.rejects(metadata.spotAction(), /"soon".*not what EC2 says/);
  });

  it('says what is wrong where there is no answer, and recovers', async () => {
    service.isSilent = true;
    await assert.rejects(metadata.instanceId(), /does not answer.*sluice\.cloud\.metadata_url/);
    service.isSilent = false;
    service.failsWith = 503;
    await assert.rejects(metadata.instanceId(), /gives no token: it answers 503/);
    service.failsWith = undefined;
    assert.equal(await metadata.instanceId(), 'i-1');
  });
});
