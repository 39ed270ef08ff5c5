import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AutoScalingGroup, Instance } from '@aws-sdk/client-auto-scaling';
import { isOutdated, templateOf } from '../../node-image/cloud/aws/group-template';

const template = (LaunchTemplateId: string, Version?: string) => ({
  LaunchTemplateId,
  ...(Version === undefined ? {} : { Version }),
});
const machine = (type: string, id: string, version: string): Instance => ({
  InstanceId: 'i-1',
  InstanceType: type,
  AvailabilityZone: 'eu-west-1a',
  LifecycleState: 'InService',
  HealthStatus: 'Healthy',
  ProtectedFromScaleIn: true,
  LaunchTemplate: template(id, version),
});
const outdated = (group: Partial<AutoScalingGroup>, one: Instance): boolean => {
  const found = templateOf(group as AutoScalingGroup);
  assert.ok(found);
  return isOutdated(one, found);
};

describe('an outdated machine', () => {
  it('is one of another launch template, or another version of it', () => {
    const group = { LaunchTemplate: template('lt-1', '3') };
    assert.equal(outdated(group, machine('c7i.xlarge', 'lt-1', '3')), false);
    assert.equal(outdated(group, machine('c7i.xlarge', 'lt-1', '2')), true);
    assert.equal(outdated(group, machine('c7i.xlarge', 'lt-2', '3')), true);
  });

  it('is one that has none, in a group that has one by now', () => {
    const { LaunchTemplate: _, ...old } = machine('c7i.xlarge', 'lt-1', '1');
    assert.equal(outdated({ LaunchTemplate: template('lt-1', '1') }, old), true);
  });

  it('is none where it is not known which version the group takes', () => {
    assert.equal(outdated({ LaunchTemplate: template('lt-1') }, machine('a', 'lt-1', '9')), false);
  });

  it('is one of a type that mixed instances have no more', () => {
    const group = {
      MixedInstancesPolicy: {
        LaunchTemplate: {
          LaunchTemplateSpecification: template('lt-1', '1'),
          Overrides: [
            { InstanceType: 'c7i.xlarge' },
            { InstanceType: 'c7g.xlarge', LaunchTemplateSpecification: template('lt-arm', '4') },
          ],
        },
      },
    };
    assert.equal(outdated(group, machine('c7i.xlarge', 'lt-1', '1')), false);
    assert.equal(outdated(group, machine('c6i.xlarge', 'lt-1', '1')), true);
    assert.equal(outdated(group, machine('c7g.xlarge', 'lt-arm', '4')), false);
    assert.equal(outdated(group, machine('c7g.xlarge', 'lt-1', '1')), true);
  });

  it('is none of a type that was chosen by what it has', () => {
    const group = {
      MixedInstancesPolicy: {
        LaunchTemplate: {
          LaunchTemplateSpecification: template('lt-1', '1'),
          Overrides: [
            { InstanceRequirements: { VCpuCount: { Min: 4 }, MemoryMiB: { Min: 4096 } } },
          ],
        },
      },
    };
    assert.equal(outdated(group, machine('m7i.xlarge', 'lt-1', '1')), false);
  });

  it('is not told where the group makes machines from something else', () => {
    assert.equal(templateOf({} as AutoScalingGroup), undefined);
  });
});
