import { type IResource, Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { generatedPassword, grantPassword } from './private/redis-password';
import { REDIS_PORT } from './private/redis-port';
import { Problems } from './private/validation';

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

/** What stands for a Redis of somebody else. */
export class ImportedRedisStore extends Resource implements IRedisStore {
  public readonly host: string;
  public readonly port: number;
  public readonly tls: boolean;
  public readonly authSecret?: sm.ISecret;
  public readonly username?: string;
  public readonly clusterMode: boolean;
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, attrs: RedisStoreAttributes) {
    super(scope, id);
    const { port = REDIS_PORT, tls = true, clusterMode = false } = attrs;
    const problems = new Problems(this);
    problems.integer('port', attrs.port, { min: 1, max: 65_535 });
    problems.matches(
      'host',
      attrs.host,
      /^[A-Za-z0-9._-]+$|^[0-9a-fA-F:]+$/,
      'a host name or address, with no scheme and no port',
    );
    problems.check(attrs.username === undefined || attrs.authSecret !== undefined, {
      what: 'username and authSecret',
      given: 'a username and no authSecret',
      allowed: 'a username with the password of that user',
      fix: 'give authSecret, or leave out username',
    });
    problems.report();
    this.host = attrs.host;
    this.port = port;
    this.tls = tls;
    this.authSecret = attrs.authSecret;
    this.username = attrs.username;
    this.clusterMode = clusterMode;
    this.connections = new ec2.Connections({
      defaultPort: ec2.Port.tcp(port),
      securityGroups: attrs.securityGroups,
    });
  }

  public grantRead(grantee: iam.IGrantable): iam.Grant {
    return grantPassword(this.authSecret, grantee);
  }
}

/** Redis on the Master Node: the machine runs it, this is where it is found. */
export class MasterRedisStore extends Resource implements IRedisStore {
  public readonly host: string;
  public readonly port: number;
  // Inside the VPC, where the network of current instance types encrypts by itself.
  public readonly tls: boolean = false;
  public readonly username?: string = undefined;
  public readonly clusterMode: boolean = false;
  public readonly authSecret?: sm.ISecret;
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, props: MasterRedisStoreProps) {
    super(scope, id);
    const { port = REDIS_PORT } = props;
    const problems = new Problems(this);
    problems.integer('port', props.port, { min: 1, max: 65_535 });
    problems.report();
    this.host = props.host;
    this.port = port;
    this.authSecret = props.authSecret ?? generatedPassword(this, props.encryptionKey);
    this.connections = new ec2.Connections({
      defaultPort: ec2.Port.tcp(port),
      securityGroups: props.masterNode.connections.securityGroups,
    });
  }

  public grantRead(grantee: iam.IGrantable): iam.Grant {
    return grantPassword(this.authSecret, grantee);
  }
}
