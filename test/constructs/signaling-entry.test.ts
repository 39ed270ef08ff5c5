import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Duration, type Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Domain } from '../../constructs/domain';
import { Network } from '../../constructs/network';
import { SignalingEntry, type SignalingEntryProps } from '../../constructs/signaling-entry';
import {
  anyStack,
  envStack,
  errorsOf,
  templateOf,
  tokenList,
  tokenNumber,
  tokenText,
} from './support/stacks';

const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';
const TARGETS = 'AWS::ElasticLoadBalancingV2::TargetGroup';
const GROUP = 'AWS::AutoScaling::AutoScalingGroup';

const zoneOf = (stack: Stack) =>
  route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z1',
    zoneName: 'example.com',
  });

const certificateOf = (stack: Stack) =>
  acm.Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:eu-central-1:111122223333:certificate/1',
  );

const mastersOf = (stack: Stack, vpc: ec2.IVpc) =>
  new autoscaling.AutoScalingGroup(stack, 'Masters', {
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    launchTemplate: new ec2.LaunchTemplate(stack, 'Template', {
      instanceType: new ec2.InstanceType('c7i.large'),
      machineImage: ec2.MachineImage.latestAmazonLinux2023(),
      securityGroup: new ec2.SecurityGroup(stack, 'MasterGroup', { vpc }),
    }),
  });

function entryOf(stack: Stack, props: Partial<SignalingEntryProps> = {}): SignalingEntry {
  return new SignalingEntry(stack, 'Entry', {
    ...props,
    vpc: props.vpc ?? new Network(stack, 'Network').vpc,
    domain: props.domain ?? Domain.certificate('meet.example.com', certificateOf(stack)),
  });
}

const attribute = (Key: string, Value: unknown) => Match.arrayWith([{ Key, Value }]);

describe('an entry with nothing given but its domain', () => {
  let stack: Stack;
  let entry: SignalingEntry;
  let template: Template;
  before(() => {
    stack = anyStack();
    const { vpc } = new Network(stack, 'Network');
    entry = entryOf(stack, { vpc, domain: Domain.route53('meet.example.com', zoneOf(stack)) });
    entry.attachMasters(mastersOf(stack, vpc));
    template = templateOf(stack);
  });

  it('is a Network Load Balancer with public addresses, over all zones', () => {
    template.hasResourceProperties(BALANCER, {
      Type: 'network',
      Scheme: 'internet-facing',
      IpAddressType: 'ipv4',
      LoadBalancerAttributes: attribute('load_balancing.cross_zone.enabled', 'true'),
    });
    assert.equal(entry.url, 'https://meet.example.com');
  });

  it('ends TLS on 443 with the policy that AWS recommends, and asks for no ALPN', () => {
    template.hasResourceProperties(LISTENER, {
      Port: 443,
      Protocol: 'TLS',
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09',
      AlpnPolicy: Match.absent(),
      Certificates: [{ CertificateArn: { Ref: Match.stringLikeRegexp('EntryCertificate') } }],
    });
  });

  it('keeps the address of clients by a PROXY header, of IPv6 ones too', () => {
    template.hasResourceProperties(TARGETS, {
      Port: 7443,
      Protocol: 'TCP',
      TargetType: 'instance',
      TargetGroupAttributes: Match.arrayWith([
        { Key: 'proxy_protocol_v2.enabled', Value: 'true' },
        { Key: 'preserve_client_ip.enabled', Value: 'false' },
      ]),
    });
  });

  it('leaves a Master Node that does not answer within 15 s, and tells its clients', () => {
    const [group] = Object.values(template.findResources(TARGETS));
    const {
      HealthCheckIntervalSeconds: interval,
      HealthCheckTimeoutSeconds: timeout,
      UnhealthyThresholdCount: failures,
    } = group?.['Properties'] ?? {};
    // It dies just after a check that it has answered; then so many fail.
    assert.ok(failures * interval + timeout <= 15);
    template.hasResourceProperties(TARGETS, {
      HealthCheckProtocol: 'HTTP',
      HealthCheckPath: '/',
      HealthCheckPort: '7444',
      Matcher: { HttpCode: '200' },
      TargetGroupAttributes: attribute(
        'target_health_state.unhealthy.connection_termination.enabled',
        'true',
      ),
    });
  });

  it('cuts no connection short that is used', () => {
    // TLS listeners forget what is idle for 350 s, which cannot be set; clients ping more often.
    template.hasResourceProperties(LISTENER, { ListenerAttributes: Match.absent() });
    template.hasResourceProperties(TARGETS, {
      TargetGroupAttributes: attribute('deregistration_delay.timeout_seconds', '60'),
    });
  });

  it('lets everybody in at 443, and nothing else', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Where clients of Sluice come in',
      SecurityGroupIngress: [
        { CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 },
      ].map(Match.objectLike),
    });
  });

  it('reaches Master Nodes at what they have for it, and nothing else does', () => {
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 2);
    template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 2);
    for (const port of [7443, 7444]) {
      template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
        FromPort: port,
        ToPort: port,
        GroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('MasterGroup'), 'GroupId'] },
        SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('Entry'), 'GroupId'] },
      });
      template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
        FromPort: port,
        GroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('Entry'), 'GroupId'] },
      });
    }
  });

  it('has the Master Nodes behind it', () => {
    template.hasResourceProperties(GROUP, {
      TargetGroupARNs: [{ Ref: Match.stringLikeRegexp('EntryMasters') }],
    });
  });

  it('has its name point to it', () => {
    template.resourceCountIs('AWS::Route53::RecordSet', 1);
    template.hasResourceProperties('AWS::Route53::RecordSet', {
      Type: 'A',
      Name: 'meet.example.com.',
      HostedZoneId: 'Z1',
      AliasTarget: { DNSName: Match.anyValue() },
    });
  });

  it('can be deleted, and writes no access logs', () => {
    template.hasResourceProperties(BALANCER, {
      LoadBalancerAttributes: attribute('deletion_protection.enabled', 'false'),
    });
    assert.ok(!JSON.stringify(template.toJSON()).includes('access_logs'));
  });

  it('has metrics of its Master Nodes', () => {
    assert.equal(entry.metricHealthyMasters().metricName, 'HealthyHostCount');
    assert.equal(entry.metricHealthyMasters().statistic, 'Minimum');
    assert.equal(entry.metricUnhealthyMasters().metricName, 'UnHealthyHostCount');
  });

  it('has nothing wrong with it', () => {
    assert.deepEqual(errorsOf(stack), []);
  });
});

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

