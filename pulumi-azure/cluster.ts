import type * as pulumi from '@pulumi/pulumi';
import type { ClusterEntry } from './cluster-entry';
import type { ClusterSecretsOptions } from './cluster-secrets';
import type { Domain } from './domain';
import type { LogGroupOptions } from './log-group';
import type { MasterNodesOptions } from './master-nodes-options';
import type { MediaNodesOptions } from './media-nodes-options';
import type { ExistingNetworkArgs, Network } from './network';
import type { NodeSettings } from './node-config';
import type { NodeImage } from './node-image';
import type { KnownRecordings } from './recordings';
import type { RedisConnection } from './redis-store-existing';
import type { StoredSecret } from './stored-secret';
import type { Turn } from './turn';

/** What applications know of a Single Node or a cluster. */
export interface Cluster {
  /** What clients and servers are given: `https://meet.example.com`. */
  readonly url: pulumi.Output<string>;

  /** The name in it. */
  readonly domainName: pulumi.Output<string>;

  /** The public address, for a record that somebody else makes. */
  readonly address: pulumi.Output<string>;

  /** The key pair that access tokens are signed with: JSON with `key` and `secret`, in Key Vault. */
  readonly apiKey: StoredSecret;

  /** Where recordings go, where jobs of the Media Nodes say so. */
  readonly recordings?: KnownRecordings;

  /** The resource group of all but the Media Nodes. */
  readonly resourceGroupName: pulumi.Output<string>;
}

/** What a Single Node and a cluster have in common. */
export interface ClusterOptions {
  /**
   * The name that clients use, and where its certificate is from. Browsers give no camera to pages
   * without TLS, so there is no default: `Domain.none()` goes without.
   */
  readonly domain: Domain;

  /**
   * The resource group to be in.
   *
   * @default - a new one; Media Nodes have another, so that who may delete them may delete nothing else
   */
  readonly resourceGroupName?: pulumi.Input<string>;

  /**
   * The region, such as `westeurope`.
   *
   * @default - `azure-native:location` of the configuration, or that of the resource group
   */
  readonly location?: pulumi.Input<string>;

  /**
   * Tags of every resource that takes some.
   *
   * @default - none but those that the controller reads
   */
  readonly tags?: pulumi.Input<Record<string, pulumi.Input<string>>>;

  /**
   * Subnets of yours.
   *
   * @default - an own virtual network, which costs nothing
   */
  readonly existingNetwork?: ExistingNetworkArgs;

  /**
   * A network that several clusters share. Not with `existingNetwork`.
   *
   * @default - a `Network` with `existingNetwork`
   */
  readonly network?: Network;

  /**
   * Secrets and Key Vault of yours instead of new ones.
   *
   * @default - generated, in a vault of its own
   */
  readonly secrets?: ClusterSecretsOptions;

  /**
   * TURN for clients whose network lets out little.
   *
   * @default Turn.onMediaNodes()
   */
  readonly turn?: Turn;

  /**
   * What machines boot.
   *
   * @default NodeImage.fromFiles()
   */
  readonly image?: NodeImage;

  /**
   * Settings of sluice.yaml for all nodes, such as webhooks and limits of Rooms.
   *
   * @default - the defaults of every key
   */
  readonly settings?: NodeSettings;

  /**
   * Send the journal of the machines' services to a Log Analytics workspace; `{}` makes one. Costs
   * about 2.80 USD for each GB that is sent.
   *
   * @default - logs stay on the machines, and end with them
   */
  readonly logGroup?: LogGroupOptions;
}

/** What an Elastic and a High Availability cluster have in common. */
export interface MultiNodeClusterOptions extends ClusterOptions {
  /**
   * How clients come in.
   *
   * @default - Elastic: on the Master Node; High Availability: a load balancer, about 18 USD a month
   * and by what passes
   */
  readonly entry?: ClusterEntry;

  /**
   * The Redis of the nodes.
   *
   * @default - Elastic: on the Master Node; High Availability: Azure Managed Redis over zones, about
   * 58 USD a month
   */
  readonly redis?: RedisConnection;

  /**
   * The Master Nodes.
   *
   * @default - Elastic: 1 Standard_F2s_v2; High Availability: 3 of them
   */
  readonly masterNodes?: MasterNodesOptions;

  /**
   * The Media Nodes.
   *
   * @default - 1 to 4 Standard_F4s_v2
   */
  readonly mediaNodes?: MediaNodesOptions;

  /**
   * The resource group of the Media Nodes. The controller may delete virtual machines in it.
   *
   * @default - a new one; resourceGroupName where that was given
   */
  readonly mediaResourceGroupName?: pulumi.Input<string>;
}
