/** The examples synthesize, and do what they are there to show. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, type Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { EscapeHatchesStack } from '../../examples/escape-hatches';
import { ExistingVpcStack } from '../../examples/existing-vpc';
import { TokenFunctionStack } from '../../examples/token-function';
import { TwoClustersStack } from '../../examples/two-clusters';
import type { TemplateJson } from './support/golden';
import { broken } from './support/invariants';
import { ENVIRONMENT, errorsOf, templateOf } from './support/stacks';

const app = (): App => new App({ analyticsReporting: false });

function checked(stack: Stack) {
  assert.deepEqual(errorsOf(stack), []);
  const template = templateOf(stack);
  assert.deepEqual(broken(template.toJSON() as TemplateJson), []);
  return template;
}

test('into an existing VPC: nothing is made that was brought', () => {
  const template = checked(new ExistingVpcStack(app(), 'Existing', { env: ENVIRONMENT }));
  for (const type of [
    'AWS::EC2::VPC',
    'AWS::ElastiCache::ReplicationGroup',
    'AWS::CertificateManager::Certificate',
    'AWS::KMS::Key',
  ]) {
    template.resourceCountIs(type, 0);
  }
  template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
    MinSize: '3',
    VPCZoneIdentifier: ['subnet-0bbbbbbbbbbbbbbb0', 'subnet-0bbbbbbbbbbbbbbb1'],
  });
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    GroupId: 'sg-0cccccccccccccccc',
    FromPort: 6380,
  });
  // With no TURN nobody is let in to it.
  const ports = Object.values(template.findResources('AWS::EC2::SecurityGroup')).flatMap(
    ({ Properties }) =>
      (Properties.SecurityGroupIngress ?? []).map((rule: { FromPort: number }) => rule.FromPort),
  );
  assert.ok(ports.includes(50_000));
  assert.ok(!ports.includes(3478));
});

test('two clusters in one stack share the VPC, and no name', () => {
  const template = checked(new TwoClustersStack(app(), 'Two'));
  template.resourceCountIs('AWS::EC2::VPC', 1);
  template.resourceCountIs('AWS::AutoScaling::AutoScalingGroup', 4);
  template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 2);
  const names = Object.values(template.findResources('AWS::SSM::Parameter')).map(({ Properties }) =>
    JSON.stringify(Properties.Name),
  );
  assert.equal(new Set(names).size, 4);
  template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
    InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: 'retain' } },
  });
});

test('a function that gives tokens may read the API key, and nothing else', () => {
  const template = checked(new TokenFunctionStack(app(), 'Tokens'));
  const [policy] = Object.values(template.findResources('AWS::IAM::Policy'));
  const statements = policy?.['Properties'].PolicyDocument.Statement;
  assert.deepEqual(
    statements.map(({ Action }: { Action: string[] }) => Action),
    [['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret']],
  );
});

describe('escape hatches reach', () => {
  const template = checked(new EscapeHatchesStack(app(), 'Escape'));

  test('the group, its launch template, Redis and the load balancer', () => {
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      AvailabilityZoneDistribution: { CapacityDistributionStrategy: 'balanced-only' },
    });
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: { CpuOptions: { CoreCount: 2 } },
    });
    template.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
      NotificationTopicArn: Match.anyValue(),
    });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'deletion_protection.enabled', Value: 'true' },
      ]),
    });
  });

  test('every role, by a permissions boundary', () => {
    const roles = Object.values(template.findResources('AWS::IAM::Role'));
    assert.ok(roles.length > 0);
    for (const { Properties } of roles) assert.ok(Properties.PermissionsBoundary);
  });

  test('machines, by tags that they get at launch', () => {
    for (const { Properties } of Object.values(
      template.findResources('AWS::AutoScaling::AutoScalingGroup'),
    )) {
      const tag = Properties.Tags.find(({ Key }: { Key: string }) => Key === 'team');
      assert.equal(tag?.PropagateAtLaunch, true);
    }
  });

  test('alarms, which tell a topic', () => {
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).filter(
      ({ Properties }) => Properties.AlarmActions?.length === 1 && Properties.OKActions,
    );
    assert.equal(alarms.length, 8);
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });
});
