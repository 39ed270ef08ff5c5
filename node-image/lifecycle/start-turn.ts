import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { LinkAddress, RelayRange } from '../cluster/node-record';
import { PORTS, type SluiceConfig } from '../contract';
import type { OwnTurnServer } from '../signaling/ice-servers';
import { isHostName } from './config';
import { Coturn } from './coturn';
import type { CoturnConfig } from './coturn-config';
import type { ListenAddress } from './listen-addresses';
import { countRelaySockets } from './turn-allocations';

/** The TURN server of this node, if it is to have one. */
export interface RunningTurn {
  /** What participants are told; undefined where there is none. */
  readonly server: OwnTurnServer | undefined;
  /** Where it relays from; undefined where there is none. */
  readonly relay: RelayRange | undefined;
  /** Lets it relay to other nodes, at these addresses, and no longer to those of the last call. */
  allow(addresses: readonly string[]): Promise<void>;
  /** How many allocations it has. */
  allocations(): number;
  /** What is wrong with it; undefined where all is well. */
  problem(): string | undefined;
  close(): Promise<void>;
}

/** What credentials are made with, and what is taken besides while the nodes change from that. */
export type TurnSecrets = Pick<CoturnConfig, 'secret' | 'previousSecret'>;

/**
 * Starts coturn where `turn.enabled` asks for it.
 *
 * @param secrets - what credentials are made with. In a cluster they are the same on all nodes.
 * @throws CoturnError with a sentence that says what to do.
 */
export async function startTurn(
  config: SluiceConfig,
  media: readonly ListenAddress[],
  log: Logger,
  secrets: TurnSecrets = { secret: randomBytes(32).toString('hex') },
): Promise<RunningTurn> {
  const { turn } = config;
  if (!turn.enabled) {
    return {
      server: undefined,
      relay: undefined,
      allow: async () => {},
      allocations: () => 0,
      problem: () => undefined,
      close: async () => {},
    };
  }
  const coturn = new Coturn({
    config: coturnConfig(config, media, secrets.secret, secrets.previousSecret),
    log,
  });
  await coturn.start();
  return {
    server: {
      ...secrets,
      addresses: media.map(({ ip, announced }) => announced ?? ip),
      port: turn.udp_port,
      // What stands behind the entry for TURN/TLS takes plain TURN from clients, too.
      udpPorts: udpEntryOf(config),
      tlsDomain: turn.tls_port !== 0 && isHostName(turn.domain) ? turn.domain : undefined,
      ttlSeconds: turn.ttl_seconds,
    },
    relay: {
      addresses: media.flatMap(({ ip, announced }) =>
        announced === undefined ? [ip] : [ip, announced],
      ),
      portStart: turn.relay_range_start,
      portEnd: turn.relay_range_end,
    },
    allow: (addresses) => coturn.allow(addresses),
    allocations: () =>
      countRelaySockets({ start: turn.relay_range_start, end: turn.relay_range_end }),
    problem: () => coturn.trouble,
    close: () => coturn.close(),
  };
}

const udpEntryOf = ({ turn }: SluiceConfig): number[] =>
  turn.external_tls && turn.tls_port === PORTS.turnUdpEntry && turn.udp_port !== turn.tls_port
    ? [turn.tls_port]
    : [];

const endsTls = ({ turn }: SluiceConfig): boolean =>
  turn.tls_port !== 0 && !turn.external_tls && turn.cert_file !== '' && turn.key_file !== '';

/** The port that takes plain TCP, as something else has ended TLS. */
const plainTlsPortOf = (config: SluiceConfig): number | undefined =>
  config.turn.tls_port === 0 || endsTls(config) ? undefined : config.turn.tls_port;

/**
 * Where Master Nodes pass TURN/TLS on to: the port for plain TURN over TCP, which is open to them
 * anyhow; where there is no other, `turn.tls_port`.
 *
 * @param address - of the node link, which they reach, too
 * @returns undefined where nobody else is to end TLS.
 */
export function turnTlsAddress(config: SluiceConfig, address: string): LinkAddress | undefined {
  const { turn } = config;
  const plainTlsPort = turn.enabled ? plainTlsPortOf(config) : undefined;
  if (plainTlsPort === undefined) return undefined;
  const [first = address] = turn.bind_addresses;
  const isThere =
    turn.bind_addresses.length === 0 ||
    turn.bind_addresses.some((one) => ['0.0.0.0', '::', address].includes(one));
  return { host: isThere ? address : first, port: turn.udp_port || plainTlsPort };
}

/** What the settings mean for coturn. @param media - where this node offers ICE */
export function coturnConfig(
  config: SluiceConfig,
  media: readonly ListenAddress[],
  secret: string,
  previousSecret?: string | undefined,
): CoturnConfig {
  const { turn } = config;
  const plainTlsPort = plainTlsPortOf(config);
  const plainTls = plainTlsPort === undefined ? [] : [plainTlsPort];
  const [port = turn.tls_port, ...extraPorts] =
    turn.udp_port === 0 ? plainTls : [turn.udp_port, ...plainTls];
  return {
    listenAddresses: turn.bind_addresses,
    port,
    extraPorts: extraPorts.filter((extra) => extra !== port),
    tls: endsTls(config)
      ? { port: turn.tls_port, certFile: turn.cert_file, keyFile: turn.key_file }
      : undefined,
    relayAddresses: media.map(({ ip }) => ip),
    relayPortStart: turn.relay_range_start,
    relayPortEnd: turn.relay_range_end,
    secret,
    previousSecret,
    allocationsPerUser: turn.per_user_relay_allocation_limit,
    // The other nodes of a cluster come and go: they are allowed while it runs.
    allowedPeers: [
      ...media.flatMap(({ ip, announced }) => (announced === undefined ? [ip] : [ip, announced])),
      ...turn.allow_restricted_peer_cidrs,
    ],
    deniedPeers: turn.deny_peer_cidrs,
  };
}
