import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RemovalPolicy, Size, type Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { Domain } from '../../constructs/domain';
import { ElasticCluster, type ElasticClusterProps } from '../../constructs/elastic-cluster';
import { RedisStore } from '../../constructs/redis-store';
import { parseBootPlan } from '../../node-image/lifecycle/boot/boot-plan';
import { bootFileIn, configurations, userData } from './support/deployed';
import type { TemplateJson } from './support/golden';
import { broken } from './support/invariants';
import { anyStack, errorsOf, templateOf, warningsOf } from './support/stacks';

const ARN =
  'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';

function define(stack: Stack, props: Partial<ElasticClusterProps> = {}) {
  const certificate = acm.Certificate.fromCertificateArn(stack, 'Certificate', ARN);
  const domain = Domain.certificate('meet.example.com', certificate);
  return new ElasticCluster(stack, 'Meet', { domain, ...props });
}

const bootOf = (template: TemplateJson, role: string) =>
  userData(template)
    .map(([, text]) => JSON.parse(bootFileIn(text)))
    .find((boot) => boot.role === role);

describe('with nothing but a domain', () => {
  const stack = anyStack();
  define(stack);
  const template = templateOf(stack);
  const json = template.toJSON() as TemplateJson;

  test('there are no errors, and every rule is kept', () => {
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(broken(json), []);
  });

  test('one Master Node comes back by itself, after the old one is gone', () => {
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MinSize: '1',
      MaxSize: '1',
      InstanceMaintenancePolicy: { MinHealthyPercentage: 0, MaxHealthyPercentage: 100 },
    });
  });

  test('Redis is on its disk, which outlives the machine and the stack', () => {
    template.resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
    template.hasResource('AWS::EC2::Volume', { DeletionPolicy: 'RetainExceptOnCreate' });
    const boot = bootOf(json, 'master');
    assert.deepEqual(boot.redis, { server: true });
    assert.ok(boot.data_volume.mount);
  });

  test('Media Nodes find it by a name that the Master Node gives itself', () => {
    template.hasResourceProperties('AWS::Route53::HostedZone', { VPCs: [{}] });
    for (const [, text] of configurations(json)) {
      assert.match(text, /address: "?master\.[a-z0-9-]+\.sluice\.internal:6379"?/);
    }
  });

  test('Redis is open to Media Nodes, and to nobody else', () => {
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(
      ({ Properties }) => Properties.FromPort === 6379,
    );
    assert.ok(rules.some(({ Properties }) => Properties.Description === 'Media Nodes'));
    for (const { Properties } of rules) assert.ok(Properties.SourceSecurityGroupId);
  });
});

describe("with Let's Encrypt", () => {
  const stack = anyStack();
  const cluster = define(stack, {
    domain: Domain.letsEncrypt('meet.example.com', { email: 'ops@example.com' }),
  });
  const template = templateOf(stack);
  const json = template.toJSON() as TemplateJson;

  test('clients come to the Master Node itself, at an address that stays', () => {
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(broken(json), []);
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 0);
    template.resourceCountIs('AWS::EC2::EIP', 1);
    assert.equal(cluster.entry, undefined);
    assert.equal(cluster.url, 'https://meet.example.com');
  });

  test('the machine is told of its certificate', () => {
    assert.deepEqual(bootOf(json, 'master').entry, {
      tls: true,
      port: 443,
      redirect: true,
      lets_encrypt: {
        domain: 'meet.example.com',
        email: 'ops@example.com',
        terms_agreed: true,
        awaited: false,
      },
    });
    assert.doesNotMatch(warningsOf(stack).join('\n'), /certificate/);
    assert.doesNotThrow(() => parseBootPlan(JSON.stringify(bootOf(json, 'master'))));
  });

  test('443 is open, and 80 for the proof', () => {
    const open = Object.values(template.findResources('AWS::EC2::SecurityGroup')).flatMap(
      ({ Properties }) => Properties.SecurityGroupIngress ?? [],
    );
    for (const port of [443, 80]) {
      assert.ok(
        open.some(
          (rule) =>
            rule.FromPort === port && rule.IpProtocol === 'tcp' && rule.CidrIp === '0.0.0.0/0',
        ),
        String(port),
      );
    }
  });
});

test('a certificate of ones own is read by the Master Node alone', () => {
  const stack = anyStack();
  const secret = sm.Secret.fromSecretCompleteArn(
    stack,
    'Pem',
    'arn:aws:secretsmanager:eu-central-1:111122223333:secret:pem-AbCdEf',
  );
  define(stack, { domain: Domain.ownCertificate('meet.example.com', secret) });
  const json = templateOf(stack).toJSON() as TemplateJson;
  assert.equal(bootOf(json, 'master').secrets.certificate, secret.secretArn);
  assert.equal(bootOf(json, 'media').secrets.certificate, undefined);
  const readers = Object.entries(json.Resources).filter(
    ([, { Type, Properties }]) =>
      Type === 'AWS::IAM::Policy' && JSON.stringify(Properties).includes('secret:pem-AbCdEf'),
  );
  assert.equal(readers.length, 1);
});

test('with a Redis of ones own the Master Node keeps nothing', () => {
  const stack = anyStack();
  define(stack, {
    redis: RedisStore.fromRedisStoreAttributes(stack, 'Redis', { host: 'redis.example.com' }),
  });
  const template = templateOf(stack);
  template.resourceCountIs('AWS::EC2::Volume', 0);
  template.resourceCountIs('AWS::Route53::HostedZone', 0);
  assert.equal(bootOf(template.toJSON() as TemplateJson, 'master').redis, undefined);
});

test('what contradicts is told, all at once', () => {
  const stack = anyStack();
  define(stack, {
    redis: RedisStore.fromRedisStoreAttributes(stack, 'Redis', { host: 'redis.example.com' }),
    dataVolume: { size: Size.gibibytes(50) },
    masterNodes: { count: 3 },
  });
  const errors = errorsOf(stack).join('\n');
  assert.match(errors, /redis and dataVolume: got both/);
  assert.match(errors, /masterNodes\.count: got 3, allowed is 1 in an ElasticCluster/);
});

test('the disk may go with the stack, and be larger', () => {
  const stack = anyStack();
  define(stack, {
    dataVolume: { size: Size.gibibytes(50), removalPolicy: RemovalPolicy.SNAPSHOT },
  });
  templateOf(stack).hasResource('AWS::EC2::Volume', {
    DeletionPolicy: 'Snapshot',
    Properties: { Size: 50 },
  });
});

test('load is a metric, which costs nothing until it is looked at', () => {
  const stack = anyStack();
  const cluster = define(stack);
  const metric = cluster.metricMediaLoad();
  assert.equal(metric.metricName, 'CPUUtilization');
  const alarms = templateOf(stack).findResources('AWS::CloudWatch::Alarm');
  assert.deepEqual(Object.keys(alarms), []);
});
