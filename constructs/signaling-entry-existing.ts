import { type IResource, Resource } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { openMasters } from './private/entry-rules';
import { Problems } from './private/validation';

/** Where clients come in. */
export interface ISignalingEntry extends IResource, ec2.IConnectable {
  /** What clients are given: `https://meet.example.com`. LiveKit's SDKs make `wss://` of it. */
  readonly url: string;
  /** The name in it. TURN/TLS has the same. */
  readonly domainName: string;
  /** The Master Nodes that take what comes in. */
  readonly targetGroup: elbv2.INetworkTargetGroup;

  /** Sends clients to these Master Nodes too, and lets the load balancer reach them. */
  attachMasters(masters: autoscaling.AutoScalingGroup): void;
}

/** An entry that exists. */
export interface SignalingEntryAttributes {
  /** The name that clients use. */
  readonly domainName: string;

  /**
   * The target group of Master Nodes: TCP 7443 with PROXY protocol 2, health by HTTP on 7444.
   */
  readonly targetGroupArn: string;

  /**
   * The security groups of the load balancer.
   *
   * @default - none: give `peers`
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * Where a load balancer with no security groups reaches the Master Nodes from.
   *
   * @default - nowhere
   */
  readonly peers?: ec2.IPeer[];

  /**
   * Whether clients speak TLS to it.
   *
   * @default true
   */
  readonly tls?: boolean;
}

/** What stands for an entry of another stack. */
export class ImportedSignalingEntry extends Resource implements ISignalingEntry {
  public readonly url: string;
  public readonly domainName: string;
  public readonly targetGroup: elbv2.INetworkTargetGroup;
  public readonly connections: ec2.Connections;
  readonly #peers: readonly ec2.IPeer[];

  constructor(scope: Construct, id: string, attrs: SignalingEntryAttributes) {
    super(scope, id);
    const { domainName, tls = true, securityGroups = [], peers = [] } = attrs;
    const problems = new Problems(this);
    problems.check(securityGroups.length + peers.length > 0, {
      what: 'securityGroups and peers',
      given: 'neither',
      allowed: 'one of them: Master Nodes take connections from the load balancer alone',
      fix: 'give the security groups of the load balancer, or its addresses as peers',
    });
    problems.report();
    this.domainName = domainName;
    this.url = `${tls ? 'https' : 'http'}://${domainName}`;
    this.connections = new ec2.Connections({
      defaultPort: ec2.Port.tcp(tls ? 443 : 80),
      securityGroups,
    });
    this.#peers = peers;
    this.targetGroup = elbv2.NetworkTargetGroup.fromTargetGroupAttributes(this, 'Masters', {
      targetGroupArn: attrs.targetGroupArn,
    });
  }

  public attachMasters(masters: autoscaling.AutoScalingGroup): void {
    openMasters({ connections: this.connections, peers: this.#peers }, masters);
    this.targetGroup.addTarget(masters);
  }
}
