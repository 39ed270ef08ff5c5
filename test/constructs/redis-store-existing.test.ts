import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { RedisStore } from '../../constructs/redis-store';
import { anyStack, envStack, errorsOf, templateOf, tokenNumber, tokenText } from './support/stacks';

const GROUP = 'AWS::ElastiCache::ReplicationGroup';
const roleOf = (stack: Stack) =>
  new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });

describe('Redis that exists', () => {
  it('is reached with TLS on 6379, and lets the nodes in', () => {
    const stack = envStack();
    const group = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1');
    const authSecret = sm.Secret.fromSecretNameV2(stack, 'Mine', 'redis');
    const redis = RedisStore.fromRedisStoreAttributes(stack, 'Redis', {
      host: 'redis.example.com',
      authSecret,
      username: 'sluice',
      securityGroups: [group],
    });
    assert.deepEqual(
      [redis.host, redis.port, redis.tls, redis.username, redis.clusterMode],
      ['redis.example.com', 6379, true, 'sluice', false],
    );
    redis.connections.allowDefaultPortFrom(ec2.Peer.ipv4('10.0.0.0/16'));
    redis.grantRead(roleOf(stack)).assertSuccess();
    const template = templateOf(stack);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-1',
      FromPort: 6379,
      CidrIp: '10.0.0.0/16',
    });
    template.resourceCountIs('AWS::IAM::Policy', 1);
  });

  it('may have no password, no TLS, no groups, and be clustered', () => {
    const stack = envStack();
    const redis = RedisStore.fromRedisStoreAttributes(stack, 'Redis', {
      host: '10.0.0.9',
      port: 7000,
      tls: false,
      clusterMode: true,
    });
    redis.connections.allowDefaultPortFrom(ec2.Peer.anyIpv4());
    redis.grantRead(roleOf(stack));
    templateOf(stack).resourceCountIs('AWS::IAM::Policy', 0);
    assert.deepEqual([redis.port, redis.tls, redis.clusterMode], [7000, false, true]);
    assert.deepEqual(errorsOf(stack), []);
  });

  it('may be tokens', () => {
    const stack = anyStack();
    RedisStore.fromRedisStoreAttributes(stack, 'Redis', {
      host: tokenText(stack),
      port: tokenNumber(stack),
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('fails with a URL, a port that is none, and a user without a password', () => {
    const stack = anyStack();
    RedisStore.fromRedisStoreAttributes(stack, 'Redis', {
      host: 'rediss://redis.example.com',
      port: 70_000,
      username: 'me',
    });
    const found = errorsOf(stack).join('\n');
    assert.match(found, /host: got "rediss:\/\/redis\.example\.com"/);
    assert.match(found, /port: got 70000, allowed is a whole number from 1 to 65535/);
    assert.match(found, /username and authSecret: got a username and no authSecret/);
  });
});

describe('Redis on the Master Node', () => {
  it('has a password of its own, and lets others in to the master', () => {
    const stack = envStack();
    const masterNode = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Master', 'sg-1');
    const redis = RedisStore.onMasterNode(stack, 'Redis', { host: '10.0.0.5', masterNode });
    redis.connections.allowDefaultPortFrom(
      ec2.SecurityGroup.fromSecurityGroupId(stack, 'Media', 'sg-2'),
    );
    const template = templateOf(stack);
    template.resourceCountIs(GROUP, 0);
    template.resourceCountIs('AWS::SecretsManager::Secret', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-1',
      SourceSecurityGroupId: 'sg-2',
      FromPort: 6379,
    });
    assert.equal(redis.tls, false);
  });

  it('takes a password and a port that are given', () => {
    const stack = envStack();
    const masterNode = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Master', 'sg-1');
    const authSecret = sm.Secret.fromSecretNameV2(stack, 'Mine', 'redis');
    const redis = RedisStore.onMasterNode(stack, 'Redis', {
      host: '10.0.0.5',
      masterNode,
      authSecret,
      port: 7000,
    });
    templateOf(stack).resourceCountIs('AWS::SecretsManager::Secret', 0);
    assert.deepEqual([redis.authSecret, redis.port], [authSecret, 7000]);
  });

  it('fails with a port that is none', () => {
    const stack = envStack();
    const masterNode = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Master', 'sg-1');
    RedisStore.onMasterNode(stack, 'Redis', { host: '10.0.0.5', masterNode, port: 0 });
    assert.match(errorsOf(stack)[0] ?? '', /^port: got 0/);
  });
});
