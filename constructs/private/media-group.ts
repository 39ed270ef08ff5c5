import { Duration, Tags } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { SCALING_TAGS } from '../../node-image/contract';
import type { MediaNodesOptions } from '../media-nodes-options';
import { NodeArchitecture } from '../node-architecture';
import type { NodeDrain } from '../node-drain';
import type { Capacity } from './media-props';
import { DEFAULT_CREATION_TIMEOUT, NODES_TAG, type NodeMachines } from './node-machines';
import { isKnown, numberText } from './validation';

/** Properties of the group. */
export interface MediaGroupProps extends MediaNodesOptions, Capacity {
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SelectedSubnets;
  readonly machines: NodeMachines;
  readonly instanceType: ec2.InstanceType;
  readonly drain: NodeDrain;
  readonly autoScalingGroupName: string;
}

/** The Auto Scaling Group of Media Nodes. */
export class MediaGroup extends Construct {
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  readonly resource: autoscaling.CfnAutoScalingGroup;

  constructor(scope: Construct, id: string, props: MediaGroupProps) {
    super(scope, id);
    const { machines } = props;
    this.autoScalingGroup = new autoscaling.AutoScalingGroup(this, 'Resource', {
      autoScalingGroupName: props.autoScalingGroupName,
      vpc: props.vpc,
      vpcSubnets: { subnets: props.subnets.subnets },
      ...this.#launched(props),
      minCapacity: props.minCapacity,
      // A maximum below it has been told of; CDK would end with that error alone.
      maxCapacity: atLeast(props.minCapacity, props.maxCapacity),
      // No desiredCapacity: a deployment would set it each time. The group begins at its minimum.
      newInstancesProtectedFromScaleIn: true,
      // Only a machine that is dead is replaced. One that is busy or leaves looks as bad to every
      // other check; a node that is dead on a living machine is the controller's to find.
      healthChecks: autoscaling.HealthChecks.ec2({ gracePeriod: Duration.minutes(5) }),
      signals: autoscaling.Signals.waitForMinCapacity({
        timeout: props.creationTimeout ?? DEFAULT_CREATION_TIMEOUT,
      }),
      capacityRebalance: props.spot !== undefined,
      defaultInstanceWarmup: Duration.minutes(2),
      groupMetrics: [autoscaling.GroupMetrics.all()],
    });
    this.resource = this.autoScalingGroup.node.defaultChild as autoscaling.CfnAutoScalingGroup;
    props.drain.attachTo(this.resource);
    this.#tag(props);
    // The first machines need all of it. They wait for their configuration themselves, as it may
    // name what takes longest to be made. Queue and rules are before them at creation, and on
    // delete they are there as long as machines leave.
    this.autoScalingGroup.node.addDependency(machines.role, props.drain);
    for (const group of machines.securityGroups) this.autoScalingGroup.node.addDependency(group);
    // A machine without a way out installs nothing, and tells nobody.
    this.autoScalingGroup.node.addDependency(props.subnets.internetConnectivityEstablished);

    if (props.warmPool) {
      this.autoScalingGroup.addWarmPool({
        minSize: props.warmPool.minSize ?? 1,
        maxGroupPreparedCapacity: props.warmPool.maxPreparedCapacity,
        poolState: props.warmPool.running
          ? autoscaling.PoolState.RUNNING
          : autoscaling.PoolState.STOPPED,
        reuseOnScaleIn: false,
      });
    }
  }

  #launched(props: MediaGroupProps): Partial<autoscaling.AutoScalingGroupProps> {
    const { machines, spot } = props;
    const alternatives = props.alternativeInstanceTypes ?? [];
    if (spot === undefined && alternatives.length === 0) {
      return { launchTemplate: machines.launchTemplate };
    }
    const distribution: autoscaling.InstancesDistribution = {
      onDemandAllocationStrategy: autoscaling.OnDemandAllocationStrategy.PRIORITIZED,
      onDemandBaseCapacity: spot ? (spot.onDemandBase ?? 1) : 0,
      onDemandPercentageAboveBaseCapacity: spot ? 100 - (spot.percentage ?? 100) : 100,
      spotAllocationStrategy: autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
    };
    return {
      mixedInstancesPolicy: {
        launchTemplate: machines.launchTemplate,
        instancesDistribution: distribution,
        launchTemplateOverrides: [props.instanceType, ...alternatives].map((instanceType) => ({
          instanceType,
          ...this.#otherTemplate(machines, instanceType),
        })),
      },
    };
  }

  readonly #others = new Map<NodeArchitecture, ec2.LaunchTemplate>();

  /** Machines of the other architecture boot another image, from a launch template of its own. */
  #otherTemplate(machines: NodeMachines, instanceType: ec2.InstanceType) {
    const architecture = NodeArchitecture.of(instanceType);
    if (machines.architecture._arm || architecture === machines.architecture) return {};
    const made = this.#others.get(architecture);
    const launchTemplate =
      made ?? machines.launchTemplateFor('OtherLaunchTemplate', { instanceType, architecture });
    this.#others.set(architecture, launchTemplate);
    return { launchTemplate };
  }

  #tag(props: MediaGroupProps): void {
    const tags = Tags.of(this.autoScalingGroup);
    tags.add(NODES_TAG, props.autoScalingGroupName);
    const onGroup = { applyToLaunchedInstances: false };
    const { targetLoad = 0.6, headroomRooms = 2 } = props.scaling ?? {};
    tags.add(SCALING_TAGS.targetLoad, numberText(targetLoad), onGroup);
    tags.add(SCALING_TAGS.headroomRooms, numberText(headroomRooms), onGroup);
  }
}

function atLeast(min: number, max: number): number {
  return isKnown(min) && isKnown(max) ? Math.max(min, max) : max;
}
