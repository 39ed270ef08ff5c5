import { type IResource, Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { PORTS } from '../node-image/contract';
import type { ClusterEntry } from './cluster-entry';
import type { ClusterSecretsProps } from './cluster-secrets';
import type { Domain } from './domain';
import type { MasterNodesOptions } from './master-nodes-options';
import type { MediaNodesOptions } from './media-nodes-options';
import type { Network } from './network';
import type { NodeSettings } from './node-config';
import type { NodeImage } from './node-image';
import type { IRedisStore } from './redis-store-existing';
import type { Turn } from './turn';

/** What applications know of a Single Node or a cluster, of this app or of another. */
export interface ICluster extends IResource, ec2.IConnectable {
  /** What clients and servers are given: `https://meet.example.com`. */
  readonly url: string;

  /** The name in it. */
  readonly domainName: string;

  /** The key pair that access tokens are signed with: JSON with `key` and `secret`. */
  readonly apiKey: sm.ISecret;

  /** Lets an application read the key pair: it may let anybody into any Room. */
  grantApiKey(grantee: iam.IGrantable): iam.Grant;
}

/** What is known of a cluster that another app or stack has. */
export interface ClusterAttributes {
  /** What clients are given: `https://meet.example.com`. */
  readonly url: string;

  /** The key pair that access tokens are signed with: JSON with `key` and `secret`. */
  readonly apiKey: sm.ISecret;

  /**
   * Security groups of what clients come in by.
   *
   * @default - none: `connections` opens nothing
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
}

/** What a Single Node and a cluster have in common. */
export interface ClusterOptions {
  /**
   * The name that clients use, and where its certificate is from. Browsers give no camera to pages
   * without TLS, so there is no default: `Domain.none()` goes without.
   */
  readonly domain: Domain;

  /**
   * The VPC to be in: one of the app, imported, or looked up.
   *
   * @default - an own one with public subnets and no NAT gateway, which costs nothing
   */
  readonly vpc?: ec2.IVpc;

  /**
   * A network with subnets chosen for each purpose; several clusters may share it. Not with `vpc`.
   *
   * @default - `new Network()` with `vpc`
   */
  readonly network?: Network;

  /**
   * Secrets of yours instead of generated ones.
   *
   * @default - generated in Secrets Manager, at 0.40 USD each a month
   */
  readonly secrets?: ClusterSecretsProps;

  /**
   * TURN for clients whose network lets out little.
   *
   * @default Turn.onMediaNodes()
   */
  readonly turn?: Turn;

  /**
   * What machines boot.
   *
   * @default NodeImage.fromAsset()
   */
  readonly image?: NodeImage;

  /**
   * Settings of sluice.yaml for all nodes, such as webhooks and limits of Rooms.
   *
   * @default - the defaults of every key
   */
  readonly settings?: NodeSettings;

  /**
   * Key that disks, queues and generated secrets are encrypted with.
   *
   * @default - keys of AWS, at no cost
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Log group that the machines send the journal of their services to: a stream for each machine and
   * service. Costs 0.50 USD for each GB that is sent, and 0.03 a month for each GB that is kept.
   *
   * @default - logs stay on the machines, and end with them
   */
  readonly logGroup?: logs.ILogGroup;
}

/** What an Elastic and a High Availability cluster have in common. */
export interface MultiNodeClusterOptions extends ClusterOptions {
  /**
   * How clients come in.
   *
   * @default - a load balancer of its own, about 17 USD a month and by what passes; on the Master
   * Node of an Elastic cluster with `Domain.letsEncrypt()` and `Domain.ownCertificate()`
   */
  readonly entry?: ClusterEntry;

  /**
   * The Redis of the nodes.
   *
   * @default - Elastic: on the Master Node; High Availability: ElastiCache with Valkey in two zones,
   * about 39 USD a month
   */
  readonly redis?: IRedisStore;

  /**
   * The Master Nodes.
   *
   * @default - Elastic: 1 c7i.large; High Availability: 3 of them
   */
  readonly masterNodes?: MasterNodesOptions;

  /**
   * The Media Nodes.
   *
   * @default - 1 to 4 c7i.xlarge
   */
  readonly mediaNodes?: MediaNodesOptions;
}

/** What stands for a cluster of another stack. */
export class ImportedCluster extends Resource implements ICluster {
  readonly url: string;
  readonly domainName: string;
  readonly apiKey: sm.ISecret;
  readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, attrs: ClusterAttributes) {
    super(scope, id);
    this.url = attrs.url;
    this.domainName = attrs.url.replace(/^[a-z]+:\/\//, '');
    this.apiKey = attrs.apiKey;
    this.connections = new ec2.Connections({
      defaultPort: ec2.Port.tcp(PORTS.entry),
      securityGroups: attrs.securityGroups,
    });
  }

  grantApiKey(grantee: iam.IGrantable): iam.Grant {
    return this.apiKey.grantRead(grantee);
  }
}
