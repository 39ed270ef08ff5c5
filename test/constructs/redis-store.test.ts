import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Duration, Fn, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { Network } from '../../constructs/network';
import { RedisStore, type RedisStoreProps } from '../../constructs/redis-store';
import {
  anyStack,
  envStack,
  errorsOf,
  lazyNumber,
  templateOf,
  tokenList,
  tokenNumber,
  tokenText,
} from './support/stacks';

const GROUP = 'AWS::ElastiCache::ReplicationGroup';
const roleOf = (stack: Stack) =>
  new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });

function store(stack: Stack, props: Partial<RedisStoreProps> = {}): RedisStore {
  const vpc = props.vpc ?? new Network(stack, 'Network').vpc;
  return new RedisStore(stack, 'Redis', { vpc, ...props });
}

describe('Redis with nothing given', () => {
  let stack: Stack;
  let redis: RedisStore;
  let template: Template;
  before(() => {
    stack = anyStack();
    redis = store(stack);
    const nodes = new ec2.SecurityGroup(stack, 'Nodes', {
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'Other', { vpcId: 'v', availabilityZones: ['a'] }),
      allowAllOutbound: false,
    });
    redis.connections.allowDefaultPortFrom(nodes);
    redis.grantRead(roleOf(stack));
    template = templateOf(stack);
  });

  it('is Valkey in two zones that fails over by itself', () => {
    template.hasResourceProperties(GROUP, {
      Engine: 'valkey',
      EngineVersion: '8.0',
      NumCacheClusters: 2,
      MultiAZEnabled: true,
      AutomaticFailoverEnabled: true,
      CacheNodeType: 'cache.t4g.small',
    });
  });

  it('is encrypted on its way and on disk', () => {
    template.hasResourceProperties(GROUP, {
      TransitEncryptionEnabled: true,
      AtRestEncryptionEnabled: true,
    });
    assert.equal(redis.tls, true);
  });

  it('has a generated password that is in no template', () => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
    });
    const [group] = Object.values(template.findResources(GROUP));
    assert.match(
      JSON.stringify(group?.['Properties'].AuthToken),
      /\{\{resolve:secretsmanager:.*RedisPassword.*:SecretString:::\}\}/,
    );
  });

  it('lets in whom it is told to, on its port, and nobody else', () => {
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      IpProtocol: 'tcp',
      FromPort: 6379,
      ToPort: 6379,
      SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('Nodes'), 'GroupId'] },
    });
  });

  it('evicts nothing: leases have an end of life, and must be found until then', () => {
    template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', {
      CacheParameterGroupFamily: 'valkey8',
      Properties: { 'maxmemory-policy': 'noeviction' },
    });
  });

  it('is in subnets with no way out', () => {
    const [group] = Object.values(template.findResources('AWS::ElastiCache::SubnetGroup'));
    const ids: { Ref: string }[] = group?.['Properties'].SubnetIds;
    assert.equal(ids.length, 2);
    assert.ok(ids.every(({ Ref }) => /DataSubnet/.test(Ref)));
  });

  it('keeps snapshots for a day, and goes with the stack', () => {
    template.hasResource(GROUP, {
      Properties: { SnapshotRetentionLimit: 1 },
      DeletionPolicy: 'Delete',
      UpdateReplacePolicy: 'Delete',
    });
  });

  it('tells nodes its primary endpoint, and lets them read the password', () => {
    assert.deepEqual(stack.resolve(redis.host), {
      'Fn::GetAtt': [stack.getLogicalId(redis.replicationGroup), 'PrimaryEndPoint.Address'],
    });
    assert.equal(redis.port, 6379);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Resource: { Ref: Match.stringLikeRegexp('Password') } })],
      },
    });
  });

  it('has metrics of the worst of its nodes', () => {
    for (const [metric, name] of [
      [redis.metricEngineCpuUtilization(), 'EngineCPUUtilization'],
      [redis.metricMemoryUsage(), 'DatabaseMemoryUsagePercentage'],
      [redis.metricReplicationLag(), 'ReplicationLag'],
    ] as const) {
      assert.equal(metric.expression, 'MAX([node1, node2])');
      const { metricStat } = metric.usingMetrics['node2']?.toMetricConfig() ?? {};
      assert.equal(metricStat?.metricName, name);
      assert.equal(metricStat?.statistic, 'Maximum');
      const dimension = metricStat?.dimensions?.find(({ name: of }) => of === 'CacheClusterId');
      assert.match(JSON.stringify(stack.resolve(dimension?.value)), /-002/);
    }
  });

  it('has nothing wrong with it', () => {
    assert.deepEqual(errorsOf(stack), []);
  });
});

