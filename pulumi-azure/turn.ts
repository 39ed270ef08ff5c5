import type * as pulumi from '@pulumi/pulumi';
import {
  existingTurnSettings,
  NO_TURN_SETTINGS,
  ownTurnSettings,
  type PortUse,
  turnPassedOnSettings,
  turnPorts,
  turnUdpEntry,
} from '../node-image/contract';
import { NodeSettings } from './node-config';
import { CIDR } from './private/cidr';
import type { Problems } from './private/validation';

/** Options of TURN on the nodes themselves. */
export interface TurnOptions {
  /**
   * Whether clients are told of TURN/TLS on 443, by the name of the cluster: for networks that let out
   * HTTPS and nothing else. It ends where HTTPS does, at the machine, and Master Nodes pass it on to the
   * Media Nodes: what is relayed so counts as traffic of theirs as well.
   *
   * @default - true where the domain has TLS
   */
  readonly tls?: boolean;

  /**
   * How long credentials can be used for a new allocation: from 1 to 1440 minutes.
   *
   * @default 5
   */
  readonly credentialLifeMinutes?: number;

  /**
   * How many allocations one participant may have at a time.
   *
   * @default 12
   */
  readonly allocationsPerParticipant?: number;

  /**
   * Networks that are relayed to beside the addresses at which the nodes of the cluster take media, as
   * CIDR. Nothing else ever is.
   *
   * @default - none
   */
  readonly relayTo?: readonly string[];
}

/** A way to reach TURN servers of yours. */
export type TurnProtocol = 'udp' | 'tcp' | 'tls';

/** A TURN server of yours. */
export interface TurnServer {
  /** Its name or address. */
  readonly host: string;

  /**
   * Its port.
   *
   * @default - 3478; with TLS 5349
   */
  readonly port?: number;

  /**
   * How clients reach it.
   *
   * @default udp
   */
  readonly protocol?: TurnProtocol;
}

/** What TURN means for nodes with media. @internal */
export interface TurnConfig {
  readonly settings: NodeSettings;
  /** Of Master Nodes, where they pass TURN/TLS on. */
  readonly masterSettings?: NodeSettings;
  /** Of TURN servers that exist; the nodes' own make theirs. */
  readonly secret?: pulumi.Input<string>;
  /** What PORT_USES has and nothing listens on: not to be opened. */
  readonly closedPorts: readonly PortUse[];
}

/** What TURN is made for. @internal */
export interface TurnSurroundings {
  readonly role: 'single' | 'media';
  /** The name that TURN/TLS has; undefined: the domain has no TLS. */
  readonly domainName?: string;
}

/** Where clients find TURN, which relays media through networks that let little out. */
export abstract class Turn {
  /**
   * coturn on the Media Nodes: 3478 over UDP and TCP, 443 over UDP (not on a Single Node), and TURN/TLS
   * on the 443 of the cluster. Costs what the relayed traffic does: it leaves the machine as other media
   * does.
   */
  static onMediaNodes(options: TurnOptions = {}): Turn {
    return new OwnTurn(options);
  }

  /**
   * TURN servers of yours, instead of those on the Media Nodes.
   *
   * @param sharedSecret - what they check credentials with (TURN REST API)
   */
  static existing(servers: readonly TurnServer[], sharedSecret: pulumi.Input<string>): Turn {
    return new ExistingTurn(servers, sharedSecret);
  }

  /** No TURN: clients that can send no UDP to the Media Nodes use ICE over TCP, or cannot join. */
  static none(): Turn {
    return new NoTurn();
  }

  /** @internal */
  abstract _bind(around: TurnSurroundings, problems: Problems): TurnConfig;
}

class OwnTurn extends Turn {
  constructor(private readonly options: TurnOptions) {
    super();
  }

  override _bind(around: TurnSurroundings, problems: Problems): TurnConfig {
    const { tls = around.domainName !== undefined, credentialLifeMinutes, relayTo } = this.options;
    const { allocationsPerParticipant } = this.options;
    problems.check(!tls || around.domainName !== undefined, {
      what: 'turn.tls',
      given: 'true, and a domain without TLS',
      allowed: 'TURN/TLS under a name that has a certificate',
      fix: 'leave out tls, or give a domain with a certificate',
    });
    problems.number('turn.credentialLifeMinutes', credentialLifeMinutes, { min: 1, max: 1440 });
    problems.integer('turn.allocationsPerParticipant', allocationsPerParticipant, {
      min: 1,
      max: 1000,
    });
    for (const each of relayTo ?? []) {
      problems.matches('turn.relayTo', each, CIDR, 'a network such as 10.0.0.0/16');
    }
    return {
      settings: NodeSettings.fromObject(
        ownTurnSettings({
          role: around.role,
          ...(tls && { domain: around.domainName }),
          ...(credentialLifeMinutes !== undefined && { ttlSeconds: credentialLifeMinutes * 60 }),
          allocationsPerParticipant,
          relayTo: relayTo ?? [],
        }),
      ),
      ...(tls &&
        around.role === 'media' && {
          masterSettings: NodeSettings.fromObject(turnPassedOnSettings(around.domainName)),
        }),
      closedPorts: around.role === 'single' ? turnUdpEntry() : [],
    };
  }
}

class ExistingTurn extends Turn {
  constructor(
    private readonly servers: readonly TurnServer[],
    private readonly sharedSecret: pulumi.Input<string>,
  ) {
    super();
  }

  override _bind(_around: TurnSurroundings, problems: Problems): TurnConfig {
    problems.check(this.servers.length > 0, {
      what: 'turn',
      given: 'Turn.existing() with no server',
      allowed: 'one server or more',
      fix: 'name your TURN servers, or use Turn.onMediaNodes() or Turn.none()',
    });
    for (const { host, port, protocol } of this.servers) {
      problems.matches('turn.host', host, /^[A-Za-z0-9._:-]+$/, 'a host name or an address');
      problems.integer('turn.port', port, { min: 1, max: 65_535 });
      problems.oneOf('turn.protocol', protocol, ['udp', 'tcp', 'tls']);
    }
    return {
      settings: NodeSettings.fromObject(
        existingTurnSettings(
          this.servers.map(({ host, port, protocol = 'udp' }) => ({ host, port, protocol })),
        ),
      ),
      secret: this.sharedSecret,
      closedPorts: turnPorts(),
    };
  }
}

class NoTurn extends Turn {
  override _bind(): TurnConfig {
    return { settings: NodeSettings.fromObject(NO_TURN_SETTINGS), closedPorts: turnPorts() };
  }
}
