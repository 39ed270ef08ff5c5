import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { PORT_RANGES, PORT_USES, PORTS, type PortUse } from '../../node-image/contract';
import type { NodeSettings } from '../node-config';

/** What TURN is made for. */
export interface TurnSurroundings {
  /** Whose TURN it is. */
  readonly role: 'single' | 'media';
  /** Where the nodes are. */
  readonly vpc: ec2.IVpc;
  /** The name that TURN/TLS has; undefined: the domain has no TLS. */
  readonly domainName?: string | undefined;
}

/** What TURN means for nodes with media. */
export interface TurnConfig {
  /** Of Media Nodes, or of a Single Node. */
  readonly settings: NodeSettings;
  /** Of TURN servers that exist; the nodes' own make theirs. */
  readonly secret?: sm.ISecret | undefined;
  /** What PORT_USES has and nothing listens on: not to be opened. */
  readonly closedPorts: readonly PortUse[];
}

/** UDP 443: coturn can listen there only together with TCP 443, which is HAProxy's on a Single Node. */
export function turnUdpEntry(): readonly PortUse[] {
  return PORT_USES.filter(
    ({ start, protocol }) => start === PORTS.turnUdpEntry && protocol === 'udp',
  );
}

/** The ports that only TURN needs. */
export function turnPorts(): readonly PortUse[] {
  return [
    ...PORT_USES.filter(
      ({ start }) => start === PORTS.turn || start === PORT_RANGES.turnRelay.start,
    ),
    ...turnUdpEntry(),
  ];
}