describe('an entry with a load balancer that exists', () => {
  const imported = (stack: Stack, attrs: Partial<elbv2.NetworkLoadBalancerAttributes> = {}) =>
    elbv2.NetworkLoadBalancer.fromNetworkLoadBalancerAttributes(stack, 'Mine', {
      loadBalancerArn:
        'arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/net/mine/1',
      loadBalancerDnsName: 'mine.example.net',
      loadBalancerCanonicalHostedZoneId: 'Z9',
      loadBalancerSecurityGroups: ['sg-7'],
      ...attrs,
    });

  it('gets a listener and a target group, its record, and the way to the masters', () => {
    const stack = envStack();
    const { vpc } = new Network(stack, 'Network');
    const entry = entryOf(stack, {
      vpc,
      loadBalancer: imported(stack),
      domain: Domain.certificate('meet.example.com', certificateOf(stack), { zone: zoneOf(stack) }),
    });
    entry.attachMasters(mastersOf(stack, vpc));
    const template = templateOf(stack);
    template.resourceCountIs(BALANCER, 0);
    template.resourceCountIs(LISTENER, 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      FromPort: 7443,
      SourceSecurityGroupId: 'sg-7',
    });
    template.hasResourceProperties('AWS::Route53::RecordSet', {
      AliasTarget: { DNSName: 'dualstack.mine.example.net', HostedZoneId: 'Z9' },
    });
    assert.deepEqual(errorsOf(stack), []);
  });

  it('reaches masters from the VPC, or from where it is said to, where it has no group', () => {
    for (const [peers, expected] of [
      [undefined, { 'Fn::GetAtt': [Match.anyValue(), 'CidrBlock'] }],
      [[ec2.Peer.ipv4('10.1.0.0/24')], '10.1.0.0/24'],
    ] as const) {
      const stack = envStack();
      const { vpc } = new Network(stack, 'Network');
      const entry = entryOf(stack, {
        vpc,
        loadBalancer: imported(stack, { loadBalancerSecurityGroups: undefined }),
        loadBalancerPeers: peers === undefined ? undefined : [...peers],
      });
      entry.attachMasters(mastersOf(stack, vpc));
      templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroup', {
        SecurityGroupIngress: [7443, 7444].map((FromPort) =>
          Match.objectLike({ FromPort, CidrIp: expected }),
        ),
      });
      assert.deepEqual(errorsOf(stack), []);
    }
  });

  it('fails where nobody knows from where it reaches the masters', () => {
    const stack = envStack();
    entryOf(stack, {
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'v', availabilityZones: ['a'] }),
      loadBalancer: imported(stack, { loadBalancerSecurityGroups: undefined }),
    });
    assert.match(
      errorsOf(stack)[0] ?? '',
      /^loadBalancer: got one with no security groups, in a VPC/,
    );
  });

  it('fails where its name is needed for the record, and not known', () => {
    const stack = envStack();
    entryOf(stack, {
      loadBalancer: imported(stack, { loadBalancerCanonicalHostedZoneId: undefined }),
      domain: Domain.certificate('meet.example.com', certificateOf(stack), { zone: zoneOf(stack) }),
    });
    assert.match(errorsOf(stack)[0] ?? '', /^loadBalancer: got one whose name is not known/);
  });

  it('needs no name where the record is not made here', () => {
    const stack = envStack();
    const entry = entryOf(stack, {
      loadBalancer: imported(stack, {
        loadBalancerCanonicalHostedZoneId: undefined,
        loadBalancerDnsName: undefined,
      }),
    });
    assert.equal(entry.url, 'https://meet.example.com');
    assert.deepEqual(errorsOf(stack), []);
  });

  it('fails with what is about an own one', () => {
    const stack = envStack();
    entryOf(stack, { loadBalancer: imported(stack), deletionProtection: true, crossZone: true });
    assert.match(
      errorsOf(stack).join('\n'),
      /^loadBalancer and crossZone, deletionProtection: got both/,
    );
  });
});

