import { Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type {
  IRedisStore,
  MasterRedisStoreProps,
  RedisStoreAttributes,
} from '../redis-store-existing';
import { generatedPassword, grantPassword } from './redis-password';
import { REDIS_PORT } from './redis-port';
import { Problems } from './validation';

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
