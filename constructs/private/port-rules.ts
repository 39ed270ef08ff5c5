import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { PORT_USES, type PortUse, type Role } from '../../node-image/contract';

/** Who may reach a port: as the contract's table has it. */
export type From = PortUse['from'];

/** The ports that nodes of a role listen on for those, as rules of a security group take them. */
export function portsOf(
  role: Role,
  from: From,
  closed: readonly PortUse[] = [],
): { port: ec2.Port; what: string }[] {
  return PORT_USES.filter(
    (use) => use.from === from && use.roles.includes(role) && !closed.includes(use),
  ).map(ruleOf);
}

const ruleOf = (use: PortUse) => ({ port: portOf(use), what: use.what });

function portOf({ protocol, start, end }: PortUse): ec2.Port {
  if (protocol === 'udp')
    return start === end ? ec2.Port.udp(start) : ec2.Port.udpRange(start, end);
  return start === end ? ec2.Port.tcp(start) : ec2.Port.tcpRange(start, end);
}

/** Opens the ports for clients of a role, and others, to everybody, IPv4 and IPv6. */
export function openToWorld(
  group: ec2.ISecurityGroup,
  role: Role,
  closed: readonly PortUse[] = [],
  others: readonly PortUse[] = [],
): void {
  for (const { port, what } of [...portsOf(role, 'clients', closed), ...others.map(ruleOf)]) {
    for (const peer of [ec2.Peer.anyIpv4(), ec2.Peer.anyIpv6()]) {
      group.addIngressRule(peer, port, what);
    }
  }
}
