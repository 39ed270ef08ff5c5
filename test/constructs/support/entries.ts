import type { Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { Domain } from '../../../constructs/domain';
import { Network } from '../../../constructs/network';
import { SignalingEntry, type SignalingEntryProps } from '../../../constructs/signaling-entry';

export const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
export const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';
export const TARGETS = 'AWS::ElasticLoadBalancingV2::TargetGroup';
export const GROUP = 'AWS::AutoScaling::AutoScalingGroup';

export const zoneOf = (stack: Stack) =>
  route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z1',
    zoneName: 'example.com',
  });

export const certificateOf = (stack: Stack) =>
  acm.Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:eu-central-1:111122223333:certificate/1',
  );

export const mastersOf = (stack: Stack, vpc: ec2.IVpc) =>
  new autoscaling.AutoScalingGroup(stack, 'Masters', {
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    launchTemplate: new ec2.LaunchTemplate(stack, 'Template', {
      instanceType: new ec2.InstanceType('c7i.large'),
      machineImage: ec2.MachineImage.latestAmazonLinux2023(),
      securityGroup: new ec2.SecurityGroup(stack, 'MasterGroup', { vpc }),
    }),
  });

export function entryOf(stack: Stack, props: Partial<SignalingEntryProps> = {}): SignalingEntry {
  return new SignalingEntry(stack, 'Entry', {
    ...props,
    vpc: props.vpc ?? new Network(stack, 'Network').vpc,
    domain: props.domain ?? Domain.certificate('meet.example.com', certificateOf(stack)),
  });
}

export const attribute = (Key: string, Value: unknown) => Match.arrayWith([{ Key, Value }]);
