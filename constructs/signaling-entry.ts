import { Duration, Resource } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { PORTS } from '../node-image/contract';
import type { Domain } from './domain';
import { addRecords, type DomainConfig, urlOf } from './private/domain-config';
import { checkEntry, withAddresses } from './private/entry-checks';
import { logAccesses } from './private/entry-logs';
import { type EntrySource, openMasters, peersOf } from './private/entry-rules';
import { ImportedSignalingEntry } from './private/imported-entry';
import { mastersTargetGroup } from './private/masters-target-group';
import { attachEncoders, listenerTls, listenForRtmp } from './private/rtmp-listeners';
import { chooseSubnets, onePerZone } from './private/subnets';
import { Problems } from './private/validation';
import type { ISignalingEntry, SignalingEntryAttributes } from './signaling-entry-existing';

/** Choices for the load balancer that clients come in by. */
export interface SignalingEntryOptions {
  /**
   * Its subnets: one in each zone that has Master Nodes, as those of other zones get nothing. Of more
   * in a zone the first is taken. Not with `loadBalancer`.
   *
   * @default - the public subnets; the private ones where it is not `internetFacing`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * A Network Load Balancer of yours that gets a listener on 443 (80 with `Domain.none()`).
   *
   * @default - one of its own. Costs about 17 USD a month, and by what passes
   */
  readonly loadBalancer?: elbv2.INetworkLoadBalancer;

  /**
   * Where a `loadBalancer` of yours that has no security group reaches the Master Nodes from.
   *
   * @default - the addresses of the VPC
   */
  readonly loadBalancerPeers?: ec2.IPeer[];

  /**
   * Whether it has public addresses. Not with `loadBalancer`.
   *
   * @default true
   */
  readonly internetFacing?: boolean;

  /**
   * IPv6 next to IPv4: the VPC and the subnets must have it. Not with `loadBalancer`, which has it or
   * not: then it is about the record in Route 53.
   *
   * @default false
   */
  readonly dualStack?: boolean;

  /**
   * Fixed public addresses: allocation ids of Elastic IP addresses, one for each subnet. For users
   * behind firewalls that must name addresses. Each costs about 4 USD a month. Not with
   * `loadBalancer`.
   *
   * @default - addresses that AWS chooses; they stay as long as the load balancer does
   */
  readonly addressAllocationIds?: string[];

  /**
   * Its security groups: they must let clients in, unless `clients` is given. Not with `loadBalancer`.
   *
   * @default - one that lets in `clients`
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * Who may come in.
   *
   * @default - everybody; with `securityGroups` whom those let in
   */
  readonly clients?: ec2.IPeer[];

  /**
   * The versions and ciphers of TLS.
   *
   * @default - TLS 1.3 and 1.2 with forward secrecy and authenticated ciphers, and key exchange that
   * resists quantum computers where the client knows it (what AWS recommends)
   */
  readonly sslPolicy?: elbv2.SslPolicy;

  /**
   * Whether clients reach Master Nodes of other zones than the address that they came in by. Without
   * it, an address whose zone has lost its Master Node is taken out of DNS, which takes a minute.
   * Traffic between zones costs 0.01 USD a GB each way. Not with `loadBalancer`.
   *
   * @default true
   */
  readonly crossZone?: boolean;

  /**
   * Whether it is kept from being deleted, with the stack too. Not with `loadBalancer`.
   *
   * @default false
   */
  readonly deletionProtection?: boolean;

  /**
   * The bucket for access logs, in the same region; of an imported bucket the policy is yours to
   * extend. Costs what the bucket does. Not with `loadBalancer`.
   *
   * @default - no access logs
   */
  readonly accessLogsBucket?: s3.IBucket;

  /**
   * Put before the names of access logs.
   *
   * @default - nothing
   */
  readonly accessLogsPrefix?: string;

  /**
   * Take encoders too: TCP 1935, and 1936 in TLS where there is a certificate.
   *
   * @default - as `jobs` of the Media Nodes say; false where it is used alone
   */
  readonly rtmp?: boolean;

  /**
   * How long a Master Node that leaves keeps its connections, up to an hour. It closes them itself,
   * staggered, and their clients resume through another one.
   *
   * @default Duration.minutes(1)
   */
  readonly deregistrationDelay?: Duration;
}

