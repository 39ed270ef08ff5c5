import { Duration, type IResource, Resource, Stack } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { PortUse } from '../node-image/contract';
import type { MediaNodesOptions } from './media-nodes-options';
import { MediaScaling } from './media-scaling';
import { NodeRole } from './node-architecture';
import { NodeConfig, type NodeSecrets, NodeSettings } from './node-config';
import { NodeDrain } from './node-drain';
import { NodeImage } from './node-image';
import { AddressPool } from './private/address-pool';
import { grantGroupControl } from './private/group-control';
import { letGroupsUse } from './private/group-key';
import { ImportedMediaNodes } from './private/imported-media-nodes';
import { bindJobs, type JobsEntry } from './private/jobs-config';
import { MediaGroup } from './private/media-group';
import {
  capacityOf,
  checkMediaNodes,
  defaultType,
  masterSettings,
  mediaSettings,
} from './private/media-props';
import { groupName } from './private/names';
import { NodeMachines } from './private/node-machines';
import { openToWorld, portsOf } from './private/port-rules';
import { secretSettings } from './private/secret-files';
import type { RecordingsStore } from './recordings-store';

/** The Media Nodes of a cluster, defined here or elsewhere. */
export interface IMediaNodes extends IResource, ec2.IConnectable, iam.IGrantable {
  /** Name of the Auto Scaling Group; known before it is made. */
  readonly autoScalingGroupName: string;

  /** URL of the queue in which the controller reads what AWS says of the machines. */
  readonly noticesQueueUrl: string;

  /** Lets the controller on Master Nodes size the group, end machines of it, and read the notices. */
  grantControl(grantee: iam.IGrantable): iam.Grant;

  /** Opens what the nodes of the cluster need of a Media Node to others, such as Master Nodes. */
  allowCluster(other: ec2.IConnectable): void;

  /** @internal What sluice.yaml of Master Nodes has to say of them. */
  readonly _masterSettings: NodeSettings;
}

/** What is known of Media Nodes that are defined elsewhere. */
export interface MediaNodesAttributes {
  /** Name of the Auto Scaling Group. */
  readonly autoScalingGroupName: string;

  /** ARN of the queue with the notices. */
  readonly noticesQueueArn: string;

  /** Security groups of the machines. */
  readonly securityGroups: ec2.ISecurityGroup[];

  /** The role of the machines. */
  readonly role: iam.IRole;
}

/** Properties of Media Nodes. */
export interface MediaNodesProps extends MediaNodesOptions {
  /** Where they are. */
  readonly vpc: ec2.IVpc;

  /**
   * In which subnets; public ones, as clients send to the machines themselves.
   *
   * @default - the public subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Secrets that they fetch at boot.
   *
   * @default - none
   */
  readonly secrets?: NodeSecrets;

  /** @internal Ports that nothing listens on, as TURN is elsewhere: not to be opened. */
  readonly _closedPorts?: readonly PortUse[];

  /** @internal Where clients, recorders and encoders come in. */
  readonly _jobsEntry?: JobsEntry;
}

/**
 * The Media Nodes of a cluster: machines that come and go with the load, and leave without dropping
 * a call.
 */
export class MediaNodes extends Resource implements IMediaNodes {
  /** Media Nodes that are defined elsewhere. */
  static fromMediaNodesAttributes(
    scope: Construct,
    id: string,
    attrs: MediaNodesAttributes,
  ): IMediaNodes {
    return new ImportedMediaNodes(scope, id, attrs);
  }

  /** Name of the Auto Scaling Group; known before it is made. */
  readonly autoScalingGroupName: string;

  /** URL of the queue in which the controller reads what AWS says of the machines. */
  readonly noticesQueueUrl: string;

  /** Who may reach the machines. */
  readonly connections: ec2.Connections;

  /** The role of the machines. */
  readonly grantPrincipal: iam.IPrincipal;

  /** @internal */
  readonly _masterSettings: NodeSettings;

  /** The group. Its size is the controller's: nothing here sets it. */
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;

  /** What machines are launched from. */
  readonly launchTemplate: ec2.LaunchTemplate;

  /** Security groups of the machines. */
  readonly securityGroups: ec2.ISecurityGroup[];

  /** The role of the machines. */
  readonly role: iam.IRole;

  /** How nodes leave. */
  readonly drain: NodeDrain;

  /** How the number of nodes follows the load. */
  readonly scaling: MediaScaling;

  /** Their sluice.yaml. */
  readonly config: NodeConfig;

  /** The addresses that were allocated for them; none without staticAddresses. */
  readonly addresses: ec2.CfnEIP[];

  /** Where recordings go; none without `jobs`, or where those have none. */
  readonly recordings?: RecordingsStore;

  /** Whether they run any. */
  readonly hasJobs: boolean;

