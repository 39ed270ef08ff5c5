import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { groupArn } from './names';

/** Properties of the calls. */
export interface GroupCallsProps {
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  /** Known before the group is there. */
  readonly autoScalingGroupName: string;
  /** Set once, when the group was made. */
  readonly initialCapacity?: number;
}

/**
 * What CloudFormation cannot say of a group, done by calls of the API:
 *
 * - machines are not moved between zones (a group has suspended processes, a template has not);
 * - the size at creation, and only then: in the group's own definition each later deployment would
 *   set it again;
 * - on delete the group goes with its machines. CloudFormation lowers the size to 0 and waits for
 *   them, which protected machines never do, and draining ones not before their deadline.
 *
 * Source: Amazon EC2 Auto Scaling API Reference, SuspendProcesses, SetDesiredCapacity,
 * DeleteAutoScalingGroup with ForceDelete.
 */
export class GroupCalls extends Construct {
  constructor(scope: Construct, id: string, props: GroupCallsProps) {
    super(scope, id);
    const AutoScalingGroupName = props.autoScalingGroupName;
    const logGroup = logGroupOf(this);
    const call = (name: string, actions: string[], calls: Partial<cr.AwsCustomResourceProps>) =>
      new cr.AwsCustomResource(this, name, {
        ...calls,
        logGroup,
        timeout: Duration.minutes(1),
        installLatestAwsSdk: false,
        policy: cr.AwsCustomResourcePolicy.fromStatements([
          new iam.PolicyStatement({
            actions,
            resources: [groupArn(this, AutoScalingGroupName)],
          }),
        ]),
      });
    const physicalResourceId = (what: string) => cr.PhysicalResourceId.of(what);

    const suspend: cr.AwsSdkCall = {
      service: 'auto-scaling',
      action: 'SuspendProcesses',
      parameters: { AutoScalingGroupName, ScalingProcesses: ['AZRebalance'] },
      physicalResourceId: physicalResourceId('suspended'),
    };
    call('Suspend', ['autoscaling:SuspendProcesses'], {
      onCreate: suspend,
      onUpdate: suspend,
    }).node.addDependency(props.autoScalingGroup);

    if (props.initialCapacity !== undefined) {
      // There is no call for an update: changed, the value does nothing.
      call('InitialCapacity', ['autoscaling:SetDesiredCapacity'], {
        onCreate: {
          service: 'auto-scaling',
          action: 'SetDesiredCapacity',
          parameters: { AutoScalingGroupName, DesiredCapacity: props.initialCapacity },
          physicalResourceId: physicalResourceId('initial'),
          // Out of the group's limits, of which parameters may say anything: it stays at its minimum.
          ignoreErrorCodesMatching: 'ValidationError',
        },
      }).node.addDependency(props.autoScalingGroup);
    }

    // Without a dependency either way: it is there when a creation is rolled back, and on delete
    // it works at the same time as CloudFormation waits for the group.
    call('Delete', ['autoscaling:DeleteAutoScalingGroup'], {
      onDelete: {
        service: 'auto-scaling',
        action: 'DeleteAutoScalingGroup',
        parameters: { AutoScalingGroupName, ForceDelete: true },
        // Gone already, or never made.
        ignoreErrorCodesMatching: 'ValidationError',
      },
    });
  }
}

/** One for the function that makes the calls, which the stack has once. */
function logGroupOf(scope: Construct): logs.ILogGroup {
  const id = 'SluiceGroupCallsLog';
  const root = scope.node.scopes.find((each) => each.node.tryFindChild(id)) ?? undefined;
  const existing = root?.node.tryFindChild(id);
  if (existing instanceof logs.LogGroup) return existing;
  return new logs.LogGroup(scope, id, {
    retention: logs.RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