describe('an entry that cannot be', () => {
  it('fails with all that is wrong at once', () => {
    const stack = envStack();
    entryOf(stack, {
      domain: Domain.none(),
      sslPolicy: elbv2.SslPolicy.TLS13_13,
      deregistrationDelay: Duration.hours(2),
      accessLogsPrefix: 'x',
      loadBalancerPeers: [],
      internetFacing: false,
      addressAllocationIds: ['eipalloc-1'],
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    });
    const found = errorsOf(stack);
    for (const expected of [
      /^deregistrationDelay: got 2 hours/,
      /^accessLogsPrefix: got a prefix and no accessLogsBucket/,
      /^loadBalancerPeers: /,
      /^internetFacing and addressAllocationIds: /,
      /^domain and sslPolicy: /,
      /^addressAllocationIds: got 1 for 3 subnets/,
    ]) {
      assert.ok(
        found.some((error) => expected.test(error)),
        `${expected} in ${found.join('\n')}`,
      );
    }
    assert.equal(found.length, 6);
  });

  it("fails with a certificate of Let's Encrypt, which a load balancer cannot have", () => {
    const stack = envStack();
    entryOf(stack, { domain: Domain.letsEncrypt('meet.example.com') });
    assert.match(
      errorsOf(stack)[0] ?? '',
      /^domain: got Domain\.letsEncrypt\(\) and a load balancer/,
    );
  });

  it('fails in a VPC without public subnets', () => {
    const stack = envStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'v',
      availabilityZones: ['a'],
      privateSubnetIds: ['subnet-1'],
    });
    entryOf(stack, { vpc });
    assert.match(errorsOf(stack)[0] ?? '', /^vpcSubnets: got .*0 public, 1 private/);
  });
});

describe('an entry of another stack', () => {
  const attrs = {
    domainName: 'meet.example.com',
    targetGroupArn: 'arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/masters/1',
  };

  it('takes further Master Nodes', () => {
    const stack = envStack();
    const { vpc } = new Network(stack, 'Network');
    const entry = SignalingEntry.fromSignalingEntryAttributes(stack, 'Entry', {
      ...attrs,
      securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1')],
    });
    entry.attachMasters(mastersOf(stack, vpc));
    const template = templateOf(stack);
    template.hasResourceProperties(GROUP, { TargetGroupARNs: [attrs.targetGroupArn] });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      FromPort: 7444,
      SourceSecurityGroupId: 'sg-1',
    });
    assert.equal(entry.url, 'https://meet.example.com');
  });

  it('fails where nobody knows from where it reaches the masters', () => {
    const stack = envStack();
    SignalingEntry.fromSignalingEntryAttributes(stack, 'Entry', attrs);
    assert.match(errorsOf(stack)[0] ?? '', /^securityGroups and peers: got neither/);
  });
});
