import { Annotations } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { PORTS_ON_REQUEST, RTMPS_PORT } from '../../node-image/contract';
import { type EntrySource, openMastersTo } from './entry-rules';
import { type MastersTargets, mastersTargetGroup } from './masters-target-group';

/** A load balancer that is to take encoders. */
export interface RtmpListenersProps extends Omit<MastersTargets, 'port'> {
  readonly loadBalancer: elbv2.INetworkLoadBalancer;
  /** Undefined: there is no TLS. */
  readonly certificate: acm.ICertificate | undefined;
  readonly sslPolicy?: elbv2.SslPolicy;
  /** Whom its security groups are opened to. */
  readonly clients: readonly ec2.IPeer[];
}

/** Where encoders come in: in clear, and in TLS where there is a certificate. */
export const rtmpPorts = (tls: boolean): readonly number[] => [
  PORTS_ON_REQUEST.rtmp,
  ...(tls ? [RTMPS_PORT] : []),
];

/**
 * Listeners for encoders. Both lead to the RTMPS port of the HAProxy of Master Nodes, which takes no TLS
 * there, as the load balancer has ended it, and PROXY headers.
 */
export function listenForRtmp(
  scope: Construct,
  props: RtmpListenersProps,
): elbv2.NetworkTargetGroup {
  const { loadBalancer, certificate, clients } = props;
  const group = mastersTargetGroup(scope, 'Encoders', { ...props, port: RTMPS_PORT });
  for (const port of rtmpPorts(certificate !== undefined)) {
    const isTls = port === RTMPS_PORT;
    new elbv2.NetworkListener(scope, isTls ? 'Rtmps' : 'Rtmp', {
      loadBalancer,
      port,
      protocol: isTls ? elbv2.Protocol.TLS : elbv2.Protocol.TCP,
      ...(isTls && certificate && listenerTls(certificate, props.sslPolicy)),
      defaultTargetGroups: [group],
    });
    for (const client of clients) {
      loadBalancer.connections.allowFrom(client, ec2.Port.tcp(port), 'encoders');
    }
  }
  return group;
}

/** What a listener says of TLS. */
export const listenerTls = (certificate: acm.ICertificate, sslPolicy?: elbv2.SslPolicy) => ({
  certificates: [elbv2.ListenerCertificate.fromCertificateManager(certificate)],
  sslPolicy: sslPolicy ?? elbv2.SslPolicy.TLS13_12_RES_PQ,
});

/** Sends encoders to these Master Nodes too, and lets the load balancer reach them. */
export function attachEncoders(
  source: EntrySource,
  masters: autoscaling.AutoScalingGroup,
  group: elbv2.INetworkTargetGroup,
): void {
  openMastersTo(source, masters, ec2.Port.tcp(RTMPS_PORT), 'encoders through the load balancer');
  group.addTarget(masters);
}

/** Nothing can be added to a load balancer of which only a target group is known. */
export function warnOfNoRtmp(scope: Construct): void {
  Annotations.of(scope).addWarningV2(
    'sluice:noRtmpAtEntry',
    `jobs.rtmp is on, and the entry takes no encoders: nothing is added to one that exists. Give it listeners on TCP ${PORTS_ON_REQUEST.rtmp} and TLS ${RTMPS_PORT} that lead to a target group of TCP ${RTMPS_PORT} with PROXY protocol 2, and import it with rtmpTargetGroupArn; of a SignalingEntry of this app: rtmp: true`,
  );
}
