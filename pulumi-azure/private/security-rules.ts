import * as network from '@pulumi/azure-native/network';
import type * as pulumi from '@pulumi/pulumi';
import {
  PORT_USES,
  PORTS,
  PORTS_ON_REQUEST,
  type PortUse,
  type Role,
} from '../../node-image/contract';

/** What a group of machines takes beside what PORT_USES says of its role. */
export interface SecurityRuleOptions {
  /** Ports that nothing listens on. */
  readonly closed?: readonly PortUse[];
  /** Further ports for clients. */
  readonly clientPorts?: readonly PortUse[];
  /** Where clients come in by HAProxy on the machine. */
  readonly entry?: readonly number[];
  /** Application security groups of the nodes of the cluster. */
  readonly cluster?: readonly pulumi.Input<string>[];
  /** Further ports for the nodes of the cluster, such as that of Redis. */
  readonly clusterPorts?: readonly number[];
}

interface Opening {
  readonly name: string;
  readonly what: string;
  readonly protocol: 'tcp' | 'udp';
  readonly ports: string;
  readonly source: Partial<network.SecurityRule> | object;
}

const ENTRY_USES: Readonly<Record<number, string>> = {
  [PORTS.entry]: 'HTTPS, WSS, TURN/TLS',
  [PORTS_ON_REQUEST.rtmp]: 'RTMP',
  [PORTS_ON_REQUEST.rtmps]: 'RTMPS',
};

const FIRST_PRIORITY = 100;
const LAST_PRIORITY = 4096;

/** What HAProxy on the same machine speaks to, and what only a load balancer that ends TLS does. */
export const NOT_ON_AZURE: readonly PortUse[] = PORT_USES.filter(
  ({ start, roles, from }) =>
    start === PORTS.entryBehindBalancer ||
    (start === PORTS.http &&
      from === 'clients' &&
      (roles.includes('master') || roles.includes('single'))),
);

/**
 * The rules for machines of a role: all that PORT_USES names, as ranges, and nothing else. What comes
 * from the virtual network itself is refused as what comes from anywhere: Azure would let it in.
 */
export function securityRules(role: Role, options: SecurityRuleOptions) {
  const { cluster = [], entry = [], closed = [] } = options;
  const uses = PORT_USES.filter(
    (use) => use.roles.includes(role) && !closed.includes(use) && !NOT_ON_AZURE.includes(use),
  );
  const openings: Opening[] = [
    ...entry.map((port) => ({
      name: `clients-tcp-${port}`,
      what: ENTRY_USES[port] ?? 'HTTP',
      protocol: 'tcp' as const,
      ports: String(port),
      source: ANYBODY,
    })),
    ...[...uses, ...(options.clientPorts ?? [])].flatMap((use) => openingOf(use, cluster)),
    ...(options.clusterPorts ?? []).flatMap((port) =>
      openingOf(
        { what: 'Redis', protocol: 'tcp', start: port, end: port, from: 'cluster' },
        cluster,
      ),
    ),
  ];
  return [
    ...openings.map(({ name, what, protocol, ports, source }, index) => ({
      name,
      description: what,
      priority: FIRST_PRIORITY + index * 10,
      direction: network.SecurityRuleDirection.Inbound,
      access: network.SecurityRuleAccess.Allow,
      protocol:
        protocol === 'udp' ? network.SecurityRuleProtocol.Udp : network.SecurityRuleProtocol.Tcp,
      sourcePortRange: '*',
      ...source,
      destinationAddressPrefix: '*',
      destinationPortRange: ports,
    })),
    {
      name: 'nothing-else-from-the-network',
      description: 'Azure lets everything in from the virtual network by default',
      priority: LAST_PRIORITY,
      direction: network.SecurityRuleDirection.Inbound,
      access: network.SecurityRuleAccess.Deny,
      protocol: network.SecurityRuleProtocol.Asterisk,
      sourcePortRange: '*',
      sourceAddressPrefix: 'VirtualNetwork',
      destinationAddressPrefix: '*',
      destinationPortRange: '*',
    },
  ];
}

const ANYBODY = { sourceAddressPrefix: '*' };

function openingOf(
  { what, protocol, start, end, from }: Omit<PortUse, 'roles'>,
  cluster: readonly pulumi.Input<string>[],
): Opening[] {
  const ports = start === end ? String(start) : `${start}-${end}`;
  const base = { name: `${from}-${protocol}-${ports}`, what, protocol, ports };
  if (from === 'clients') return [{ ...base, source: ANYBODY }];
  if (from === 'balancer')
    return [{ ...base, source: { sourceAddressPrefix: 'AzureLoadBalancer' } }];
  // Prometheus is for whoever collects it: nobody by default, as on AWS.
  if (from === 'monitoring' || cluster.length === 0) return [];
  return [{ ...base, source: { sourceApplicationSecurityGroups: cluster.map((id) => ({ id })) } }];
}
