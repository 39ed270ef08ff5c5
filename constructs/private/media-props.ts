import { Annotations, type Duration, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { DEPLOYMENT_DEFAULTS, drainSettings, scalingSettings } from '../../node-image/contract';
import type { MediaNodesProps } from '../media-nodes';
import type { MediaNodesOptions } from '../media-nodes-options';
import type { MediaScalingOptions } from '../media-scaling';
import { NodeArchitecture } from '../node-architecture';
import { NodeSettings } from '../node-config';
import type { NodeDrain } from '../node-drain';
import { chooseSubnets, mustBePublic } from './subnets';
import { isKnown, numberText, Problems } from './validation';

/** The limits of a group of Media Nodes. */
export interface Capacity {
  readonly minCapacity: number;
  readonly maxCapacity: number;
}

/** The default machine of an architecture. */
export function defaultType(architecture: NodeArchitecture | undefined): ec2.InstanceType {
  return new ec2.InstanceType(
    architecture === NodeArchitecture.ARM_64 ? 'c7g.xlarge' : 'c7i.xlarge',
  );
}

/** The limits that were given, or those by default. */
export function capacityOf(options: MediaNodesOptions): Capacity {
  const minCapacity = options.minCapacity ?? DEPLOYMENT_DEFAULTS.minCapacity;
  const most = DEPLOYMENT_DEFAULTS.maxCapacity;
  const byDefault = isKnown(minCapacity) ? Math.max(most, minCapacity) : most;
  return { minCapacity, maxCapacity: options.maxCapacity ?? byDefault };
}

/** What sluice.yaml of Media Nodes says that follows from their group. */
export function mediaSettings(group: string, drain: NodeDrain): NodeSettings {
  return NodeSettings.fromObject({
    sluice: { cloud: { kind: 'aws', media_group: group } },
  }).with(leaving(drain));
}

/** What sluice.yaml of Master Nodes says of Media Nodes: the controller works by it. */
export function masterSettings(
  nodes: { autoScalingGroupName: string; noticesQueueUrl: string; drain: NodeDrain },
  scaling: MediaScalingOptions = {},
): NodeSettings {
  // Target load and headroom are tags of the group.
  const { scaleInAfter } = scaling;
  return NodeSettings.fromObject({ sluice: { cloud: cloudSettings(nodes) } })
    .with(leaving(nodes.drain))
    .with(
      NodeSettings.fromObject(
        scalingSettings('aws', scaleInAfter === undefined ? undefined : seconds(scaleInAfter)),
      ),
    );
}

/** Where the controller finds the group and what AWS says of its machines. */
export function cloudSettings(nodes: { autoScalingGroupName: string; noticesQueueUrl: string }) {
  return {
    kind: 'aws',
    media_group: nodes.autoScalingGroupName,
    notices_queue: nodes.noticesQueueUrl,
  };
}

function leaving(drain: NodeDrain): NodeSettings {
  return NodeSettings.fromObject(
    drainSettings({
      patience: seconds(drain.patience),
      deadline: seconds(drain.deadline),
      onDeadline: drain.onDeadline,
    }),
  );
}

function seconds(value: Duration): string {
  return `${numberText(value.toSeconds())}s`;
}

/** Tells what is wrong with the properties, and answers the subnets. */
export function checkMediaNodes(
  scope: Construct,
  props: MediaNodesProps,
  { minCapacity, maxCapacity }: Capacity,
): ec2.SelectedSubnets {
  const problems = new Problems(scope);
  problems.integer('minCapacity', minCapacity, { min: 1, max: 1000 });
  problems.integer('maxCapacity', maxCapacity, { min: 1, max: 1000 });
  problems.ordered('minCapacity', minCapacity, 'maxCapacity', maxCapacity);
  problems.integer('initialCapacity', props.initialCapacity, { min: 1, max: 1000 });
  problems.ordered('minCapacity', minCapacity, 'initialCapacity', props.initialCapacity);
  problems.ordered('initialCapacity', props.initialCapacity, 'maxCapacity', maxCapacity);
  problems.integer('spot.onDemandBase', props.spot?.onDemandBase, { min: 0, max: 1000 });
  problems.integer('spot.percentage', props.spot?.percentage, { min: 1, max: 100 });
  problems.integer('warmPool.minSize', props.warmPool?.minSize, { min: 0, max: 1000 });
  problems.check(props.spot === undefined || props.warmPool === undefined, {
    what: 'spot and warmPool',
    given: 'both',
    allowed: 'one of them: AWS prepares no spot machines',
    fix: 'leave out warmPool, or spot',
  });
  problems.integer('staticAddresses', props.staticAddresses?._count, { min: 1, max: 1000 });
  const isConditional = props.architecture?._arm !== undefined;
  problems.check(!isConditional || (props.alternativeInstanceTypes ?? []).length === 0, {
    what: 'architecture and alternativeInstanceTypes',
    given: 'an architecture that is chosen at deployment, and alternatives',
    allowed: 'alternatives to machines of a known architecture',
    fix: 'leave out alternativeInstanceTypes, or give NodeArchitecture.X86_64 or ARM_64',
  });
  const subnets = chooseSubnets(
    props.vpc,
    'vpcSubnets',
    props.vpcSubnets ?? { subnetType: ec2.SubnetType.PUBLIC },
    problems,
  );
  mustBePublic(props.vpc, 'vpcSubnets', subnets, problems);
  problems.report();
  warnOfBurstable(scope, props);
  return subnets;
}

function warnOfBurstable(scope: Construct, { instanceType }: MediaNodesProps): void {
  if (instanceType === undefined || Token.isUnresolved(instanceType.toString())) return;
  if (!instanceType.isBurstable()) return;
  Annotations.of(scope).addWarningV2(
    'sluice:burstableMediaNodes',
    `instanceType ${instanceType.toString()} earns its CPU over hours: under calls it runs out of credits, and media stutters; take a compute-optimized type such as c7i.xlarge`,
  );
}
