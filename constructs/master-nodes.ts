import { Stack } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type {
  MasterAddressRecord,
  MasterDataVolumeOptions,
  MasterNodesOptions,
} from './master-nodes-options';
import type { IMediaNodes } from './media-nodes';
import { NodeRole } from './node-architecture';
import { NodeConfig, type NodeSecrets, NodeSettings } from './node-config';
import { NodeImage } from './node-image';
import { AddressPool } from './private/address-pool';
import { grantRecord, recordOf } from './private/address-record';
import { bootOfVolume, defineDataVolume, grantAttach } from './private/data-volume';
import { letGroupsUse } from './private/group-key';
import type { MachineEntry } from './private/machine-entry';
import { MasterGroup } from './private/master-group';
import { areKnownPublic, checkMasterNodes, defaultMasterType } from './private/master-props';
import { groupName } from './private/names';
import { NodeMachines } from './private/node-machines';
import { secretSettings } from './private/secret-files';
import { Problems } from './private/validation';
import type { StaticAddresses } from './static-addresses';

export type {
  MasterAddressRecord,
  MasterDataVolumeOptions,
  MasterNodesOptions,
} from './master-nodes-options';

/** Properties of Master Nodes. */
export interface MasterNodesProps extends MasterNodesOptions {
  /** Where they are. */
  readonly vpc: ec2.IVpc;

  /**
   * In which subnets. They need a way out: public addresses, NAT, or VPC endpoints. An only master
   * with a data volume is in the first of them.
   *
   * @default - the public subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Give machines a public address: needed in public subnets, useless in private ones.
   *
   * @default - where the subnets are public ones
   */
  readonly publicAddress?: boolean;

  /**
   * The Media Nodes that they control: they are granted that, and told of it in sluice.yaml.
   *
   * @default - none
   */
  readonly mediaNodes?: IMediaNodes;

  /**
   * Secrets that they fetch at boot.
   *
   * @default - none
   */
  readonly secrets?: NodeSecrets;

  /**
   * A disk that outlives the machine, for an only master that keeps Redis.
   *
   * @default - none
   */
  readonly dataVolume?: MasterDataVolumeOptions;

  /**
   * A private name that an only master gives itself at boot, by which Media Nodes find it.
   *
   * @default - none
   */
  readonly addressRecord?: MasterAddressRecord;

  /**
   * A public address that stays, for an only master without a load balancer.
   *
   * @default - none
   */
  readonly staticAddresses?: StaticAddresses;

  /** @internal What HAProxy on the machines listens on for clients. */
  readonly _entry?: MachineEntry;
}

/**
 * The Master Nodes of a cluster: one that comes back by itself with its data, or several over zones
 * of which a dead one is replaced.
 */
export class MasterNodes extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** Who may reach the machines. */
  readonly connections: ec2.Connections;

  /** The role of the machines. */
  readonly grantPrincipal: iam.IPrincipal;

  /** The group. */
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;

  /** Its name; known before it is made. */
  readonly autoScalingGroupName: string;

  /** What machines are launched from. */
  readonly launchTemplate: ec2.LaunchTemplate;

  /** Security groups of the machines. */
  readonly securityGroups: ec2.ISecurityGroup[];

  /** The role of the machines. */
  readonly role: iam.IRole;

  /** The disk that outlives the machine, where there is one. */
  readonly dataVolume?: ec2.Volume;

  /** Their sluice.yaml. */
  readonly config: NodeConfig;

  /** The addresses that were allocated for them; none without staticAddresses. */
  readonly addresses: ec2.CfnEIP[];

  /** The log group that their journals are sent to, where there is one. */
  readonly logGroup?: logs.ILogGroup;

  constructor(scope: Construct, id: string, props: MasterNodesProps) {
    super(scope, id);
    const { vpc, mediaNodes, encryptionKey } = props;
    const count = props.count ?? (props.dataVolume ? 1 : 3);
    const problems = new Problems(this);
    const subnets = checkMasterNodes(vpc, { ...props, count }, problems);
    this.autoScalingGroupName = groupName(this);
    if (props.logGroup) this.logGroup = props.logGroup;
    const [first] = subnets.subnets;
    if (props.dataVolume && first) {
      this.dataVolume = defineDataVolume(this, 'DataVolume', {
        options: props.dataVolume,
        subnet: first,
        encryptionKey,
        problems,
      });
    }
    problems.report();
    const secrets = props.secrets ?? {};
    this.config = new NodeConfig(this, 'Config', {
      role: NodeRole.MASTER,
      settings: secretSettings(secrets)
        .with(NodeSettings.fromObject({ sluice: { cloud: { kind: 'aws' } } }))
        .with(mediaNodes?._masterSettings ?? NodeSettings.none())
        .with(props.settings ?? NodeSettings.none()),
    });
    const pool = new AddressPool(
      this,
      'Addresses',
      props.staticAddresses,
      this.autoScalingGroupName,
    );
    this.addresses = pool.addresses;
    const machines = new NodeMachines(this, 'Machines', {
      role: NodeRole.MASTER,
      vpc,
      image: props.image ?? NodeImage.fromAsset(),
      instanceType: props.instanceType ?? defaultMasterType(props.architecture),
      architecture: props.architecture,
      config: this.config,
      secrets,
      tag: this.autoScalingGroupName,
      signalled: (): string => Stack.of(this).getLogicalId(group.resource),
      securityGroups: props.securityGroups,
      securityGroupDescription: 'Master Nodes: nobody but who is let in by name',
      machineRole: props.role,
      publicAddress: props.publicAddress ?? areKnownPublic(vpc, subnets),
      diskSize: props.diskSize,
      encryptionKey,
      logGroup: props.logGroup,
      boot: {
        ...bootOfVolume(this.dataVolume),
        // The disk is for Redis.
        ...(props.dataVolume ? { redis: { server: true } } : {}),
        ...(props._entry ? { entry: props._entry } : {}),
        ...pool.boot,
      },
      addressRecord: props.addressRecord && recordOf(props.addressRecord),
    });
    this.launchTemplate = machines.launchTemplate;
    this.securityGroups = machines.securityGroups;
    this.role = machines.role;
    this.grantPrincipal = machines.role;
    this.connections = new ec2.Connections({ securityGroups: machines.securityGroups });
    pool.grantTake(machines.role, this.autoScalingGroupName);
    if (this.dataVolume) {
      const nodes = this.autoScalingGroupName;
      grantAttach(this.dataVolume, machines.role, { nodes, encryptionKey });
    }
    if (props.addressRecord) grantRecord(machines.role, props.addressRecord);
    mediaNodes?.grantControl(machines.role);
    mediaNodes?.allowCluster(this);

    const group: MasterGroup = new MasterGroup(this, 'Group', {
      autoScalingGroupName: this.autoScalingGroupName,
      vpc,
      // A disk is in one zone, and so is the machine that it is for.
      subnets: props.dataVolume && first ? [first] : subnets.subnets,
      count,
      machines,
      creationTimeout: props.creationTimeout,
    });
    this.autoScalingGroup = group.autoScalingGroup;
    if (encryptionKey) letGroupsUse(this, encryptionKey);
    this.node.defaultChild = group.resource;
  }
}