describe('Redis of ElastiCache', () => {
  it('takes what is given in place of its own', () => {
    const stack = envStack();
    const vpc = new Network(stack, 'Network').vpc;
    const authSecret = sm.Secret.fromSecretNameV2(stack, 'Mine', 'redis');
    const group = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1');
    const redis = store(stack, {
      vpc,
      authSecret,
      securityGroups: [group],
      subnetGroupName: 'subnets',
      parameterGroupName: 'parameters',
    });
    const template = templateOf(stack);
    for (const type of [
      'AWS::SecretsManager::Secret',
      'AWS::EC2::SecurityGroup',
      'AWS::ElastiCache::SubnetGroup',
      'AWS::ElastiCache::ParameterGroup',
    ]) {
      template.resourceCountIs(type, 0);
    }
    template.hasResourceProperties(GROUP, {
      CacheSubnetGroupName: 'subnets',
      CacheParameterGroupName: 'parameters',
      SecurityGroupIds: ['sg-1'],
    });
    assert.equal(redis.authSecret, authSecret);
    assert.deepEqual(errorsOf(stack), []);
  });

  it('is as big, as kept and as maintained as it is told to be', () => {
    const stack = envStack();
    store(stack, {
      nodes: 3,
      nodeType: 'cache.m7g.large',
      engineVersion: '7.2',
      parameters: { timeout: '0' },
      snapshotRetention: Duration.days(0),
      snapshotWindow: '03:00-04:00',
      maintenanceWindow: 'sun:04:00-sun:05:00',
      removalPolicy: RemovalPolicy.SNAPSHOT,
    });
    const template = templateOf(stack);
    template.hasResource(GROUP, {
      Properties: {
        NumCacheClusters: 3,
        CacheNodeType: 'cache.m7g.large',
        EngineVersion: '7.2',
        SnapshotRetentionLimit: 0,
        SnapshotWindow: '03:00-04:00',
        PreferredMaintenanceWindow: 'sun:04:00-sun:05:00',
      },
      DeletionPolicy: 'Snapshot',
    });
    template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', {
      CacheParameterGroupFamily: 'valkey7',
      Properties: { 'maxmemory-policy': 'noeviction', timeout: '0' },
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('is encrypted with a key of yours', () => {
    const stack = envStack();
    const encryptionKey = new kms.Key(stack, 'Key');
    store(stack, { encryptionKey });
    const KmsKeyId = stack.resolve(encryptionKey.keyArn);
    const template = templateOf(stack);
    template.hasResourceProperties(GROUP, { KmsKeyId });
    template.hasResourceProperties('AWS::SecretsManager::Secret', { KmsKeyId });
  });

  it('may have tokens everywhere', () => {
    const stack = anyStack();
    const number = tokenNumber(stack);
    const redis = store(stack, {
      nodes: number,
      nodeType: tokenText(stack, 'Type'),
      engineVersion: tokenText(stack, 'Version'),
      snapshotRetention: Duration.days(number),
      snapshotWindow: tokenText(stack, 'Window'),
      maintenanceWindow: tokenText(stack, 'Maintenance'),
    });
    const template = templateOf(stack);
    template.hasResourceProperties(GROUP, {
      NumCacheClusters: { Ref: 'ANumber' },
      SnapshotRetentionLimit: { Ref: 'ANumber' },
      CacheNodeType: { Ref: 'Type' },
    });
    assert.ok(redis.metricMemoryUsage());
    assert.deepEqual(errorsOf(stack), []);
  });

  it('may have a lazy number of nodes', () => {
    const stack = anyStack();
    store(stack, { nodes: lazyNumber(4) });
    templateOf(stack).hasResourceProperties(GROUP, { NumCacheClusters: 4 });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('may be in a VPC whose subnets are a parameter', () => {
    const stack = anyStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: tokenText(stack, 'VpcId'),
      availabilityZones: Fn.getAzs(),
      privateSubnetIds: tokenList(stack, 'Subnets'),
    });
    store(stack, { vpc });
    templateOf(stack).hasResourceProperties('AWS::ElastiCache::SubnetGroup', {
      SubnetIds: { Ref: 'Subnets' },
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('may be in subnets that are known by their ids alone', () => {
    const stack = envStack();
    const subnets = ['subnet-1', 'subnet-2'].map((id) => ec2.Subnet.fromSubnetId(stack, id, id));
    store(stack, { vpcSubnets: { subnets } });
    templateOf(stack).hasResourceProperties('AWS::ElastiCache::SubnetGroup', {
      SubnetIds: ['subnet-1', 'subnet-2'],
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('fails with all that is wrong at once', () => {
    const stack = envStack();
    store(stack, {
      nodes: 1,
      nodeType: 't4g.small',
      engineVersion: '6.2',
      snapshotRetention: Duration.days(60),
      snapshotWindow: '3am',
      maintenanceWindow: 'sunday',
      parameters: {},
      parameterGroupName: 'mine',
      vpcSubnets: {},
      subnetGroupName: 'mine',
    });
    const found = errorsOf(stack);
    for (const expected of [
      /^nodes: got 1, allowed is a whole number from 2 to 6; give 2 nodes or more/,
      /^nodeType: got "t4g\.small", allowed is a node type of ElastiCache/,
      /^engineVersion: got "6\.2"/,
      /^snapshotRetention: got 60 days/,
      /^snapshotWindow: got "3am"/,
      /^maintenanceWindow: got "sunday"/,
      /^parameterGroupName and parameters: got both/,
      /^subnetGroupName and vpcSubnets: got both/,
    ]) {
      assert.ok(
        found.some((error) => expected.test(error)),
        `${expected} in ${found.join('\n')}`,
      );
    }
    assert.equal(found.length, 8);
  });

  it('fails with subnets in one zone only', () => {
    const stack = envStack();
    store(stack, { vpc: new Network(stack, 'Network', { maxZones: 1 }).vpc });
    const [error, ...others] = errorsOf(stack);
    assert.match(error ?? '', /^vpcSubnets: got subnets in 1 zone \(eu-central-1a\)/);
    assert.deepEqual(others, []);
  });
});
