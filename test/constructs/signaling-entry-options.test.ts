import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Domain } from '../../constructs/domain';
import { Network } from '../../constructs/network';
import { attribute, BALANCER, entryOf, LISTENER, TARGETS, zoneOf } from './support/entries';
import {
  anyStack,
  envStack,
  errorsOf,
  templateOf,
  tokenList,
  tokenNumber,
  tokenText,
} from './support/stacks';

describe('an entry by choice', () => {
  it('has IPv6 too', () => {
    const stack = envStack();
    const { vpc } = new Network(stack, 'Network', { dualStack: true });
    entryOf(stack, {
      vpc,
      dualStack: true,
      domain: Domain.route53('meet.example.com', zoneOf(stack)),
    });
    const template = templateOf(stack);
    template.hasResourceProperties(BALANCER, { IpAddressType: 'dualstack' });
    template.hasResourceProperties('AWS::Route53::RecordSet', { Type: 'AAAA' });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: Match.arrayWith([
        Match.objectLike({ CidrIpv6: '::/0', FromPort: 443 }),
      ]),
    });
  });

  it('is plain HTTP on 80 with no domain', () => {
    const stack = anyStack();
    const entry = entryOf(stack, { domain: Domain.none() });
    const template = templateOf(stack);
    template.hasResourceProperties(LISTENER, {
      Port: 80,
      Protocol: 'TCP',
      SslPolicy: Match.absent(),
      Certificates: Match.absent(),
    });
    assert.match(JSON.stringify(stack.resolve(entry.url)), /"http:\/\/",.*"DNSName"/);
    assert.equal(entry.tls, false);
  });

  it('is inside the VPC', () => {
    const stack = envStack();
    entryOf(stack, { vpc: new ec2.Vpc(stack, 'Vpc'), internetFacing: false });
    const template = templateOf(stack);
    template.hasResourceProperties(BALANCER, { Scheme: 'internal' });
    const [balancer] = Object.values(template.findResources(BALANCER));
    assert.match(JSON.stringify(balancer?.['Properties'].Subnets), /PrivateSubnet/);
  });

  it('is in subnets that are known by their ids alone', () => {
    const stack = envStack();
    const subnets = ['subnet-1', 'subnet-2'].map((id) => ec2.Subnet.fromSubnetId(stack, id, id));
    entryOf(stack, { vpcSubnets: { subnets } });
    templateOf(stack).hasResourceProperties(BALANCER, { Subnets: ['subnet-1', 'subnet-2'] });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('is in one subnet of each zone, where there are more', () => {
    const stack = envStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      publicSubnetNames: ['One', 'Two'],
      publicSubnetIds: ['subnet-1', 'subnet-2', 'subnet-3', 'subnet-4'],
    });
    entryOf(stack, { vpc });
    templateOf(stack).hasResourceProperties(BALANCER, { Subnets: ['subnet-1', 'subnet-2'] });
  });

  it('is protected, stays in its zone, and takes longer to let go', () => {
    const stack = envStack();
    entryOf(stack, {
      deletionProtection: true,
      crossZone: false,
      deregistrationDelay: Duration.minutes(5),
      sslPolicy: elbv2.SslPolicy.TLS13_13,
    });
    const template = templateOf(stack);
    template.hasResourceProperties(BALANCER, {
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'deletion_protection.enabled', Value: 'true' },
        { Key: 'load_balancing.cross_zone.enabled', Value: 'false' },
      ]),
    });
    template.hasResourceProperties(LISTENER, { SslPolicy: 'ELBSecurityPolicy-TLS13-1-3-2021-06' });
    template.hasResourceProperties(TARGETS, {
      TargetGroupAttributes: attribute('deregistration_delay.timeout_seconds', '300'),
    });
  });

  it('writes access logs into a bucket, in any region', () => {
    const stack = anyStack();
    entryOf(stack, { accessLogsBucket: new s3.Bucket(stack, 'Bucket'), accessLogsPrefix: 'meet' });
    const template = templateOf(stack);
    template.hasResource(BALANCER, {
      Properties: {
        LoadBalancerAttributes: Match.arrayWith([
          { Key: 'access_logs.s3.enabled', Value: 'true' },
          { Key: 'access_logs.s3.bucket', Value: { Ref: Match.stringLikeRegexp('Bucket') } },
          { Key: 'access_logs.s3.prefix', Value: 'meet' },
        ]),
      },
      DependsOn: Match.arrayWith([Match.stringLikeRegexp('BucketPolicy')]),
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 's3:PutObject',
            Principal: { Service: 'delivery.logs.amazonaws.com' },
          }),
        ]),
      },
    });
  });

  it('has addresses that stay', () => {
    const stack = envStack();
    const { vpc } = new Network(stack, 'Network', { maxZones: 2 });
    entryOf(stack, { vpc, addressAllocationIds: ['eipalloc-1', 'eipalloc-2'] });
    templateOf(stack).hasResourceProperties(BALANCER, {
      Subnets: Match.absent(),
      SubnetMappings: [
        { AllocationId: 'eipalloc-1', SubnetId: Match.anyValue() },
        { AllocationId: 'eipalloc-2', SubnetId: Match.anyValue() },
      ],
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('may have tokens everywhere', () => {
    const stack = anyStack();
    entryOf(stack, {
      domain: Domain.certificate(
        tokenText(stack, 'Name'),
        acm.Certificate.fromCertificateArn(stack, 'Mine', tokenText(stack, 'Arn')),
      ),
      deregistrationDelay: Duration.seconds(tokenNumber(stack)),
      addressAllocationIds: tokenList(stack, 'Addresses'),
    });
    const template = templateOf(stack);
    template.hasResourceProperties(BALANCER, {
      SubnetMappings: Match.arrayWith([
        Match.objectLike({ AllocationId: { 'Fn::Select': [1, { Ref: 'Addresses' }] } }),
      ]),
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('lets in only whom it is told to', () => {
    const stack = envStack();
    entryOf(stack, { clients: [ec2.Peer.ipv4('192.0.2.0/24'), ec2.Peer.prefixList('pl-1')] });
    const template = templateOf(stack);
    assert.ok(
      !JSON.stringify(template.findResources('AWS::EC2::SecurityGroup')).includes('0.0.0.0/0"'),
    );
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [Match.objectLike({ CidrIp: '192.0.2.0/24' })],
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      SourcePrefixListId: 'pl-1',
      FromPort: 443,
    });
  });

  it('opens no security group of yours to the world', () => {
    const stack = envStack();
    const group = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1');
    entryOf(stack, { securityGroups: [group] });
    const template = templateOf(stack);
    template.hasResourceProperties(BALANCER, { SecurityGroups: ['sg-1'] });
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.resourceCountIs('AWS::EC2::SecurityGroup', 0);
  });
});
