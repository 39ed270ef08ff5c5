import { Annotations, RemovalPolicy, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { chooseSubnets, mustBePublic, onePerZone, zonesOf } from './private/subnets';
import { Problems } from './private/validation';

/** Properties of the network of a cluster. */
export interface NetworkProps {
  /**
   * The VPC that the cluster lives in: defined in the same app, imported, or looked up.
   *
   * @default - a VPC with public subnets in `maxZones` zones for the nodes, subnets with no way out
   * for Redis, and no NAT gateway (which would cost about 33 USD a month for each zone)
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Where Media Nodes are. Clients send media straight to them, so the subnets must be public.
   *
   * @default - the public subnets
   */
  readonly mediaSubnets?: ec2.SubnetSelection;

  /**
   * Where Master Nodes are. They need a way out: a public address, NAT, or VPC endpoints.
   *
   * @default - of a VPC of yours the private subnets with a way out, or the public ones where there
   * are none; of an own VPC the public ones, closed by their security group
   */
  readonly masterSubnets?: ec2.SubnetSelection;

  /**
   * Where the load balancer is: one subnet in each zone. Of more in a zone the first is taken.
   *
   * @default - the public subnets
   */
  readonly entrySubnets?: ec2.SubnetSelection;

  /**
   * Where ElastiCache is.
   *
   * @default - of an own VPC its subnets with no way out; of a VPC of yours `masterSubnets`
   */
  readonly dataSubnets?: ec2.SubnetSelection;

  /**
   * Over how many zones an own VPC stretches, 1 to 6. Not with `vpc`. A stack that does not know its
   * account and region gets 2 at most.
   *
   * @default 3
   */
  readonly maxZones?: number;

  /**
   * The addresses of an own VPC. Not with `vpc`.
   *
   * @default - 10.0.0.0/16
   */
  readonly ipAddresses?: ec2.IIpAddresses;

  /**
   * IPv6 next to IPv4 in an own VPC. Not with `vpc`, which has IPv6 or not.
   *
   * @default false
   */
  readonly dualStack?: boolean;

  /**
   * Log what flows through the VPC to CloudWatch Logs. Costs about 0.50 USD a GB; media is logged by
   * flow, not by packet.
   *
   * @default - true with `flowLogGroup`, otherwise false
   */
  readonly flowLogs?: boolean;

  /**
   * The log group of the flow logs.
   *
   * @default - with `flowLogs`, one that keeps them for a month and goes with the stack
   */
  readonly flowLogGroup?: logs.ILogGroup;
}

/**
 * The VPC of a cluster and which of its subnets are for what: a VPC of yours, or one of its own.
 */
export class Network extends Construct {
  /** The VPC: its own, or yours. */
  public readonly vpc: ec2.IVpc;
  /** Of Media Nodes: public. */
  public readonly mediaSubnets: ec2.SelectedSubnets;
  /** Of Master Nodes. */
  public readonly masterSubnets: ec2.SelectedSubnets;
  /** Of the load balancer. */
  public readonly entrySubnets: ec2.SelectedSubnets;
  /** Of ElastiCache. */
  public readonly dataSubnets: ec2.SelectedSubnets;
  /** The flow logs, where they were asked for. */
  public readonly flowLog?: ec2.FlowLog;

  constructor(scope: Construct, id: string, props: NetworkProps = {}) {
    super(scope, id);
    const problems = new Problems(this);
    this.vpc = props.vpc ?? this.#ownVpc(props, problems);
    if (props.vpc !== undefined) refuseOwnVpcProps(props, problems);

    const isPublic = { subnetType: ec2.SubnetType.PUBLIC };
    const masters = props.masterSubnets ?? this.#mastersByDefault(props);
    const data =
      props.dataSubnets ??
      (props.vpc === undefined ? { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } : masters);
    this.mediaSubnets = chooseSubnets(
      this.vpc,
      'mediaSubnets',
      props.mediaSubnets ?? isPublic,
      problems,
    );
    this.masterSubnets = chooseSubnets(this.vpc, 'masterSubnets', masters, problems);
    this.entrySubnets = onePerZone(
      chooseSubnets(this.vpc, 'entrySubnets', props.entrySubnets ?? isPublic, problems),
    );
    this.dataSubnets = chooseSubnets(this.vpc, 'dataSubnets', data, problems);
    mustBePublic(this.vpc, 'mediaSubnets', this.mediaSubnets, problems);
    this.flowLog = this.#flowLog(props, problems);
    this.#warnOfUnreachableMasters();
    problems.report();
  }

  #warnOfUnreachableMasters(): void {
    const zones = zonesOf(this.entrySubnets);
    const masters = zonesOf(this.masterSubnets);
    const beyond = masters?.filter((zone) => zones?.includes(zone) === false) ?? [];
    if (beyond.length === 0) return;
    Annotations.of(this).addWarningV2(
      'sluice:masters-beyond-entry',
      `masterSubnets has the zones ${beyond.join(', ')} and entrySubnets has not: a load balancer sends nothing to Master Nodes there; give entrySubnets a subnet in each of them`,
    );
  }

  #ownVpc(props: NetworkProps, problems: Problems): ec2.Vpc {
    const { maxZones = 3 } = props;
    problems.integer('maxZones', props.maxZones, { min: 1, max: 6 });
    problems.check(!Token.isUnresolved(maxZones), {
      what: 'maxZones',
      given: 'a value that is known at deployment only',
      allowed: 'a number in the code, as each zone has resources in the template',
      fix: 'give a plain number, or a vpc of yours',
    });
    const usable = Number.isInteger(maxZones) && maxZones >= 1 && !Token.isUnresolved(maxZones);
    // Of other addresses each subnet gets an equal share.
    const masks = props.ipAddresses === undefined;
    return new ec2.Vpc(this, 'Vpc', {
      maxAzs: usable ? maxZones : 3,
      natGateways: 0,
      ipAddresses: props.ipAddresses,
      ipProtocol: props.dualStack === true ? ec2.IpProtocol.DUAL_STACK : ec2.IpProtocol.IPV4_ONLY,
      // It would take a Lambda function of its own; nothing here uses the default group.
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        {
          name: 'Public',
          subnetType: ec2.SubnetType.PUBLIC,
          // With IPv6 it would not be so by itself.
          mapPublicIpOnLaunch: true,
          cidrMask: masks ? 20 : undefined,
        },
        {
          name: 'Data',
          subnetType: ec2.SubnetType.PRIVATE_ISOLATED,
          cidrMask: masks ? 24 : undefined,
        },
      ],
    });
  }

  #mastersByDefault(props: NetworkProps): ec2.SubnetSelection {
    const hasPrivate = props.vpc !== undefined && this.vpc.privateSubnets.length > 0;
    return {
      subnetType: hasPrivate ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PUBLIC,
    };
  }

  #flowLog(props: NetworkProps, problems: Problems): ec2.FlowLog | undefined {
    problems.check(props.flowLogs !== false || props.flowLogGroup === undefined, {
      what: 'flowLogs and flowLogGroup',
      given: 'flowLogs false, and a flowLogGroup',
      allowed: 'a flowLogGroup only where there are flow logs',
      fix: 'leave out flowLogGroup or flowLogs',
    });
    if (!(props.flowLogs ?? props.flowLogGroup !== undefined)) return undefined;
    const logGroup =
      props.flowLogGroup ??
      new logs.LogGroup(this, 'FlowLogGroup', {
        retention: logs.RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    return new ec2.FlowLog(this, 'FlowLog', {
      resourceType: ec2.FlowLogResourceType.fromVpc(this.vpc),
      destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup),
    });
  }
}

function refuseOwnVpcProps(props: NetworkProps, problems: Problems): void {
  const { maxZones, ipAddresses, dualStack } = props;
  const given = Object.entries({ maxZones, ipAddresses, dualStack })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (given.length === 0) return;
  problems.add({
    what: `vpc and ${given.join(', ')}`,
    given: 'both',
    allowed: `${given.join(', ')} only for a VPC that the cluster makes`,
    fix: `leave out ${given.join(', ')}, or vpc`,
  });
}
