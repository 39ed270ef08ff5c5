import type * as pulumi from '@pulumi/pulumi';

/** The Redis that the nodes of a cluster share: a `RedisStore`, or one of yours. */
export interface RedisConnection {
  /** The host name or address; of a clustered one a node. */
  readonly host: pulumi.Input<string>;

  /**
   * The port.
   *
   * @default 6379
   */
  readonly port?: pulumi.Input<number>;

  /**
   * Whether it is reached by TLS, with a certificate that the system trusts.
   *
   * @default true
   */
  readonly tls?: boolean;

  /**
   * The user.
   *
   * @default - the default one
   */
  readonly username?: pulumi.Input<string>;

  /**
   * The password. It is kept in the Key Vault of the cluster, where the nodes read it.
   *
   * @default - none
   */
  readonly password?: pulumi.Input<string>;

  /**
   * Whether clients have to know of its shards: a Redis Cluster, or clustering policy OSSCluster.
   *
   * @default false
   */
  readonly clusterMode?: boolean;
}
