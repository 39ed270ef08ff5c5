import type { Duration, Size } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Jobs } from './jobs';
import type { MediaScalingOptions } from './media-scaling';
import type { NodeArchitecture } from './node-architecture';
import type { NodeSettings } from './node-config';
import type { DrainOptions } from './node-drain';
import type { NodeImage } from './node-image';
import type { StaticAddresses } from './static-addresses';

/** Spot machines in a group of Media Nodes. */
export interface SpotOptions {
  /**
   * So many machines are not spot, whatever happens.
   *
   * @default 1
   */
  readonly onDemandBase?: number;

  /**
   * Percentage of the machines above `onDemandBase` that are spot.
   *
   * @default 100
   */
  readonly percentage?: number;
}

/** Machines that are prepared beforehand. */
export interface MediaWarmPoolOptions {
  /**
   * So many at least. A stopped one costs its disk, about 1.60 USD a month with 20 GiB.
   *
   * @default 1
   */
  readonly minSize?: number;

  /**
   * So many at most, with those in service.
   *
   * @default - the maximum of the group
   */
  readonly maxPreparedCapacity?: number;

  /**
   * Kept running they serve within seconds and cost as much as in service; stopped, they boot first.
   *
   * @default false
   */
  readonly running?: boolean;
}

/** Choices for Media Nodes; a cluster takes them as `mediaNodes`. */
export interface MediaNodesOptions {
  /**
   * The machine. Media takes CPU first: compute-optimized types carry most for their price. The
   * default has 4 cores and up to 12.5 Gbit/s, carries some 200 participants, and costs about
   * 0.18 USD an hour, traffic aside.
   *
   * @default c7i.xlarge; c7g.xlarge with NodeArchitecture.ARM_64
   */
  readonly instanceType?: ec2.InstanceType;

  /**
   * The processor of `instanceType`.
   *
   * @default - that of instanceType; x86_64 where the type is a token
   */
  readonly architecture?: NodeArchitecture;

  /**
   * Other types that are taken, in this order, where there are no more of the first; of either
   * architecture.
   *
   * @default - none
   */
  readonly alternativeInstanceTypes?: ec2.InstanceType[];

  /**
   * Take spot machines: cheaper, and AWS may take one back with 2 minutes' notice, in which its
   * Rooms move. Name alternatives, too.
   *
   * @default - no spot machines
   */
  readonly spot?: SpotOptions;

  /**
   * Machines at least.
   *
   * @default 1
   */
  readonly minCapacity?: number;

  /**
   * Machines at most.
   *
   * @default 4, or minCapacity where that is more
   */
  readonly maxCapacity?: number;

  /**
   * Machines when the group is made; later deployments leave the size alone.
   *
   * @default - minCapacity
   */
  readonly initialCapacity?: number;

  /**
   * How nodes leave.
   *
   * @default - 15 minutes of patience, empty within an hour, then forced
   */
  readonly drain?: DrainOptions;

  /**
   * How their number follows the load.
   *
   * @default - load kept below 0.6, with room for 2 more Rooms
   */
  readonly scaling?: MediaScalingOptions;

  /**
   * Prepare machines beforehand. Not with spot.
   *
   * @default - none are
   */
  readonly warmPool?: MediaWarmPoolOptions;

  /**
   * Keep the addresses of the nodes the same.
   *
   * @default - addresses of the subnets, new for each machine
   */
  readonly staticAddresses?: StaticAddresses;

  /**
   * Recording, streaming out and streaming in.
   *
   * @default - none: WHIP works all the same, everything else needs ffmpeg on the machines
   */
  readonly jobs?: Jobs;

  /**
   * What the machines boot.
   *
   * @default NodeImage.fromAsset()
   */
  readonly image?: NodeImage;

  /**
   * Settings of sluice.yaml for Media Nodes.
   *
   * @default - none but those that follow from the other properties
   */
  readonly settings?: NodeSettings;

  /**
   * Security groups of the machines. What Media Nodes need has to be open in them: nothing is added
   * for clients.
   *
   * @default - one that opens what clients send media and TURN to, and nothing else, to everybody
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The role of the machines. It is granted what they need, and no more.
   *
   * @default - a new one
   */
  readonly role?: iam.IRole;

  /**
   * Size of a machine's disk; at 0.08 USD a GB and month. A recording is on it until it is stored, 2 GB
   * an hour at 1080p.
   *
   * @default - 20 GiB; 64 GiB with jobs
   */
  readonly diskSize?: Size;

  /**
   * Key that disks and queues are encrypted with. The service-linked role of Auto Scaling has to be
   * let use it, which is done here for a key of the same app.
   *
   * @default - keys of AWS, at no cost
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Log group that the machines send the journal of their services to. Costs 0.50 USD for each GB.
   *
   * @default - logs stay on the machines, and end with them
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * How long the first machines may take until a call through them works, before the deployment
   * fails.
   *
   * @default Duration.minutes(30)
   */
  readonly creationTimeout?: Duration;
}
