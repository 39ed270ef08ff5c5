import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { PortUse } from '../../node-image/contract';
import type { NodeSettings } from '../node-config';

/** What TURN is made for. */
export interface TurnSurroundings {
  /** Whose TURN it is. */
  readonly role: 'single' | 'media';
  /** The name that TURN/TLS has; undefined: the domain has no TLS. */
  readonly domainName?: string | undefined;
}

/** What TURN means for nodes with media. */
export interface TurnConfig {
  /** Of Media Nodes, or of a Single Node. */
  readonly settings: NodeSettings;
  /** Of Master Nodes, where they pass TURN/TLS on. */
  readonly masterSettings?: NodeSettings;
  /** Of TURN servers that exist; the nodes' own make theirs. */
  readonly secret?: sm.ISecret | undefined;
  /** What PORT_USES has and nothing listens on: not to be opened. */
  readonly closedPorts: readonly PortUse[];
}
