import { Resource } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { PORTS } from '../../node-image/contract';
import type { ISignalingEntry, SignalingEntryAttributes } from '../signaling-entry-existing';
import { openMasters } from './entry-rules';
import { attachEncoders } from './rtmp-listeners';
import { Problems } from './validation';

/** What stands for an entry of another stack. */
export class ImportedSignalingEntry extends Resource implements ISignalingEntry {
  public readonly url: string;
  public readonly domainName: string;
  public readonly targetGroup: elbv2.INetworkTargetGroup;
  public readonly rtmpTargetGroup?: elbv2.INetworkTargetGroup;
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
      defaultPort: ec2.Port.tcp(tls ? PORTS.entry : 80),
      securityGroups,
    });
    this.#peers = peers;
    this.targetGroup = elbv2.NetworkTargetGroup.fromTargetGroupAttributes(this, 'Masters', {
      targetGroupArn: attrs.targetGroupArn,
    });
    if (attrs.rtmpTargetGroupArn !== undefined) {
      this.rtmpTargetGroup = elbv2.NetworkTargetGroup.fromTargetGroupAttributes(this, 'Encoders', {
        targetGroupArn: attrs.rtmpTargetGroupArn,
      });
    }
  }

  public attachMasters(masters: autoscaling.AutoScalingGroup): void {
    const source = { connections: this.connections, peers: this.#peers };
    openMasters(source, masters);
    this.targetGroup.addTarget(masters);
    if (this.rtmpTargetGroup) attachEncoders(source, masters, this.rtmpTargetGroup);
  }
}
