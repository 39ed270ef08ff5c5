import { Annotations, Duration } from 'aws-cdk-lib';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { PORTS } from '../node-image/contract';
import { NodeSettings } from './node-config';
import {
  type TurnConfig,
  type TurnSurroundings,
  turnPorts,
  turnUdpEntry,
} from './private/turn-config';
import type { Problems } from './private/validation';

/** Options of TURN on the nodes themselves. */
export interface TurnOptions {
  /**
   * Whether clients are told of TURN/TLS on 443, by the name of the cluster: for networks that let out
   * HTTPS and nothing else. For a Single Node whose domain has TLS: the Master Nodes of a cluster do
   * not pass it on yet.
   *
   * @default - true for a Single Node whose domain has TLS
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
   * Networks that are relayed to beside the node's own addresses, as CIDR: where the nodes of the
   * cluster are. Nothing else ever is.
   *
   * @default - the addresses of the VPC
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
   * coturn on the Media Nodes: 3478 over UDP and TCP, and 443 over UDP; on a Single Node 3478 and
   * TURN/TLS on 443. Costs what the relayed traffic does: it leaves the machine as other media does.
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

  override _bind(scope: Construct, around: TurnSurroundings, problems: Problems): TurnConfig {
    const { tls = around.domainName !== undefined, credentialLife, relayTo } = this.options;
    const { allocationsPerParticipant } = this.options;
    const isSingle = around.role === 'single';
    problems.check(!tls || around.domainName !== undefined, {
      what: 'turn.tls',
      given: 'true, and a domain without TLS or a cluster',
      allowed:
        'TURN/TLS of a Single Node under a name that has a certificate: the Master Nodes of a cluster do not pass it on yet',
      fix: 'leave out tls, or give a Single Node a domain with a certificate',
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
    const networks = relayTo ?? vpcNetworks(scope, around, tls);
    return {
      settings: NodeSettings.fromObject({
        turn: {
          enabled: true,
          udp_port: PORTS.turn,
          // Plain here, as HAProxy has ended TLS; the same port takes UDP.
          tls_port: isSingle ? PORTS.turn : PORTS.turnUdpEntry,
          external_tls: true,
          ...(tls && { domain: around.domainName }),
          ...(credentialLife && { ttl_seconds: credentialLife.toSeconds() }),
          ...(allocationsPerParticipant !== undefined && {
            per_user_relay_allocation_limit: allocationsPerParticipant,
          }),
          ...(networks.length > 0 && { allow_restricted_peer_cidrs: networks }),
        },
        // TURN/TLS ends on any node: it relays to the inner address of the one that has the Room.
        ...(tls && { rtc: { advertise_internal_ip: true } }),
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
      settings: NodeSettings.fromObject({
        turn: { enabled: false },
        rtc: {
          turn_servers: this.servers.map(({ host, port, protocol = TurnProtocol.UDP }) => ({
            host,
            ...(port !== undefined && { port }),
            protocol: protocol.name,
            secret_file: SECRET_FILE,
          })),
        },
      }),
      secret: this.sharedSecret,
      closedPorts: turnPorts(),
    };
  }
}

class NoTurn extends Turn {
  override _bind(): TurnConfig {
    return {
      settings: NodeSettings.fromObject({ turn: { enabled: false } }),
      closedPorts: turnPorts(),
    };
  }
}

/** Where machines put the secret that is for TURN. */
const SECRET_FILE = '/run/sluice/secrets/turn';
const CIDR = /^[0-9a-fA-F.:]+\/\d{1,3}$/;

function vpcNetworks(scope: Construct, { vpc }: TurnSurroundings, tls: boolean): readonly string[] {
  try {
    return [vpc.vpcCidrBlock];
  } catch {
    if (tls) {
      Annotations.of(scope).addWarningV2(
        'sluice:turn-relay-to',
        'TURN/TLS relays to no other node: the addresses of the VPC are not known; give turn.relayTo, or import the VPC with vpcCidrBlock',
      );
    }
    return [];
  }
}
