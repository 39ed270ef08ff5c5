import { Duration, Tags } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { DEFAULT_CREATION_TIMEOUT, NODES_TAG, type NodeMachines } from './node-machines';
import { isKnown } from './validation';

/** Properties of the group. */
export interface MasterGroupProps {
  readonly autoScalingGroupName: string;
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.ISubnet[];
  readonly count: number;
  readonly machines: NodeMachines;
  readonly creationTimeout: Duration | undefined;
}

/** The Auto Scaling Group of Master Nodes: always as many, a dead one replaced. */
export class MasterGroup extends Construct {
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  readonly resource: autoscaling.CfnAutoScalingGroup;

  constructor(scope: Construct, id: string, props: MasterGroupProps) {
    super(scope, id);
    const { count, machines } = props;
    const timeout = props.creationTimeout ?? DEFAULT_CREATION_TIMEOUT;
    this.autoScalingGroup = new autoscaling.AutoScalingGroup(this, 'Resource', {
      autoScalingGroupName: props.autoScalingGroupName,
      vpc: props.vpc,
      vpcSubnets: { subnets: props.subnets },
      launchTemplate: machines.launchTemplate,
      minCapacity: count,
      maxCapacity: count,
      // A machine that is dead. What a load balancer sees is no reason to end one: when Redis is
      // away, all of them look ill at the same time, and none is better for being new.
      healthChecks: autoscaling.HealthChecks.ec2({ gracePeriod: Duration.minutes(5) }),
      signals: autoscaling.Signals.waitForCount(count, { timeout }),
      // Masters carry no calls: clients resume through another one, so CloudFormation may do it.
      updatePolicy: autoscaling.UpdatePolicy.rollingUpdate({
        maxBatchSize: 1,
        minInstancesInService: isKnown(count) ? count - 1 : 0,
        waitOnResourceSignals: true,
        pauseTime: timeout,
      }),
      groupMetrics: [autoscaling.GroupMetrics.all()],
    });
    this.resource = this.autoScalingGroup.node.defaultChild as autoscaling.CfnAutoScalingGroup;
    if (count === 1) {
      // The only one ends before the next one starts: it holds the disk and the address.
      this.resource.instanceMaintenancePolicy = {
        minHealthyPercentage: 0,
        maxHealthyPercentage: 100,
      };
    }
    Tags.of(this.autoScalingGroup).add(NODES_TAG, props.autoScalingGroupName);
    this.autoScalingGroup.node.addDependency(machines.role);
    for (const group of machines.securityGroups) this.autoScalingGroup.node.addDependency(group);
    // A machine without a way out installs nothing, and tells nobody.
    for (const { internetConnectivityEstablished } of props.subnets) {
      this.autoScalingGroup.node.addDependency(internetConnectivityEstablished);
    }
  }
}