  constructor(scope: Construct, id: string, props: MediaNodesProps) {
    super(scope, id);
    const { vpc, secrets = {}, encryptionKey } = props;
    const instanceType = props.instanceType ?? defaultType(props.architecture);
    const { minCapacity, maxCapacity } = capacityOf(props);
    const subnets = checkMediaNodes(this, props, { minCapacity, maxCapacity });
    this.autoScalingGroupName = groupName(this);
    this.drain = new NodeDrain(this, 'Drain', {
      ...props.drain,
      autoScalingGroupName: this.autoScalingGroupName,
      ...(encryptionKey ? { encryptionKey } : {}),
    });
    this.noticesQueueUrl = this.drain.queue.queueUrl;
    const jobs = bindJobs(this, props.jobs, {
      entry: props._jobsEntry,
      // That of the cluster.
      hasRedis: true,
      instanceTypes: [instanceType, ...(props.alternativeInstanceTypes ?? [])],
    });
    if (jobs?.recordings) this.recordings = jobs.recordings;
    this.hasJobs = jobs !== undefined;
    this.config = new NodeConfig(this, 'Config', {
      role: NodeRole.MEDIA,
      settings: secretSettings(secrets)
        .with(mediaSettings(this.autoScalingGroupName, this.drain))
        .with(jobs?.settings('media') ?? NodeSettings.none())
        .with(props.settings ?? NodeSettings.none()),
    });
    this._masterSettings = masterSettings(this, props.scaling).with(
      jobs?.settings('master') ?? NodeSettings.none(),
    );
    const pool = new AddressPool(
      this,
      'Addresses',
      props.staticAddresses,
      this.autoScalingGroupName,
    );
    this.addresses = pool.addresses;
    const machines = new NodeMachines(this, 'Machines', {
      role: NodeRole.MEDIA,
      vpc,
      image: props.image ?? NodeImage.fromAsset(),
      instanceType,
      architecture: props.architecture,
      config: this.config,
      secrets,
      tag: this.autoScalingGroupName,
      signalled: (): string => Stack.of(this).getLogicalId(group.resource),
      securityGroups: props.securityGroups,
      securityGroupDescription: 'Media Nodes: media and TURN of clients, the nodes of the cluster',
      machineRole: props.role,
      publicAddress: true,
      diskSize: props.diskSize,
      jobs,
      encryptionKey,
      logGroup: props.logGroup,
      boot: pool.boot,
    });
    pool.grantTake(machines.role, this.autoScalingGroupName);
    this.launchTemplate = machines.launchTemplate;
    this.securityGroups = machines.securityGroups;
    this.role = machines.role;
    this.grantPrincipal = machines.role;
    this.connections = new ec2.Connections({ securityGroups: machines.securityGroups });
    if (machines.ownSecurityGroup) {
      openToWorld(machines.ownSecurityGroup, 'media', props._closedPorts, jobs?.clientPorts);
      this.allowCluster(this);
    }
    this.drain.grantComplete(machines.role);

    const group: MediaGroup = new MediaGroup(this, 'Group', {
      ...props,
      minCapacity,
      maxCapacity,
      subnets,
      machines,
      instanceType,
      drain: this.drain,
      autoScalingGroupName: this.autoScalingGroupName,
    });
    this.autoScalingGroup = group.autoScalingGroup;
    this.scaling = new MediaScaling(this, 'Scaling', {
      ...props.scaling,
      autoScalingGroup: group.autoScalingGroup,
      autoScalingGroupName: this.autoScalingGroupName,
      initialCapacity: props.initialCapacity,
    });
    if (encryptionKey) letGroupsUse(this, encryptionKey);
    this.node.defaultChild = group.resource;
  }

  /** Lets the controller on Master Nodes size the group, end machines of it, and read the notices. */
  grantControl(grantee: iam.IGrantable): iam.Grant {
    return grantGroupControl(this, grantee, this.autoScalingGroupName).combine(
      this.drain.grantControl(grantee),
    );
  }

  /** Opens what the nodes of the cluster need of a Media Node to others, such as Master Nodes. */
  allowCluster(other: ec2.IConnectable): void {
    for (const { port, what } of portsOf('media', 'cluster')) {
      this.connections.allowFrom(other, port, `${what}, nodes of the cluster`);
    }
  }

  /** A metric of the group in CloudWatch, by its name, such as `GroupInServiceInstances`. */
  metric(metricName: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'AWS/AutoScaling',
      metricName,
      dimensionsMap: { AutoScalingGroupName: this.autoScalingGroupName },
      statistic: 'Average',
      period: Duration.minutes(1),
      ...options,
    });
  }

  /** Machines that serve. */
  metricInService(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('GroupInServiceInstances', options);
  }

  /** Machines that leave. */
  metricTerminating(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('GroupTerminatingInstances', options);
  }
}
