import { Duration, RemovalPolicy, Resource, Token } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { checkRedis, mustBeInTwoZones } from './private/redis-checks';
import { redisMetric } from './private/redis-metrics';
import { generatedPassword } from './private/redis-password';
import { REDIS_PORT } from './private/redis-port';
import { ImportedRedisStore, MasterRedisStore } from './private/redis-stores';
import { chooseSubnets } from './private/subnets';
import { Problems } from './private/validation';
import type {
  IRedisStore,
  MasterRedisStoreProps,
  RedisStoreAttributes,
} from './redis-store-existing';

/** Properties of a Redis that ElastiCache runs. */
export interface RedisStoreProps {
  /** The VPC that it is in. */
  readonly vpc: ec2.IVpc;

  /**
   * Its subnets, in two zones or more. They need no way out.
   *
   * @default - the subnets with no way out, or else the private ones, or else the public ones (no
   * node of ElastiCache has a public address)
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * What its nodes are. They hold some KiB for each Room and carry no media.
   *
   * @default cache.t4g.small - about 19 USD a month for each of the nodes with Valkey in us-east-1
   */
  readonly nodeType?: string;

  /**
   * How many nodes there are over the zones, 2 to 6: one of them takes over when the primary is gone.
   *
   * @default 2
   */
  readonly nodes?: number;

  /**
   * The version of Valkey, 7.2 or newer. It cannot go back. Of a token only 8 can be, unless
   * `parameterGroupName` is given.
   *
   * @default 8.0
   */
  readonly engineVersion?: string;

  /**
   * Parameters of Valkey beside the ones that the cluster needs.
   *
   * @default - none
   */
  readonly parameters?: { [name: string]: string };

  /**
   * A parameter group of yours, by name, for the version of the engine. Its `maxmemory-policy` must
   * be `noeviction`. Not with `parameters`.
   *
   * @default - one that sets `noeviction` and `parameters`
   */
  readonly parameterGroupName?: string;

  /**
   * A subnet group of yours, by name. Not with `vpcSubnets`.
   *
   * @default - one of `vpcSubnets`
   */
  readonly subnetGroupName?: string;

  /**
   * The password: the whole secret is it, 16 to 128 letters and digits.
   *
   * @default - a generated one. Costs 0.40 USD a month
   */
  readonly authSecret?: sm.ISecret;

  /**
   * Its security groups.
   *
   * @default - one that lets in the nodes of the cluster
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The key that it is encrypted with on disk, and that the generated password is encrypted with.
   *
   * @default - keys of the services in the account, which cost nothing
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * How long daily snapshots are kept: whole days up to 35, 0 for none. What is in Redis is rebuilt
   * by the nodes, but for API keys that were made at run time, announced configuration and the audit.
   *
   * @default Duration.days(1) - which costs nothing; further days cost by their GB
   */
  readonly snapshotRetention?: Duration;

  /**
   * When snapshots are made, UTC: `03:00-04:00`.
   *
   * @default - chosen by ElastiCache
   */
  readonly snapshotWindow?: string;

  /**
   * When it may be maintained, UTC: `sun:04:00-sun:05:00`. Calls go on meanwhile; new Rooms wait for
   * some seconds.
   *
   * @default - chosen by ElastiCache
   */
  readonly maintenanceWindow?: string;

  /**
   * What becomes of it when the stack is deleted: DESTROY, SNAPSHOT (which costs by its GB) or
   * RETAIN (which costs on as before).
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * Redis for a cluster: Valkey of ElastiCache in several zones, encrypted on its way and on disk,
 * with a password. Costs about 39 USD a month by default (two nodes and a secret).
 *
 * @resource AWS::ElastiCache::ReplicationGroup
 */
export class RedisStore extends Resource implements IRedisStore {
  /** A Redis or Valkey of yours, reached over the network. */
  static fromRedisStoreAttributes(
    scope: Construct,
    id: string,
    attrs: RedisStoreAttributes,
  ): IRedisStore {
    return new ImportedRedisStore(scope, id, attrs);
  }

  /**
   * Redis on the one Master Node of an Elastic cluster, on its data volume: costs no more than the
   * password, 0.40 USD a month, and is as available as that machine.
   */
  static onMasterNode(scope: Construct, id: string, props: MasterRedisStoreProps): IRedisStore {
    return new MasterRedisStore(scope, id, props);
  }

  /** The name of the primary, whichever node that is. */
  public readonly host: string;
  /** 6379. */
  public readonly port: number = REDIS_PORT;
  /** Always. */
  public readonly tls: boolean = true;
  /**
   * The user.
   *
   * @default - the default one
   */
  public readonly username?: string = undefined;
  /** Never: all is on one primary. */
  public readonly clusterMode: boolean = false;
  /**
   * The password.
   *
   * @default - there always is one
   */
  public readonly authSecret?: sm.ISecret;
  /** Who may connect: the port of Redis is the default one. */
  public readonly connections: ec2.Connections;
  /** The password; the same as `authSecret`. */
  public readonly password: sm.ISecret;
  /** What ElastiCache runs. */
  public readonly replicationGroup: elasticache.CfnReplicationGroup;
  /** The subnet group, where it was made here. */
  public readonly subnetGroup?: elasticache.CfnSubnetGroup;
  /** The parameter group, where it was made here. */
  public readonly parameterGroup?: elasticache.CfnParameterGroup;
  readonly #nodes: number;

