import * as network from '@pulumi/azure-native/network';
import * as privatedns from '@pulumi/azure-native/privatedns';
import * as redisenterprise from '@pulumi/azure-native/redisenterprise';
import * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from './place';
import { placed, placedGlobally } from './private/placed';
import { Problems } from './private/validation';
import type { RedisConnection } from './redis-store-existing';

/** Choices for a Redis that Azure runs. */
export interface RedisStoreOptions {
  /**
   * What its nodes are. They hold some KiB for each Room and carry no media.
   *
   * @default Balanced_B1 - 1 GB, about 50 USD a month with its replica
   */
  readonly skuName?: string;

  /**
   * Keep a replica in another zone, which takes over. Without, what is in Redis is lost with its machine.
   *
   * @default true
   */
  readonly highAvailability?: boolean;

  /**
   * A private zone `privatelink.redis.azure.net` of yours that the virtual network is linked to.
   *
   * @default - a new one, at 0.50 USD a month
   */
  readonly privateZoneId?: pulumi.Input<string>;
}

/** Arguments of a Redis that Azure runs. */
export interface RedisStoreArgs extends PlaceArgs, RedisStoreOptions {
  /** Id of the virtual network whose machines find it. */
  readonly virtualNetworkId: pulumi.Input<string>;

  /** Id of the subnet that its private endpoint is in. */
  readonly subnetId: pulumi.Input<string>;
}

/** What names in it end with, once a private endpoint answers for them. */
const PRIVATE_ZONE = 'privatelink.redis.azure.net';

/**
 * Redis for a cluster: Azure Managed Redis over zones, encrypted on its way and on disk, with a key,
 * reached by a private endpoint alone (about 8 USD a month).
 */
export class RedisStore extends pulumi.ComponentResource implements RedisConnection {
  /** Its name, the same whichever node is the primary. */
  public readonly host: pulumi.Output<string>;
  /** 10000, as Azure has it. */
  public readonly port: number = 10_000;
  /** Always. */
  public readonly tls: boolean = true;
  /** Never: clients see one Redis, which fits a client that knows of no shards. */
  public readonly clusterMode: boolean = false;
  /** The key. */
  public readonly password: pulumi.Output<string>;
  /** What Azure runs. */
  public readonly cluster: redisenterprise.RedisEnterprise;
  /** The database in it. */
  public readonly database: redisenterprise.Database;

  constructor(name: string, args: RedisStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:RedisStore', name, {}, opts);
    const { skuName = 'Balanced_B1', highAvailability = true, resourceGroupName } = args;
    const problems = new Problems(name);
    problems.matches(
      'skuName',
      skuName,
      // The largest that has no shards: what has them is another clustering policy.
      /^(?:Balanced_B(?:0|1|3|5|10|20)|MemoryOptimized_M(?:10|20)|ComputeOptimized_X(?:3|5|10|20))$/,
      'a size up to 24 GB such as Balanced_B1: larger ones are clustered',
    );
    problems.throwIfAny();
    this.cluster = new redisenterprise.RedisEnterprise(
      `${name}-redis`,
      {
        ...placed(args),
        sku: { name: skuName },
        highAvailability: highAvailability
          ? redisenterprise.HighAvailability.Enabled
          : redisenterprise.HighAvailability.Disabled,
        minimumTlsVersion: redisenterprise.TlsVersion.TlsVersion_1_2,
        publicNetworkAccess: redisenterprise.PublicNetworkAccess.Disabled,
      },
      { parent: this, customTimeouts: { create: '1h', update: '2h' } },
    );
    this.database = new redisenterprise.Database(
      `${name}-database`,
      {
        resourceGroupName,
        clusterName: this.cluster.name,
        // Azure knows no other name.
        databaseName: 'default',
        port: this.port,
        clientProtocol: redisenterprise.Protocol.Encrypted,
        clusteringPolicy: redisenterprise.ClusteringPolicy.NoCluster,
        // What has an end of life would be evicted when memory is short: leases have one.
        evictionPolicy: redisenterprise.EvictionPolicy.NoEviction,
        accessKeysAuthentication: redisenterprise.AccessKeysAuthentication.Enabled,
      },
      { parent: this, deleteBeforeReplace: true },
    );
    this.#privately(name, args);
    const keys = redisenterprise.listDatabaseKeysOutput(
      { resourceGroupName, clusterName: this.cluster.name, databaseName: this.database.name },
      { parent: this },
    );
    this.password = pulumi.secret(keys.apply(({ primaryKey }) => primaryKey));
    this.host = this.cluster.hostName;
    this.registerOutputs({ host: this.host });
  }

  /** An address in the virtual network, under the name that Redis has anyway. */
  #privately(name: string, args: RedisStoreArgs): void {
    const { resourceGroupName } = args;
    const endpoint = new network.PrivateEndpoint(
      `${name}-endpoint`,
      {
        ...placed(args),
        subnet: { id: args.subnetId },
        privateLinkServiceConnections: [
          { name: 'redis', privateLinkServiceId: this.cluster.id, groupIds: ['redisEnterprise'] },
        ],
      },
      { parent: this, dependsOn: [this.database] },
    );
    new network.PrivateDnsZoneGroup(
      `${name}-zone-group`,
      {
        resourceGroupName,
        privateEndpointName: endpoint.name,
        privateDnsZoneGroupName: 'default',
        privateDnsZoneConfigs: [
          { name: 'redis', privateDnsZoneId: args.privateZoneId ?? this.#zone(name, args) },
        ],
      },
      { parent: this },
    );
  }

  #zone(name: string, args: RedisStoreArgs): pulumi.Output<string> {
    const zone = new privatedns.PrivateZone(
      `${name}-zone`,
      { ...placedGlobally(args), privateZoneName: PRIVATE_ZONE },
      { parent: this },
    );
    new privatedns.VirtualNetworkLink(
      `${name}-zone-link`,
      {
        ...placedGlobally(args),
        privateZoneName: zone.name,
        virtualNetwork: { id: args.virtualNetworkId },
        registrationEnabled: false,
      },
      { parent: this },
    );
    return zone.id;
  }
}
