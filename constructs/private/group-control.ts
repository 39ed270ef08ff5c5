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
      'autoscaling:SetInstanceProtection',
      'autoscaling:TerminateInstanceInAutoScalingGroup',
    ],
    resourceArns: [groupArn(scope, autoScalingGroupName)],
  });
  const look = iam.Grant.addToPrincipal({
    grantee,
    actions: [
      'autoscaling:DescribeAutoScalingGroups',
      'ec2:DescribeInstances',
      'ec2:DescribeLaunchTemplates',
    ],
    // To describe has no resource level, be it of groups, hooks, machines or launch templates.
    resourceArns: ['*'],
  });
  return control.combine(look);
}

/** Lets a machine say that it still drains, and that it is done; for dead ones the controller does. */
export function grantComplete(
  scope: IConstruct,
  grantee: iam.IGrantable,
  autoScalingGroupName: string,
): iam.Grant {
  const complete = iam.Grant.addToPrincipal({
    grantee,
    actions: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
    resourceArns: [groupArn(scope, autoScalingGroupName)],
  });
  const look = iam.Grant.addToPrincipal({
    grantee,
    actions: ['autoscaling:DescribeLifecycleHooks'],
    // To describe has no resource level.
    resourceArns: ['*'],
  });
  return complete.combine(look);
}
