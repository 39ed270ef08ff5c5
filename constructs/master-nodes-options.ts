import type { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type { NodeArchitecture } from './node-architecture';
import type { NodeSettings } from './node-config';
import type { NodeImage } from './node-image';

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
   * Log group that the machines send the journal of their services to. Costs 0.50 USD for each GB.
   *
   * @default - logs stay on the machines, and end with them
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * How long the first machines may take until they serve, before the deployment fails.
   *
   * @default Duration.minutes(30)
   */
  readonly creationTimeout?: Duration;
}
