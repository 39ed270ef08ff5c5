import { isIP } from 'node:net';
import { isLoopback, peerRange, rangeText, without } from './peer-ranges';

const REALM = 'sluice';
/**
 * How long an allocation lives whose client has vanished, s. Others refresh theirs in time, and
 * end them by themselves.
 */
const ALLOCATION_SECONDS = 60;

/** TURN/TLS that coturn ends itself. */
export interface CoturnTls {
  /** `turn.tls_port` */
  readonly port: number;
  /** `turn.cert_file`, PEM. */
  readonly certFile: string;
  /** `turn.key_file`, PEM. */
  readonly keyFile: string;
}

export interface CoturnConfig {
  /** The addresses listened on: `turn.bind_addresses`. 0.0.0.0 or nothing means all. */
  readonly listenAddresses: readonly string[];
  /** `turn.udp_port`: UDP and TCP. */
  readonly port: number;
  /**
   * Further ports for plain UDP and TCP: `turn.tls_port` where something in front ends TLS
   * (`turn.external_tls`), 443 for networks that let out nothing else.
   */
  readonly extraPorts?: readonly number[];
  readonly tls?: CoturnTls | undefined;
  /** Local addresses that relay. */
  readonly relayAddresses: readonly string[];
  /** `turn.relay_range_start`, included. @default 30000 */
  readonly relayPortStart?: number;
  /** `turn.relay_range_end`, included. @default 39999 */
  readonly relayPortEnd?: number;
  /** Shared with `iceServersFor`: letters, digits, "-" and "_". */
  readonly secret: string;
  /** Taken as well. @default - none */
  readonly previousSecret?: string | undefined;
  /** `turn.per_user_relay_allocation_limit`; 0 or less: no limit. @default 12 */
  readonly allocationsPerUser?: number;
  /**
   * Where may be relayed to, addresses or networks: the addresses at which this cluster's nodes
   * offer ICE. Everything else is refused.
   */
  readonly allowedPeers: readonly string[];
  /** Where is never relayed to, also where it is allowed. @default none */
  readonly deniedPeers?: readonly string[] | undefined;
}

/**
 * turnserver.conf for coturn 4.6. It holds the secret, so it belongs into a file that nobody else
 * may read.
 *
 * @param directory where coturn may keep its own files.
 * @throws Error when a value cannot be written into the file safely.
 */
export function renderCoturnConfig(config: CoturnConfig, directory: string): string {
  const { relayPortStart = 30_000, relayPortEnd = 39_999, allocationsPerUser = 12 } = config;
  const { secret, previousSecret } = config;
  const secrets = [secret, ...(previousSecret === undefined ? [] : [previousSecret])];
  const lines = [
    ...listeningLines(config),
    ...config.relayAddresses.map((address) => `relay-ip=${checkedAddress(address)}`),
    `min-port=${relayPortStart}`,
    `max-port=${relayPortEnd}`,
    `realm=${REALM}`,
    'use-auth-secret',
    // coturn takes what was made with any of them.
    ...secrets.map((one) => `static-auth-secret=${checkedSecret(one)}`),
    ...(allocationsPerUser > 0 ? [`user-quota=${allocationsPerUser}`] : []),
    'fingerprint',
    'stale-nonce=600',
    `max-allocate-lifetime=${ALLOCATION_SECONDS}`,
    ...peerLines(config),
    'no-multicast-peers',
    'no-tcp-relay',
    // No second door: no remote console, nothing that helps to amplify.
    'no-cli',
    'no-rfc5780',
    'no-stun-backward-compatibility',
    'no-software-attribute',
    'log-file=stdout',
    'simple-log',
    `pidfile=${checkedPath(`${directory}/turnserver.pid`)}`,
    `userdb=${checkedPath(databaseFile(directory))}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Where coturn keeps its database. @param directory as of `renderCoturnConfig` */
export const databaseFile = (directory: string): string => `${directory}/turndb`;

/** What may be relayed to, as coturn writes ranges: what is allowed without what is denied. */
export function allowedRanges({
  allowedPeers,
  deniedPeers = [],
}: Pick<CoturnConfig, 'allowedPeers' | 'deniedPeers'>): string[] {
  return without(allowedPeers.map(peerRange), deniedPeers.map(peerRange)).map(rangeText);
}

function listeningLines({ listenAddresses, port, extraPorts = [], tls }: CoturnConfig): string[] {
  const addresses = listenAddresses.filter((address) => !isWildcard(address));
  const extra = (addresses.length > 0 ? addresses : ['0.0.0.0']).flatMap((address) =>
    extraPorts.map((extraPort) => `aux-server=${withPort(checkedAddress(address), extraPort)}`),
  );
  return [
    `listening-port=${port}`,
    ...addresses.map((address) => `listening-ip=${checkedAddress(address)}`),
    ...extra,
    ...(tls === undefined ? ['no-tls'] : tlsLines(tls)),
    'no-dtls',
  ];
}

const tlsLines = ({ port, certFile, keyFile }: CoturnTls): string[] => [
  `tls-listening-port=${port}`,
  `cert=${checkedPath(certFile)}`,
  `pkey=${checkedPath(keyFile)}`,
  'no-tlsv1',
  'no-tlsv1_1',
];

/** What is allowed wins in coturn, so that everything can be denied. */
function peerLines({ allowedPeers, deniedPeers = [] }: CoturnConfig): string[] {
  const ranges = without(allowedPeers.map(peerRange), deniedPeers.map(peerRange));
  return [
    'denied-peer-ip=0.0.0.0-255.255.255.255',
    'denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    ...ranges.map((range) => `allowed-peer-ip=${rangeText(range)}`),
    // Only for nodes that offer a loopback address: on a laptop, in tests.
    ...(ranges.some(isLoopback) ? ['allow-loopback-peers'] : []),
  ];
}

function checkedAddress(address: string): string {
  if (isIP(address) !== 0) return address;
  throw new Error(`TURN cannot use "${address}": give an IPv4 or IPv6 address.`);
}

function checkedSecret(secret: string): string {
  if (/^[\w-]{16,}$/.test(secret)) return secret;
  throw new Error('The TURN secret must have 16 or more letters, digits, "-" and "_".');
}

function checkedPath(path: string): string {
  if (!/[\r\n]/.test(path)) return path;
  throw new Error(`The path ${JSON.stringify(path)} has a line break in it.`);
}

const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

const withPort = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
