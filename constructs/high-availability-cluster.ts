import { Resource } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
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
import type { MasterNodes } from './master-nodes';
import type { MediaNodes } from './media-nodes';
import type { Network } from './network';
import { Observability } from './observability';
import { buildCluster, networkOf, secretsOf } from './private/build-cluster';
import { checkMasters } from './private/cluster-checks';
import type { RecordingsStore } from './recordings-store';
import { RedisStore } from './redis-store';
import type { IRedisStore } from './redis-store-existing';
import type { ISignalingEntry } from './signaling-entry-existing';

/** Properties of a High Availability cluster. */
export interface HighAvailabilityClusterProps extends MultiNodeClusterOptions {}

/**
 * A cluster that outlives the loss of a zone: several Master Nodes behind a load balancer, a Redis
 * that fails over, and Media Nodes that come and go with the load.
 *
 * At rest it costs about 416 USD a month in us-east-1: 3 Master Nodes 195, 1 Media Node 130, Redis 39,
 * the load balancer 17, addresses, disks and secrets 35. Traffic comes on top: 0.09 USD a GB that
 * clients receive.
 */
export class HighAvailabilityCluster extends Resource implements ICluster {
  /** A cluster that another app or stack has. */
  static fromHighAvailabilityClusterAttributes(
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

  /** Where clients come in. */
  readonly entry: ISignalingEntry;

  /** The steady side. */
  readonly masterNodes: MasterNodes;

  /** The elastic side. */
  readonly mediaNodes: MediaNodes;

  /** Where recordings go; none without `mediaNodes.jobs`, or where those have none. */
  readonly recordings?: RecordingsStore;

  /** Metrics; a dashboard and alarms on request. */
  readonly observability: Observability;

  constructor(scope: Construct, id: string, props: HighAvailabilityClusterProps) {
    super(scope, id);
    checkMasters(this, props, 'several');
    this.network = networkOf(this, props);
    this.secrets = secretsOf(this, props);
    this.redis =
      props.redis ??
      new RedisStore(this, 'Redis', {
        vpc: this.network.vpc,
        vpcSubnets: { subnets: this.network.dataSubnets.subnets },
        ...(props.encryptionKey && { encryptionKey: props.encryptionKey }),
      });
    const { mediaNodes, masterNodes, entry, address } = buildCluster(this, props, this, {
      entry: props.entry ?? ClusterEntry.loadBalancer(),
      masters: { count: 3 },
      redis: this.redis,
    });
    if (entry.balancer === undefined) {
      throw new Error(
        'entry: got ClusterEntry.onMasterNode(), allowed is a load balancer in front of several Master Nodes; use ClusterEntry.loadBalancer() or existing(), or an ElasticCluster',
      );
    }
    this.entry = entry.balancer;
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
}
