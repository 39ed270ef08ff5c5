import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Duration, type Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Domain } from '../../constructs/domain';
import { Network } from '../../constructs/network';
import type { SignalingEntry } from '../../constructs/signaling-entry';
import {
  attribute,
  BALANCER,
  entryOf,
  GROUP,
  LISTENER,
  mastersOf,
  TARGETS,
  zoneOf,
} from './support/entries';
import { anyStack, envStack, errorsOf, templateOf } from './support/stacks';

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
