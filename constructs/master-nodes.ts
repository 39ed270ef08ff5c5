import { type Duration, RemovalPolicy, type Size } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';
import type { IMediaNodes } from './media-nodes';
import type { NodeArchitecture } from './node-architecture';
import type { NodeConfig, NodeSecrets, NodeSettings } from './node-config';
import type { NodeImage } from './node-image';
import type { StaticAddresses } from './static-addresses';

/** The disk of an only master, which outlives its machine. */
export interface MasterDataVolumeOptions {
  /**
   * Its size; at 0.08 USD a GB and month.
   *
   * @default Size.gibibytes(20)
   */
  readonly size?: Size;

  /**
   * What becomes of it when the stack is deleted: kept, snapshotted, or gone. A creation that fails
   * leaves none in any case but the snapshot.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** A name for the private address of an only master, the same for each machine after the other. */
export interface MasterAddressRecord {
  /** A private zone of the VPC. */
  readonly zone: route53.IHostedZone;

  /** The name, whole: `master.meet.internal`. */
  readonly name: string;
}

/** Choices for Master Nodes; a cluster takes them as `masterNodes`. */
export interface MasterNodesOptions {
  /**
   * How many: 1, or more over the zones there are.
   *
   * @default 3; 1 with dataVolume
   */
  readonly count?: number;

  /**
   * The machine. They carry signaling and TURN/TLS, no other media.
   *
   * @default c7i.large, about 0.09 USD an hour; c7g.large with NodeArchitecture.ARM_64
   */
  readonly instanceType?: ec2.InstanceType;

  /**
   * The processor of `instanceType`.
   *
   * @default - that of instanceType; x86_64 where the type is a token
   */
  readonly architecture?: NodeArchitecture;

  /**
   * What the machines boot.
   *
   * @default NodeImage.fromAsset()
   */
  readonly image?: NodeImage;

  /**
   * Settings of sluice.yaml for Master Nodes.
   *
   * @default - none but those that follow from the other properties
   */
  readonly settings?: NodeSettings;

  /**
   * Security groups of the machines; nothing is opened in them here.
   *
   * @default - one that lets nobody in: whoever may is allowed by `connections`
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The role of the machines. It is granted what they need, and no more.
   *
   * @default - a new one
   */
  readonly role?: iam.IRole;

  /**
   * Size of a machine's own disk.
   *
   * @default Size.gibibytes(20)
   */
  readonly diskSize?: Size;

  /**
   * Key that disks are encrypted with. The service-linked role of Auto Scaling has to be let use
   * it, which is done here for a key of the same app.
   *
   * @default - the account's key for EBS, at no cost
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Log group that the nodes write to.
   *
   * @default - logs stay on the machines
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * How long the first machines may take until they serve, before the deployment fails.
   *
   * @default Duration.minutes(15)
   */
  readonly creationTimeout?: Duration;
}

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
}

/**
 * The Master Nodes of a cluster: one that comes back by itself with its data, or several over zones
 * of which a dead one is replaced.
 */
export class MasterNodes extends Construct implements ec2.IConnectable, iam.IGrantable {
  readonly connections: ec2.Connections;
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

  constructor(scope: Construct, id: string, props: MasterNodesProps) {
    super(scope, id);
    throw new Error(`not yet: ${props.vpc.vpcId} ${RemovalPolicy.RETAIN}`);
  }
}
