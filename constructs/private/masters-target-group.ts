import { Duration } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { PORTS } from '../../node-image/contract';

/** What is known of Master Nodes behind a load balancer. */
export interface MastersTargets {
  readonly vpc: ec2.IVpc;
  /** Of the HAProxy of a Master Node, which takes PROXY headers there. */
  readonly port: number;
  /** `@default 1 minute` */
  readonly deregistrationDelay?: Duration;
}

/** Master Nodes at a port of their HAProxy; they get nothing while their node does not answer. */
export function mastersTargetGroup(
  scope: Construct,
  id: string,
  { vpc, port, deregistrationDelay }: MastersTargets,
): elbv2.NetworkTargetGroup {
  const group = new elbv2.NetworkTargetGroup(scope, id, {
    vpc,
    targetType: elbv2.TargetType.INSTANCE,
    protocol: elbv2.Protocol.TCP,
    port,
    // The address of the client comes in the PROXY header. As the source of the packets it would be
    // lost for IPv6, and a Master Node could not reach itself by the name of the cluster.
    proxyProtocolV2: true,
    preserveClientIp: false,
    deregistrationDelay: deregistrationDelay ?? Duration.minutes(1),
    // The worst case: it dies just after a check, and two more fail: 5 + 5 + 3 s.
    healthCheck: {
      protocol: elbv2.Protocol.HTTP,
      path: '/',
      port: String(PORTS.entryHealth),
      healthyHttpCodes: '200',
      interval: Duration.seconds(5),
      timeout: Duration.seconds(3),
      unhealthyThresholdCount: 2,
      healthyThresholdCount: 2,
    },
  });
  // So that clients of a dead Master Node learn of it at once, and resume through another.
  group.setAttribute('target_health_state.unhealthy.connection_termination.enabled', 'true');
  return group;
}
