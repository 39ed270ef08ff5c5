import { Resource } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import {
  type ClusterAttributes,
  type ICluster,
  ImportedCluster,
  type MultiNodeClusterOptions,
} from './cluster';
import { ClusterEntry } from './cluster-entry';
import type { ClusterSecrets } from './cluster-secrets';
import type { MasterNodes, MasterNodesProps } from './master-nodes';
import type { MasterDataVolumeOptions } from './master-nodes-options';
import type { MediaNodes } from './media-nodes';
import type { Network } from './network';
import { Observability } from './observability';
import { buildCluster, masterZone, networkOf, secretsOf } from './private/build-cluster';
import { checkMasters } from './private/cluster-checks';
import { Problems } from './private/validation';
import type { RecordingsStore } from './recordings-store';
import { RedisStore } from './redis-store';
import type { IRedisStore } from './redis-store-existing';
import type { ISignalingEntry } from './signaling-entry-existing';

/** Properties of an Elastic cluster. */
export interface ElasticClusterProps extends MultiNodeClusterOptions {
  /**
   * The disk of the Master Node with Redis on it, which outlives the machine. Not with `redis`.
   *
   * @default - 20 GiB, about 1.60 USD a month, kept when the stack is deleted
   */
  readonly dataVolume?: MasterDataVolumeOptions;
}

/**
 * A cluster of one Master Node and Media Nodes that come and go with the load.
 *
 * Without its Master Node nobody can join, and those who are in go on: the node restarts within
 * 10 s, and its machine is replaced within minutes, with its data. At rest it costs about 237 USD a
 * month in us-east-1: the Master Node 65, 1 Media Node 130, the load balancer 17 (none with
 * `ClusterEntry.onMasterNode()`), addresses, disks and secrets 25. Traffic comes on top: 0.09 USD a
 * GB that clients receive.
 */
export class ElasticCluster extends Resource implements ICluster {
  /** A cluster that another app or stack has. */
  static fromElasticClusterAttributes(
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

  /** API key pair, cluster secret. */
  readonly secrets: ClusterSecrets;

  /** The Redis of the nodes. */
  readonly redis: IRedisStore;

  /** The load balancer; none with `ClusterEntry.onMasterNode()`. */
  readonly entry?: ISignalingEntry;

  /** The steady side: one machine. */
  readonly masterNodes: MasterNodes;

  /** The elastic side. */
  readonly mediaNodes: MediaNodes;

  /** Where recordings go; none without `mediaNodes.jobs`, or where those have none. */
  readonly recordings?: RecordingsStore;

  /** Metrics; a dashboard and alarms on request. */
  readonly observability: Observability;

  constructor(scope: Construct, id: string, props: ElasticClusterProps) {
    super(scope, id);
    checkMasters(this, props, 'one');
    const problems = new Problems(this);
    problems.atMostOne({ redis: props.redis, dataVolume: props.dataVolume });
    problems.report();
    this.network = networkOf(this, props);
    this.secrets = secretsOf(this, props);
    const { redis, masters } = props.redis
      ? { redis: props.redis, masters: {} }
      : this.#redisOnMaster(props);
    this.redis = redis;
    const choice =
      props.entry ??
      (props.domain._needsMachine ? ClusterEntry.onMasterNode() : ClusterEntry.loadBalancer());
    const { mediaNodes, masterNodes, entry, address } = buildCluster(this, props, this, {
      entry: choice,
      masters: { count: 1, ...masters },
      redis,
    });
    if (entry.balancer) this.entry = entry.balancer;
    this.mediaNodes = mediaNodes;
    if (mediaNodes.recordings) this.recordings = mediaNodes.recordings;
    this.masterNodes = masterNodes;
    this.url = address.url;
    this.domainName = address.domainName;
    this.connections = address.connections;
    this.apiKey = this.secrets.apiKey;
    this.observability = new Observability(this, 'Observability', this);
  }

  /** Lets an application read the key pair: it may let anybody into any Room. */
  grantApiKey(grantee: iam.IGrantable): iam.Grant {
    return this.apiKey.grantRead(grantee);
  }

  /** How busy the Media Nodes are: their average CPU, in percent. */
  metricMediaLoad(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.observability.metricMediaLoad(options);
  }

  /** Redis on the Master Node's own disk, found by a name that follows the machine. */
  #redisOnMaster(props: ElasticClusterProps): {
    redis: IRedisStore;
    masters: Partial<MasterNodesProps>;
  } {
    const { vpc } = this.network;
    const addressRecord = masterZone(this, vpc);
    // Made before the machine: Redis is told whom to let in, and the machine the password of Redis.
    const securityGroups = props.masterNodes?.securityGroups ?? [
      new ec2.SecurityGroup(this, 'MasterSecurityGroup', {
        vpc,
        description: 'The Master Node: clients, Redis for the Media Nodes',
      }),
    ];
    const redis = RedisStore.onMasterNode(this, 'Redis', {
      host: addressRecord.name,
      masterNode: { connections: new ec2.Connections({ securityGroups }) },
      ...(props.encryptionKey && { encryptionKey: props.encryptionKey }),
    });
    return {
      redis,
      masters: { securityGroups, addressRecord, dataVolume: props.dataVolume ?? {} },
    };
  }
}