/** Properties of the load balancer that clients come in by. */
export interface SignalingEntryProps extends SignalingEntryOptions {
  /** The VPC that it is in. */
  readonly vpc: ec2.IVpc;

  /** The name of the cluster, and its certificate: `Domain.route53()`, `certificate()`, `none()`. */
  readonly domain: Domain;
}

/**
 * Where clients come in: a Network Load Balancer that ends TLS on 443 and passes HTTPS, WebSockets and
 * TURN/TLS on to the HAProxy of a Master Node, with the address of the client (PROXY protocol 2).
 *
 * A Master Node that does not answer gets nothing new after 13 s at most, and its connections are
 * reset. Connections live as long as they are used: the load balancer forgets those that are idle
 * for 350 s, and signaling never is, as clients ping every few seconds. From its address in one zone
 * a Master Node takes some 55,000 connections at a time.
 *
 * @resource AWS::ElasticLoadBalancingV2::Listener
 */
export class SignalingEntry extends Resource implements ISignalingEntry {
  /** An entry that another stack has. */
  static fromSignalingEntryAttributes(
    scope: Construct,
    id: string,
    attrs: SignalingEntryAttributes,
  ): ISignalingEntry {
    return new ImportedSignalingEntry(scope, id, attrs);
  }

  /** What clients are given: `https://meet.example.com`. */
  public readonly url: string;
  /** The name in it. */
  public readonly domainName: string;
  /** Who may come in, and what it reaches. */
  public readonly connections: ec2.Connections;
  /** The Master Nodes behind it. */
  public readonly targetGroup: elbv2.INetworkTargetGroup;
  /** The same for encoders; none without `rtmp`. */
  public readonly rtmpTargetGroup?: elbv2.INetworkTargetGroup;
  /** Its own, or yours. */
  public readonly loadBalancer: elbv2.INetworkLoadBalancer;
  /** On 443; on 80 with `Domain.none()`. */
  public readonly listener: elbv2.NetworkListener;
  /** Whether TLS ends here: not with `Domain.none()`. */
  public readonly tls: boolean;
  readonly #source: EntrySource;
  readonly #ownTargetGroup: elbv2.NetworkTargetGroup;

