import { Duration } from 'aws-cdk-lib';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import {
  existingTurnSettings,
  NO_TURN_SETTINGS,
  ownTurnSettings,
  turnPassedOnSettings,
  turnPorts,
  turnUdpEntry,
} from '../node-image/contract';
import { NodeSettings } from './node-config';
import type { TurnConfig, TurnSurroundings } from './private/turn-config';
import type { Problems } from './private/validation';

/** Options of TURN on the nodes themselves. */
export interface TurnOptions {
  /**
   * Whether clients are told of TURN/TLS on 443, by the name of the cluster: for networks that let out
   * HTTPS and nothing else. It ends where HTTPS does, at the load balancer or at the machine, and Master
   * Nodes pass it on to the Media Nodes: what is relayed so counts as traffic of theirs as well, and of
   * the load balancer.
   *
   * @default - true where the domain has TLS
   */
  readonly tls?: boolean;

  /**
   * How long credentials can be used for a new allocation: from 1 minute to 1 day.
   *
   * @default Duration.minutes(5)
   */
  readonly credentialLife?: Duration;

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
  readonly relayTo?: string[];
}

/** A way to reach TURN servers of yours. */
export class TurnProtocol {
  /** TURN over UDP, on 3478 by default. */
  static readonly UDP = new TurnProtocol('udp');
  /** TURN over TCP, on 3478 by default. */
  static readonly TCP = new TurnProtocol('tcp');
  /** TURN over TLS, on 5349 by default. */
  static readonly TLS = new TurnProtocol('tls');

  /** As sluice.yaml has it. */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }
}

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
   * @default TurnProtocol.UDP
   */
  readonly protocol?: TurnProtocol;
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
   * @param sharedSecret - what they check credentials with (TURN REST API): the whole secret is it
   */
  static existing(servers: TurnServer[], sharedSecret: sm.ISecret): Turn {
    return new ExistingTurn(servers, sharedSecret);
  }

  /** No TURN: clients that can send no UDP to the Media Nodes use ICE over TCP, or cannot join. */
  static none(): Turn {
    return new NoTurn();
  }

  /**
   * What nodes need for it.
   *
   * @internal
   */
  abstract _bind(scope: Construct, surroundings: TurnSurroundings, problems: Problems): TurnConfig;
}

class OwnTurn extends Turn {
  constructor(private readonly options: TurnOptions) {
    super();
  }

  override _bind(_scope: Construct, around: TurnSurroundings, problems: Problems): TurnConfig {
    const { tls = around.domainName !== undefined, credentialLife, relayTo } = this.options;
    const { allocationsPerParticipant } = this.options;
    const isSingle = around.role === 'single';
    problems.check(!tls || around.domainName !== undefined, {
      what: 'turn.tls',
      given: 'true, and a domain without TLS',
      allowed: 'TURN/TLS under a name that has a certificate',
      fix: 'leave out tls, or give a domain with a certificate',
    });
    problems.duration('turn.credentialLife', credentialLife, {
      min: Duration.minutes(1),
      max: Duration.days(1),
    });
    problems.integer('turn.allocationsPerParticipant', allocationsPerParticipant, {
      min: 1,
      max: 1000,
    });
    for (const network of relayTo ?? []) {
      problems.matches('turn.relayTo', network, CIDR, 'a network such as 10.0.0.0/16');
    }
    const networks = relayTo ?? [];
    return {
      settings: NodeSettings.fromObject(
        ownTurnSettings({
          role: around.role,
          ...(tls && { domain: around.domainName }),
          ...(credentialLife && { ttlSeconds: credentialLife.toSeconds() }),
          allocationsPerParticipant,
          relayTo: networks,
        }),
      ),
      ...(tls &&
        !isSingle && {
          masterSettings: NodeSettings.fromObject(turnPassedOnSettings(around.domainName)),
        }),
      closedPorts: isSingle ? turnUdpEntry() : [],
    };
  }
}

class ExistingTurn extends Turn {
  constructor(
    private readonly servers: TurnServer[],
    private readonly sharedSecret: sm.ISecret,
  ) {
    super();
  }

  override _bind(_scope: Construct, _around: TurnSurroundings, problems: Problems): TurnConfig {
    problems.check(this.servers.length > 0, {
      what: 'turn',
      given: 'Turn.existing() with no server',
      allowed: 'one server or more',
      fix: 'name your TURN servers, or use Turn.onMediaNodes() or Turn.none()',
    });
    for (const { host, port } of this.servers) {
      problems.matches('turn.host', host, /^[A-Za-z0-9._:-]+$/, 'a host name or an address');
      problems.integer('turn.port', port, { min: 1, max: 65_535 });
    }
    return {
      settings: NodeSettings.fromObject(
        existingTurnSettings(
          this.servers.map(({ host, port, protocol = TurnProtocol.UDP }) => ({
            host,
            port,
            protocol: protocol.name,
          })),
        ),
      ),
      secret: this.sharedSecret,
      closedPorts: turnPorts(),
    };
  }
}

class NoTurn extends Turn {
  override _bind(): TurnConfig {
    return {
      settings: NodeSettings.fromObject(NO_TURN_SETTINGS),
      closedPorts: turnPorts(),
    };
  }
}

const CIDR = /^[0-9a-fA-F.:]+\/\d{1,3}$/;
