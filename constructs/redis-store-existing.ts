import type { IResource } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';

/** The Redis that the nodes of a cluster share. */
export interface IRedisStore extends IResource, ec2.IConnectable {
  /** The host name or address. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /** Whether it is reached by TLS. */
  readonly tls: boolean;
  /**
   * The password: the whole secret is it, or JSON with `password` and, if need be, `username`.
   *
   * @default - none is needed
   */
  readonly authSecret?: sm.ISecret;
  /**
   * The user.
   *
   * @default - the default one, or the one in the secret
   */
  readonly username?: string;
  /** Whether it is a clustered Redis: `host` is one of its nodes, or its configuration endpoint. */
  readonly clusterMode: boolean;

  /** Lets a node read the password, where there is one. */
  grantRead(grantee: iam.IGrantable): iam.Grant;
}

/** A Redis or Valkey of yours. */
export interface RedisStoreAttributes {
  /** The host name or address; of a clustered one a node, or its configuration endpoint. */
  readonly host: string;

  /**
   * The port.
   *
   * @default 6379
   */
  readonly port?: number;

  /**
   * Whether it is reached by TLS, with a certificate that the system trusts.
   *
   * @default true
   */
  readonly tls?: boolean;

  /**
   * The password: the whole secret is it, or JSON with `password` and, if need be, `username`.
   *
   * @default - none
   */
  readonly authSecret?: sm.ISecret;

  /**
   * The user.
   *
   * @default - the default one, or the one in the secret
   */
  readonly username?: string;

  /**
   * Whether it is a clustered Redis.
   *
   * @default false
   */
  readonly clusterMode?: boolean;

  /**
   * Its security groups: the nodes of the cluster are let in.
   *
   * @default - none: let the nodes in yourself
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
}

/** Redis on the Master Node of an Elastic cluster. */
export interface MasterRedisStoreProps {
  /** The name or address that the Master Node has, whichever machine it is. */
  readonly host: string;

  /** The Master Node: the other nodes are let in to it. */
  readonly masterNode: ec2.IConnectable;

  /**
   * The port.
   *
   * @default 6379
   */
  readonly port?: number;

  /**
   * The password: the whole secret is it.
   *
   * @default - a generated one. Costs 0.40 USD a month
   */
  readonly authSecret?: sm.ISecret;

  /**
   * The key that the generated password is encrypted with.
   *
   * @default - the key of Secrets Manager in the account, which costs nothing
   */
  readonly encryptionKey?: kms.IKey;
}
