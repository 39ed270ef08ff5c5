import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Domain } from '../../constructs/domain';
import { Network } from '../../constructs/network';
import { SignalingEntry } from '../../constructs/signaling-entry';
import {
  BALANCER,
  certificateOf,
  entryOf,
  GROUP,
  LISTENER,
  mastersOf,
  zoneOf,
} from './support/entries';
import { envStack, errorsOf, templateOf } from './support/stacks';

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
