import * as pulumi from '@pulumi/pulumi';
import { DEPLOYMENT_DEFAULTS } from '../node-image/contract';
import type { Cluster, MultiNodeClusterOptions } from './cluster';
import { ClusterEntry } from './cluster-entry';
import type { ClusterSecrets } from './cluster-secrets';
import type { LogGroup } from './log-group';
import type { MasterNodes } from './master-nodes';
import type { MediaNodes } from './media-nodes';
import type { Network } from './network';
import { NodeImage } from './node-image';
import { Observability } from './observability';
import { buildCluster, logGroupOf, networkOf, placeOf, secretsOf } from './private/build-cluster';
import { checkCluster } from './private/cluster-checks';
import type { KnownRecordings } from './recordings';
import { RedisStore } from './redis-store';
import type { RedisConnection } from './redis-store-existing';
import type { SignalingEntry } from './signaling-entry';
import type { StoredSecret } from './stored-secret';

/** Arguments of a High Availability cluster. */
export interface HighAvailabilityClusterArgs extends MultiNodeClusterOptions {}

/**
 * A cluster that outlives the loss of a zone: several Master Nodes behind a load balancer, a Redis
 * that fails over, and Media Nodes that come and go with the load.
 *
 * At rest it costs about 450 USD a month in West Europe: 3 Master Nodes 210, 1 Media Node 140, Redis
 * 58, the load balancer 18, addresses, disks and secrets the rest. Traffic comes on top: 0.087 USD a GB
 * that clients receive.
 */
export class HighAvailabilityCluster extends pulumi.ComponentResource implements Cluster {
  readonly url: pulumi.Output<string>;
  readonly domainName: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
  readonly apiKey: StoredSecret;
  readonly resourceGroupName: pulumi.Output<string>;
  /** The virtual network and its subnets. */
  readonly network: Network;
  /** API key pair, cluster secret, and their vault. */
  readonly secrets: ClusterSecrets;
  /** The Redis of the nodes: a `RedisStore`, or the one that was given. */
  readonly redis: RedisConnection;
  /** Where clients come in. */
  readonly entry: SignalingEntry;
  /** The steady side. */
  readonly masterNodes: MasterNodes;
  /** The elastic side. */
  readonly mediaNodes: MediaNodes;
  /** Where recordings go, where that was asked for. */
  readonly recordings?: KnownRecordings;
  /** Where the machines send their journal, where that was asked for. */
  readonly logGroup?: LogGroup;
  /** Metrics, and on request alarms. */
  readonly observability: Observability;

  constructor(
    name: string,
    args: HighAvailabilityClusterArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('sluice:azure:HighAvailabilityCluster', name, {}, opts);
    checkCluster(name, args, 'several');
    const place = placeOf(name, args, this);
    this.resourceGroupName = pulumi.output(place.resourceGroupName);
    this.network = networkOf(name, args, place, this);
    this.secrets = secretsOf(name, args, place, this);
    this.logGroup = logGroupOf(name, args, place, this);
    const { virtualNetworkId, dataSubnetId } = this.network;
    this.redis =
      args.redis ??
      new RedisStore(
        `${name}-redis`,
        { ...place, virtualNetworkId, subnetId: dataSubnetId },
        { parent: this },
      );
    const parts = buildCluster(
      name,
      args,
      {
        entry: args.entry ?? ClusterEntry.loadBalancer(),
        masters: { count: DEPLOYMENT_DEFAULTS.masters },
        redis: this.redis,
        network: this.network,
        secrets: this.secrets,
        place,
        image: args.image ?? NodeImage.fromFiles(),
        logGroup: this.logGroup,
      },
      this,
    );
    if (parts.entry.balancer === undefined) {
      throw new pulumi.RunError(
        `${name}: entry: got no load balancer; use ClusterEntry.loadBalancer()`,
      );
    }
    this.entry = parts.entry.balancer;
    this.masterNodes = parts.masterNodes;
    this.mediaNodes = parts.mediaNodes;
    this.recordings = parts.mediaNodes.recordings;
    this.observability = new Observability(
      `${name}-observability`,
      {
        ...place,
        mediaNodes: this.mediaNodes,
        masterNodes: this.masterNodes,
        entry: this.entry,
        redis: this.redis,
        logGroup: this.logGroup,
      },
      { parent: this },
    );
    this.url = parts.entry.url;
    this.domainName = parts.entry.domainName;
    this.address = parts.entry.address;
    this.apiKey = this.secrets.apiKey;
    this.registerOutputs({ url: this.url, address: this.address });
  }
}
