import { type Duration, Resource, type Size } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import {
  type ClusterAttributes,
  type ClusterOptions,
  type ICluster,
  ImportedCluster,
} from './cluster';
import { ClusterEntry } from './cluster-entry';
import type { ClusterSecrets } from './cluster-secrets';
import type { Jobs } from './jobs';
import type { Network } from './network';
import type { NodeArchitecture } from './node-architecture';
import type { NodeConfig } from './node-config';
import { NodeImage } from './node-image';
import { networkOf, secretsOf, turnOf } from './private/build-cluster';
import { SingleMachine } from './private/single-machine';
import type { RecordingsStore } from './recordings-store';
import type { ISignalingEntry } from './signaling-entry-existing';

/** Properties of a Single Node. */
export interface SingleNodeProps extends ClusterOptions {
  /**
   * How clients come in.
   *
   * @default - on the machine itself with `Domain.letsEncrypt()`, `Domain.ownCertificate()` and
   * `Domain.none()`; else a load balancer, about 17 USD a month and by what passes
   */
  readonly entry?: ClusterEntry;

  /**
   * The machine. Media takes CPU first: compute-optimized types carry most for their price.
   *
   * @default c7i.xlarge, about 0.18 USD an hour; c7g.xlarge with NodeArchitecture.ARM_64
   */
  readonly instanceType?: ec2.InstanceType;

  /**
   * The processor of `instanceType`.
   *
   * @default - that of instanceType; x86_64 where the type is a token
   */
  readonly architecture?: NodeArchitecture;

  /**
   * Recording, streaming out and streaming in.
   *
   * @default - none: WHIP works all the same, everything else needs ffmpeg on the machine
   */
  readonly jobs?: Jobs;

  /**
   * Security groups of the machine. What clients send media to has to be open in them.
   *
   * @default - one that opens what clients send media and TURN to
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The role of the machine. It is granted what it needs, and no more.
   *
   * @default - a new one
   */
  readonly role?: iam.IRole;

  /**
   * Size of the machine's disk; at 0.08 USD a GB and month. A recording is on it until it is stored, 2 GB
   * an hour at 1080p.
   *
   * @default - 20 GiB; 64 GiB with jobs
   */
  readonly diskSize?: Size;

  /**
   * How long the machine may take until a call through it works, before the deployment fails.
   *
   * @default Duration.minutes(30)
   */
  readonly creationTimeout?: Duration;
}

/**
 * One machine with everything: signaling, media, TURN. It comes back by itself when it dies; calls do
 * not outlive it, and nothing scales.
 *
 * Costs about 165 USD a month in us-east-1: the default machine, which carries some 200 participants,
 * 130, the load balancer 17, addresses, disk and secrets 18. Traffic comes on top: 0.09 USD a GB that
 * clients receive.
 */
export class SingleNode extends Resource implements ICluster {
  /** A Single Node that another app or stack has. */
  static fromSingleNodeAttributes(
    scope: Construct,
    id: string,
    attrs: ClusterAttributes,
  ): ICluster {
    return new ImportedCluster(scope, id, attrs);
  }

  /** What clients and servers are given: `https://meet.example.com`. */
  readonly url: string;

  /** The name in it. */
  readonly domainName: string;

  /** The key pair that access tokens are signed with: JSON with `key` and `secret`. */
  readonly apiKey: sm.ISecret;

  /** Of what clients come in by, with its port. */
  readonly connections: ec2.Connections;

  /** The VPC and its subnets. */
  readonly network: Network;

  /** The API key pair; there is no cluster secret. */
  readonly secrets: ClusterSecrets;

  /** The load balancer; none where clients reach the machine itself. */
  readonly entry?: ISignalingEntry;

  /** The group of one that brings the machine back. */
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;

  /** What the machine is launched from. */
  readonly launchTemplate: ec2.LaunchTemplate;

  /** The role of the machine. */
  readonly role: iam.IRole;

  /** Its sluice.yaml. */
  readonly config: NodeConfig;

  /** Where recordings go; none without `jobs`, or where those have none. */
  readonly recordings?: RecordingsStore;

  constructor(scope: Construct, id: string, props: SingleNodeProps) {
    super(scope, id);
    this.network = networkOf(this, props);
    this.secrets = secretsOf(this, props, 'single node');
    const isOnMachine = props.domain._needsMachine || props.domain.domainName === undefined;
    const choice =
      props.entry ?? (isOnMachine ? ClusterEntry.onMasterNode() : ClusterEntry.loadBalancer());
    const entry = choice._bind(this, {
      network: this.network,
      domain: props.domain,
      rtmp: props.jobs?._rtmp ?? false,
    });
    const turn = turnOf(this, props, 'single', entry.turnDomain);
    const machine = new SingleMachine(this, 'Machine', {
      ...props,
      image: props.image ?? NodeImage.fromAsset(),
      vpc: this.network.vpc,
      subnets: this.network.mediaSubnets.subnets,
      entry,
      turn,
      secrets: {
        apiKey: this.secrets.apiKey,
        ...(turn.secret && { turn: turn.secret }),
        ...(entry.certificateSecret && { certificate: entry.certificateSecret }),
      },
    });
    this.autoScalingGroup = machine.autoScalingGroup;
    this.launchTemplate = machine.launchTemplate;
    this.role = machine.role;
    this.config = machine.config;
    if (machine.recordings) this.recordings = machine.recordings;
    const address = entry.attach(machine);
    if (entry.balancer) this.entry = entry.balancer;
    this.url = address.url;
    this.domainName = address.domainName;
    this.connections = address.connections;
    this.apiKey = this.secrets.apiKey;
    this.node.defaultChild = machine.autoScalingGroup.node.defaultChild;
  }

  /** Lets an application read the key pair: it may let anybody into any Room. */
  grantApiKey(grantee: iam.IGrantable): iam.Grant {
    return this.apiKey.grantRead(grantee);
  }
}
