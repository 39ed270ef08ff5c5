import type { IResource } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';

/** Where clients come in. */
export interface ISignalingEntry extends IResource, ec2.IConnectable {
  /** What clients are given: `https://meet.example.com`. LiveKit's SDKs make `wss://` of it. */
  readonly url: string;
  /** The name in it. TURN/TLS has the same. */
  readonly domainName: string;
  /** The Master Nodes that take what comes in. */
  readonly targetGroup: elbv2.INetworkTargetGroup;
  /** The same for encoders; none where it takes none. */
  readonly rtmpTargetGroup?: elbv2.INetworkTargetGroup;

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
   * The target group for encoders: TCP 1936 with PROXY protocol 2, health by HTTP on 7444. The listeners
   * before it, TCP 1935 and TLS 1936, are yours.
   *
   * @default - it takes no encoders
   */
  readonly rtmpTargetGroupArn?: string;

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
