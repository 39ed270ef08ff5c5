import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { groupArn } from './names';

/** Lets the controller size a group and end machines of it: that group, and no other. */
export function grantGroupControl(
  scope: IConstruct,
  grantee: iam.IGrantable,
  autoScalingGroupName: string,
): iam.Grant {
  const control = iam.Grant.addToPrincipal({
    grantee,
    actions: [
      'autoscaling:SetDesiredCapacity',
      'autoscaling:SetInstanceHealth',
      'autoscaling:SetInstanceProtection',
      'autoscaling:TerminateInstanceInAutoScalingGroup',
    ],
    resourceArns: [groupArn(scope, autoScalingGroupName)],
  });
  const look = iam.Grant.addToPrincipal({
    grantee,
    actions: [
      'autoscaling:DescribeAutoScalingGroups',
      'autoscaling:DescribeAutoScalingInstances',
      'ec2:DescribeInstances',
    ],
    // To describe has no resource level, neither of groups nor of machines.
    resourceArns: ['*'],
  });
  return control.combine(look);
}
