import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { portsOf } from './port-rules';
import type { Problems } from './validation';

/** Where a load balancer reaches Master Nodes from. */
export interface EntrySource {
  /** Its security groups. */
  readonly connections: ec2.Connections;
  /** Where it has none: addresses. */
  readonly peers: readonly ec2.IPeer[];
}

/** Lets a load balancer reach Master Nodes: what it passes on, and the health check. */
export function openMasters(source: EntrySource, masters: autoscaling.AutoScalingGroup): void {
  for (const { port, what } of portsOf('master', 'balancer')) {
    openMastersTo(source, masters, port, what);
  }
}

/** Lets a load balancer reach one port of Master Nodes. */
export function openMastersTo(
  { connections, peers }: EntrySource,
  masters: autoscaling.AutoScalingGroup,
  port: ec2.Port,
  what: string,
): void {
  if (connections.securityGroups.length > 0) {
    masters.connections.allowFrom(connections, port, what);
  }
  for (const peer of peers) masters.connections.allowFrom(peer, port, what);
}

/** Where a load balancer with no security group comes from. */
export function peersOf(
  connections: ec2.Connections,
  vpc: ec2.IVpc,
  given: readonly ec2.IPeer[] | undefined,
  problems: Problems,
): readonly ec2.IPeer[] {
  if (given !== undefined || connections.securityGroups.length > 0) return given ?? [];
  try {
    return [ec2.Peer.ipv4(vpc.vpcCidrBlock)];
  } catch {
    problems.add({
      what: 'loadBalancer',
      given: 'one with no security groups, in a VPC whose addresses are not known',
      allowed: 'a load balancer that the Master Nodes can tell from others',
      fix: 'import it with loadBalancerSecurityGroups, give loadBalancerPeers, or import the VPC with vpcCidrBlock',
    });
    return [];
  }
}
