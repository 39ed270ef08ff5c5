/** What the deployable stacks of AWS take as parameters, the one of Azure takes as configuration. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ElasticStack, HighAvailabilityStack, SingleNodeStack } from '../../bin/cluster-stacks';
import { PROGRAM_KEYS } from '../../pulumi-azure/program/settings';

/** By parameter of AWS: the keys of Azure. */
const COUNTERPARTS: Readonly<Record<string, readonly string[]>> = {
  DomainName: ['domainName'],
  HostedZoneId: ['dnsZone', 'dnsZoneResourceGroup'],
  CertificateArn: ['certificateVaultId', 'certificateName'],
  InstanceType: ['mediaNodesVmSize'],
  MediaNodesArchitecture: ['mediaNodesArchitecture'],
  MediaNodesInstanceType: ['mediaNodesVmSize'],
  MediaNodesArmInstanceType: ['mediaNodesVmSize'],
  MediaNodesInitialCapacity: ['mediaNodesInitialCapacity'],
  MediaNodesMinCapacity: ['mediaNodesMinCapacity'],
  MediaNodesMaxCapacity: ['mediaNodesMaxCapacity'],
  MediaNodesTargetLoad: ['mediaNodesTargetLoad'],
  MediaNodesHeadroomRooms: ['mediaNodesHeadroomRooms'],
};

interface Parameter {
  readonly Type: string;
  readonly Default?: unknown;
}

function parameters(): ReadonlyMap<string, Parameter> {
  const app = new App();
  const stacks = [
    new SingleNodeStack(app, 'One'),
    new ElasticStack(app, 'Elastic'),
    new HighAvailabilityStack(app, 'High'),
  ];
  return new Map(
    stacks.flatMap((stack) => {
      const found: Record<string, Parameter> = Template.fromStack(stack).toJSON().Parameters;
      // CDK's own is BootstrapVersion, those of images have a type of SSM's.
      return Object.entries(found).filter(
        ([name, { Type }]) => name !== 'BootstrapVersion' && !Type.startsWith('AWS::SSM::'),
      );
    }),
  );
}

describe('the deployable stack of Azure', () => {
  const there = parameters();

  test('takes what those of AWS take', () => {
    assert.deepEqual([...there.keys()].sort(), Object.keys(COUNTERPARTS).sort());
    for (const key of Object.values(COUNTERPARTS).flat()) {
      assert.ok(Object.hasOwn(PROGRAM_KEYS, key), key);
    }
  });

  test('has the same sizes by default', () => {
    const numbers = [...there].filter(([, { Type }]) => Type === 'Number');
    assert.equal(numbers.length, 5);
    for (const [name, { Default }] of numbers) {
      const [key = ''] = COUNTERPARTS[name] ?? [];
      const documented = /; ([^;]+)$/.exec(PROGRAM_KEYS[key] ?? '')?.[1];
      const expected = key === 'mediaNodesInitialCapacity' ? 'mediaNodesMinCapacity' : `${Default}`;
      assert.equal(documented, expected, key);
    }
  });
});