  constructor(scope: Construct, id: string, props: SignalingEntryProps) {
    super(scope, id);
    const problems = new Problems(this);
    const domain = props.domain._bind(this, 'balancer', problems);
    this.tls = domain.tls !== 'none';
    checkEntry(props, this.tls, problems);
    const port = this.tls ? PORTS.entry : 80;
    this.loadBalancer = props.loadBalancer ?? this.#ownLoadBalancer(props, port, problems);
    this.connections = new ec2.Connections({
      defaultPort: ec2.Port.tcp(port),
      securityGroups: this.loadBalancer.connections.securityGroups,
    });
    this.#source = {
      connections: this.connections,
      peers: peersOf(this.connections, props.vpc, props.loadBalancerPeers, problems),
    };
    this.#ownTargetGroup = mastersTargetGroup(this, 'Masters', {
      ...props,
      port: PORTS.entryBehindBalancer,
    });
    this.targetGroup = this.#ownTargetGroup;
    this.listener = this.#listen(domain, props, port);
    if (props.rtmp === true) {
      this.rtmpTargetGroup = listenForRtmp(this, {
        ...props,
        loadBalancer: this.loadBalancer,
        certificate: domain.certificate,
        clients: this.#clients(props),
      });
    }
    const host = this.#record(domain, props, problems);
    this.domainName = domain.domainName ?? host;
    this.url = urlOf(domain, host);
    problems.report();
  }

  /** Sends clients to these Master Nodes too, and lets the load balancer reach them. */
  public attachMasters(masters: autoscaling.AutoScalingGroup): void {
    openMasters(this.#source, masters);
    this.targetGroup.addTarget(masters);
    if (this.rtmpTargetGroup === undefined) return;
    attachEncoders(this.#source, masters, this.rtmpTargetGroup);
  }

  /**
   * How many Master Nodes answer.
   *
   * @default - the minimum over 1 minute
   */
  public metricHealthyMasters(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#ownTargetGroup.metrics.healthyHostCount({
      statistic: 'Minimum',
      period: Duration.minutes(1),
      ...props,
    });
  }

  /**
   * How many Master Nodes do not answer.
   *
   * @default - the maximum over 1 minute
   */
  public metricUnhealthyMasters(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#ownTargetGroup.metrics.unHealthyHostCount({
      statistic: 'Maximum',
      period: Duration.minutes(1),
      ...props,
    });
  }

  #ownLoadBalancer(
    props: SignalingEntryProps,
    port: number,
    problems: Problems,
  ): elbv2.NetworkLoadBalancer {
    const { vpc, internetFacing = true, dualStack = false } = props;
    const byDefault = internetFacing ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS;
    const chosen = onePerZone(
      chooseSubnets(vpc, 'vpcSubnets', props.vpcSubnets ?? { subnetType: byDefault }, problems),
    );
    const subnetMappings =
      props.addressAllocationIds && withAddresses(props.addressAllocationIds, chosen, problems);
    const mapped = internetFacing && subnetMappings !== undefined;
    const loadBalancer = new elbv2.NetworkLoadBalancer(this, 'LoadBalancer', {
      vpc,
      internetFacing,
      vpcSubnets: mapped ? undefined : { subnets: chosen.subnets },
      subnetMappings: mapped ? subnetMappings : undefined,
      ipAddressType: dualStack ? elbv2.IpAddressType.DUAL_STACK : elbv2.IpAddressType.IPV4,
      crossZoneEnabled: props.crossZone ?? true,
      deletionProtection: props.deletionProtection ?? false,
      // Groups can be given at creation only: a load balancer without can never have one.
      securityGroups: props.securityGroups ?? [
        new ec2.SecurityGroup(this, 'SecurityGroup', {
          vpc,
          description: 'Where clients of Sluice come in',
          allowAllOutbound: false,
        }),
      ],
    });
    for (const client of this.#clients(props)) {
      loadBalancer.connections.allowFrom(client, ec2.Port.tcp(port), 'clients');
    }
    if (props.accessLogsBucket !== undefined) {
      logAccesses(loadBalancer, props.accessLogsBucket, props.accessLogsPrefix);
    }
    return loadBalancer;
  }

  /** Whom the security groups of an own load balancer are opened to. */
  #clients({ loadBalancer, clients, securityGroups, dualStack }: SignalingEntryProps): ec2.IPeer[] {
    if (loadBalancer !== undefined) return [];
    const everybody = [ec2.Peer.anyIpv4(), ...(dualStack ? [ec2.Peer.anyIpv6()] : [])];
    return clients ?? (securityGroups === undefined ? everybody : []);
  }

  #listen(domain: DomainConfig, props: SignalingEntryProps, port: number): elbv2.NetworkListener {
    const { certificate } = domain;
    // Where a domain has none for it, that is a problem which is told with the others.
    const tls = certificate !== undefined && listenerTls(certificate, props.sslPolicy);
    return new elbv2.NetworkListener(this, 'Resource', {
      loadBalancer: this.loadBalancer,
      port,
      protocol: tls ? elbv2.Protocol.TLS : elbv2.Protocol.TCP,
      // No ALPN: TURN clients ask for protocols that a policy would refuse, browsers do without.
      ...tls,
      defaultTargetGroups: [this.#ownTargetGroup],
    });
  }

  /** Points the name to the load balancer. Returns the load balancer's own name. */
  #record(domain: DomainConfig, props: SignalingEntryProps, problems: Problems): string {
    try {
      if (domain.zone !== undefined) {
        const target = route53.RecordTarget.fromAlias(
          new targets.LoadBalancerTarget(this.loadBalancer),
        );
        addRecords(this, domain, target, props.dualStack === true ? target : undefined);
      }
      return this.loadBalancer.loadBalancerDnsName;
    } catch (error) {
      problems.check(domain.zone === undefined && domain.domainName !== undefined, {
        what: 'loadBalancer',
        given: `one whose name is not known (${error instanceof Error ? error.message : error})`,
        allowed: 'load balancers with loadBalancerDnsName and loadBalancerCanonicalHostedZoneId',
        fix: 'import it with both, or give a domain whose record you make yourself',
      });
      return domain.domainName ?? 'unknown';
    }
  }
}