  constructor(scope: Construct, id: string, props: RedisStoreProps) {
    super(scope, id);
    const problems = new Problems(this);
    checkRedis(props, problems);
    const { nodes = 2, engineVersion = '8.0', removalPolicy = RemovalPolicy.DESTROY } = props;
    this.#nodes = nodes;
    this.password = props.authSecret ?? generatedPassword(this, props.encryptionKey);
    this.authSecret = this.password;
    this.connections = new ec2.Connections({
      defaultPort: ec2.Port.tcp(REDIS_PORT),
      securityGroups: props.securityGroups ?? [
        new ec2.SecurityGroup(this, 'SecurityGroup', {
          vpc: props.vpc,
          description: 'Redis of Sluice',
          allowAllOutbound: false,
        }),
      ],
    });
    this.subnetGroup = this.#subnets(props, problems);
    this.parameterGroup = this.#parameters(props, engineVersion);
    this.replicationGroup = new elasticache.CfnReplicationGroup(this, 'Resource', {
      replicationGroupDescription: `Redis of Sluice (${this.node.path})`.slice(0, 255),
      engine: 'valkey',
      engineVersion,
      cacheNodeType: props.nodeType ?? 'cache.t4g.small',
      numCacheClusters: nodes,
      automaticFailoverEnabled: true,
      multiAzEnabled: true,
      port: REDIS_PORT,
      transitEncryptionEnabled: true,
      atRestEncryptionEnabled: true,
      kmsKeyId: props.encryptionKey?.keyArn,
      // In the template it is a reference that CloudFormation resolves.
      authToken: this.password.secretValue.unsafeUnwrap(),
      cacheSubnetGroupName: props.subnetGroupName ?? this.subnetGroup?.ref,
      cacheParameterGroupName: props.parameterGroupName ?? this.parameterGroup?.ref,
      securityGroupIds: this.connections.securityGroups.map((group) => group.securityGroupId),
      snapshotRetentionLimit: (props.snapshotRetention ?? Duration.days(1)).toDays(),
      snapshotWindow: props.snapshotWindow,
      preferredMaintenanceWindow: props.maintenanceWindow,
      autoMinorVersionUpgrade: true,
    });
    this.replicationGroup.applyRemovalPolicy(removalPolicy);
    this.host = this.replicationGroup.attrPrimaryEndPointAddress;
    problems.report();
  }

  /** Lets a node read the password. */
  public grantRead(grantee: iam.IGrantable): iam.Grant {
    return this.password.grantRead(grantee);
  }

  /**
   * The busiest node's share of the one core that commands run on, in percent.
   *
   * @default - the maximum over 1 minute
   */
  public metricEngineCpuUtilization(props?: cloudwatch.MetricOptions): cloudwatch.MathExpression {
    return this.#metric('EngineCPUUtilization', props);
  }

  /**
   * The fullest node's share of the memory for data that is in use, in percent.
   *
   * @default - the maximum over 1 minute
   */
  public metricMemoryUsage(props?: cloudwatch.MetricOptions): cloudwatch.MathExpression {
    return this.#metric('DatabaseMemoryUsagePercentage', props);
  }

  /**
   * How far the slowest replica is behind, in seconds.
   *
   * @default - the maximum over 1 minute
   */
  public metricReplicationLag(props?: cloudwatch.MetricOptions): cloudwatch.MathExpression {
    return this.#metric('ReplicationLag', props);
  }

  #metric(name: string, props?: cloudwatch.MetricOptions): cloudwatch.MathExpression {
    return redisMetric(this.replicationGroup.ref, this.#nodes, name, props);
  }

  #subnets(props: RedisStoreProps, problems: Problems): elasticache.CfnSubnetGroup | undefined {
    if (props.subnetGroupName !== undefined) return undefined;
    const { vpc } = props;
    const selected = chooseSubnets(
      vpc,
      'vpcSubnets',
      props.vpcSubnets ?? hiddenFirst(vpc),
      problems,
    );
    mustBeInTwoZones(selected, problems);
    return new elasticache.CfnSubnetGroup(this, 'SubnetGroup', {
      description: 'Redis of Sluice',
      subnetIds: selected.subnetIds,
    });
  }

  #parameters(
    props: RedisStoreProps,
    engineVersion: string,
  ): elasticache.CfnParameterGroup | undefined {
    if (props.parameterGroupName !== undefined) return undefined;
    return new elasticache.CfnParameterGroup(this, 'ParameterGroup', {
      description: 'Redis of Sluice',
      cacheParameterGroupFamily: familyOf(engineVersion),
      // By default what has an end of life is evicted when memory is short: leases have one.
      properties: { 'maxmemory-policy': 'noeviction', ...props.parameters },
    });
  }
}

function hiddenFirst(vpc: ec2.IVpc): ec2.SubnetSelection {
  if (vpc.isolatedSubnets.length > 0) return { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
  if (vpc.privateSubnets.length > 0) return { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS };
  return { subnetType: ec2.SubnetType.PUBLIC };
}

function familyOf(engineVersion: string): string {
  return `valkey${Token.isUnresolved(engineVersion) ? '8' : engineVersion.split('.')[0]}`;
}
