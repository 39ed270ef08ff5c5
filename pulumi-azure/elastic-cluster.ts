import * as pulumi from '@pulumi/pulumi';
import type { Cluster, MultiNodeClusterOptions } from './cluster';
import { ClusterEntry } from './cluster-entry';
import { type ClusterSecrets, letters } from './cluster-secrets';
import type { LogGroup } from './log-group';
import type { MasterNodes } from './master-nodes';
import type { MasterDataVolumeOptions } from './master-nodes-options';
import type { MediaNodes } from './media-nodes';
import type { Network } from './network';
import { NodeImage } from './node-image';
import { Observability } from './observability';
import type { PlaceArgs } from './place';
import { buildCluster, logGroupOf, networkOf, placeOf, secretsOf } from './private/build-cluster';
import { checkCluster } from './private/cluster-checks';
import { withLastingGroup } from './private/data-volume';
import type { KnownRecordings } from './recordings';
import type { SignalingEntry } from './signaling-entry';
import type { StoredSecret } from './stored-secret';

/** Arguments of an Elastic cluster. */
export interface ElasticClusterArgs extends MultiNodeClusterOptions {
  /**
   * The disk of the Master Node with Redis on it, which outlives the machine. Not with `redis`.
   *
   * @default - 20 GiB, about 5 USD a month; kept when the stack is deleted, in a resource group of its own
   */
  readonly dataVolume?: MasterDataVolumeOptions;
}

/**
 * A cluster of one Master Node and Media Nodes that come and go with the load.
 *
 * Without its Master Node nobody can join, and those who are in go on: the node restarts within
 * 10 s, and its machine is replaced within minutes, with its data. At rest it costs about 215 USD a
 * month in West Europe: the Master Node 70, 1 Media Node 140, addresses, disks and secrets the rest.
 * Traffic comes on top: 0.087 USD a GB that clients receive.
 */
export class ElasticCluster extends pulumi.ComponentResource implements Cluster {
  readonly url: pulumi.Output<string>;
  readonly domainName: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
  readonly apiKey: StoredSecret;
  readonly resourceGroupName: pulumi.Output<string>;
  /** The virtual network and its subnets. */
  readonly network: Network;
  /** API key pair, cluster secret, and their vault. */
  readonly secrets: ClusterSecrets;
  /** The load balancer; none with `ClusterEntry.onMasterNode()`. */
  readonly entry?: SignalingEntry;
  /** The steady side: one machine. */
  readonly masterNodes: MasterNodes;
  /** The elastic side. */
  readonly mediaNodes: MediaNodes;
  /** Where recordings go, where that was asked for. */
  readonly recordings?: KnownRecordings;
  /** Where the machines send their journal, where that was asked for. */
  readonly logGroup?: LogGroup;
  /** Metrics, and on request alarms. */
  readonly observability: Observability;

  constructor(name: string, args: ElasticClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:ElasticCluster', name, {}, opts);
    checkCluster(name, args, 'one');
    const place = placeOf(name, args, this);
    this.resourceGroupName = pulumi.output(place.resourceGroupName);
    this.network = networkOf(name, args, place, this);
    this.secrets = secretsOf(name, args, place, this);
    this.logGroup = logGroupOf(name, args, place, this);
    const ownRedis = args.redis === undefined;
    // A Redis of yours keeps what the disk is for.
    const dataVolume = ownRedis ? this.#dataVolume(name, args, place) : undefined;
    const parts = buildCluster(
      name,
      { ...args, ...(ownRedis && { redisPassword: letters(`${name}-redis`, this) }) },
      {
        entry: args.entry ?? ClusterEntry.onMasterNode(),
        masters: { count: 1, ...(dataVolume && { dataVolume }) },
        redis: args.redis,
        network: this.network,
        secrets: this.secrets,
        place,
        image: args.image ?? NodeImage.fromFiles(),
        logGroup: this.logGroup,
      },
      this,
    );
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

  #dataVolume(name: string, args: ElasticClusterArgs, place: PlaceArgs): MasterDataVolumeOptions {
    const { dataVolume: volume = {}, resourceGroupName } = args;
    const isOwnGroup = resourceGroupName === undefined;
    return withLastingGroup(name, { ...place, volume, isOwnGroup }, this);
  }
}
