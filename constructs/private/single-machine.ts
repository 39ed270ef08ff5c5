import { Stack } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { namesRedis, PORT_USES, PORTS } from '../../node-image/contract';
import { NodeRole } from '../node-architecture';
import { NodeConfig, type NodeSecrets, NodeSettings } from '../node-config';
import type { RecordingsStore } from '../recordings-store';
import type { SingleNodeProps } from '../single-node';
import { StaticAddresses } from '../static-addresses';
import { AddressPool } from './address-pool';
import type { ClientEntry } from './client-entry';
import { BEHIND_OWN_HAPROXY } from './cluster-settings';
import { letGroupsUse } from './group-key';
import type { BindableImage } from './image-binding';
import { bindJobs } from './jobs-config';
import { MasterGroup } from './master-group';
import { defaultType } from './media-props';
import { groupName } from './names';
import { NodeMachines } from './node-machines';
import { openToWorld } from './port-rules';
import { secretSettings } from './secret-files';
import type { TurnConfig } from './turn-config';

/** Properties of the machine. */
export interface SingleMachineProps
  extends Omit<SingleNodeProps, 'image' | 'secrets' | 'entry' | 'turn' | 'vpc'> {
  readonly image: BindableImage;
  readonly vpc: ec2.IVpc;
  /** Public: clients send media to the machine itself. */
  readonly subnets: ec2.ISubnet[];
  readonly entry: ClientEntry;
  readonly turn: TurnConfig;
  readonly secrets: NodeSecrets;
}

/** The machine of a Single Node, in a group of one that brings it back. */
export class SingleMachine extends Construct implements ec2.IConnectable {
  readonly connections: ec2.Connections;
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  readonly launchTemplate: ec2.LaunchTemplate;
  readonly role: iam.IRole;
  readonly config: NodeConfig;
  readonly addresses: ec2.CfnEIP[];
  readonly recordings?: RecordingsStore;

  constructor(scope: Construct, id: string, props: SingleMachineProps) {
    super(scope, id);
    const { entry, turn, encryptionKey, secrets } = props;
    const autoScalingGroupName = groupName(this);
    const instanceType = props.instanceType ?? defaultType(props.architecture);
    const jobs = bindJobs(this, props.jobs, {
      entry,
      instanceTypes: [instanceType],
      hasRedis: namesRedis(props.settings?._values ?? {}),
    });
    if (jobs?.recordings) this.recordings = jobs.recordings;
    this.config = new NodeConfig(this, 'Config', {
      role: NodeRole.SINGLE,
      settings: secretSettings(secrets)
        .with(BEHIND_OWN_HAPROXY)
        .with(NodeSettings.fromObject({ sluice: { cloud: { kind: 'aws' } } }))
        .with(turn.settings)
        .with(jobs?.settings('single') ?? NodeSettings.none())
        .with(props.settings ?? NodeSettings.none()),
    });
    // The same address for each machine after the other: clients, and their firewalls, know it.
    const addresses = entry.isOnMachine ? StaticAddresses.allocate(1) : undefined;
    const pool = new AddressPool(this, 'Addresses', addresses, autoScalingGroupName);
    this.addresses = pool.addresses;
    const machines = new NodeMachines(this, 'Machines', {
      role: NodeRole.SINGLE,
      vpc: props.vpc,
      image: props.image,
      instanceType,
      architecture: props.architecture,
      config: this.config,
      secrets,
      tag: autoScalingGroupName,
      signalled: (): string => Stack.of(this).getLogicalId(group.resource),
      securityGroups: props.securityGroups,
      securityGroupDescription: 'Single Node: clients, media and TURN',
      machineRole: props.role,
      publicAddress: true,
      diskSize: props.diskSize,
      jobs,
      encryptionKey,
      logGroup: props.logGroup,
      boot: { entry: entry.machine, ...pool.boot },
    });
    pool.grantTake(machines.role, autoScalingGroupName);
    this.launchTemplate = machines.launchTemplate;
    this.role = machines.role;
    this.connections = new ec2.Connections({ securityGroups: machines.securityGroups });
    if (machines.ownSecurityGroup) {
      const closed = [...turn.closedPorts, ...BEHIND_HAPROXY];
      openToWorld(machines.ownSecurityGroup, 'single', closed, jobs?.clientPorts);
    }
    const group: MasterGroup = new MasterGroup(this, 'Group', {
      autoScalingGroupName,
      vpc: props.vpc,
      subnets: props.subnets,
      count: 1,
      machines,
      creationTimeout: props.creationTimeout,
    });
    this.autoScalingGroup = group.autoScalingGroup;
    if (encryptionKey) letGroupsUse(this, encryptionKey);
  }
}

/** Clients come to HAProxy, which is on the machine. */
const BEHIND_HAPROXY = PORT_USES.filter(({ start }) => start === PORTS.http);
