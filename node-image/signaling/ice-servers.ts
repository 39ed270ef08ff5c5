import { createHmac } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { ICEServer } from '@livekit/protocol';

/** What LiveKit tells clients when nothing is configured. */
const PUBLIC_STUN_SERVERS = [
  'global.stun.twilio.com:3478',
  'stun.l.google.com:19302',
  'stun1.l.google.com:19302',
];
const EXTERNAL_TTL_SECONDS = 14_400;
const MIN_TTL_SECONDS = 300;
const MAX_TTL_SECONDS = 86_400;
/** Clients reach TURN/TLS where HTTPS is, whatever port the server behind it has. */
const TURN_TLS_PORT = 443;

/** One of `rtc.turn_servers`. */
export interface ExternalTurnServer {
  readonly host: string;
  /** 0 means 3478, with tls 5349. */
  readonly port: number;
  readonly protocol: 'udp' | 'tcp' | 'tls';
  readonly username: string;
  readonly credential: string;
  /** Shared with the TURN server; wins over username and credential. */
  readonly secret: string;
  /** Of credentials made with the secret, in s. 0 means 14400. */
  readonly ttl: number;
}

/** The TURN server of the node that hosts the Room. */
export interface OwnTurnServer {
  /** What coturn has as `static-auth-secret`. */
  readonly secret: string;
  /**
   * The secret before, while the nodes of a cluster change to a new one: TURN/TLS leads to any of
   * them, and some may know no other. @default - none
   */
  readonly previousSecret?: string | undefined;
  /** The node's addresses as clients see them. */
  readonly addresses: readonly string[];
  /** `turn.udp_port`: UDP and TCP. 0: only TURN/TLS. */
  readonly port: number;
  /** Further ports for UDP alone, for networks that let out nothing but 443. @default none */
  readonly udpPorts?: readonly number[] | undefined;
  /** `turn.domain` when `turn.tls_port` is set: the name clients use for TURN/TLS. */
  readonly tlsDomain?: string | undefined;
  /** `turn.ttl_seconds` */
  readonly ttlSeconds: number;
}

export interface IceServersOptions {
  readonly own?: OwnTurnServer | undefined;
  readonly turnServers: readonly ExternalTurnServer[];
  /** `rtc.stun_servers`: host:port. */
  readonly stunServers: readonly string[];
}

export interface IceServersRequest {
  /** The participant's sid: coturn's quota counts by it. */
  readonly participantSid: string;
  readonly nowMs: number;
  /** TURN/TLS only, for a client that could connect in no other way. @default false */
  readonly tlsOnly?: boolean;
}

/**
 * The ICE servers for one participant, with credentials that end.
 *
 * Source: the TURN REST API (draft-uberti-behave-turn-rest), and livekit-server for the order.
 */
export function iceServersFor(options: IceServersOptions, request: IceServersRequest): ICEServer[] {
  const own = ownServer(options.own, request);
  const ownBefore = ownServerBefore(options.own, request);
  const external = options.turnServers.map((server) => externalServer(server, request));
  const stun = stunServer(options.stunServers);
  const ownIsStun = own?.urls.some((url) => url.startsWith('turn:')) ?? false;
  const hasStun = ownIsStun || external.length > 0 || stun !== undefined;
  const fallback = hasStun ? undefined : stunServer(PUBLIC_STUN_SERVERS);
  return [own, ownBefore, ...external, stun, fallback].filter((server) => server !== undefined);
}

/** Time-limited credentials, as coturn's `use-auth-secret` checks them. */
export function turnCredentials(
  secret: string,
  { participantSid, nowMs }: Pick<IceServersRequest, 'participantSid' | 'nowMs'>,
  ttlSeconds: number,
): { username: string; credential: string } {
  const username = `${Math.floor(nowMs / 1000) + ttlSeconds}:${participantSid}`;
  const credential = createHmac('sha1', secret).update(username).digest('base64');
  return { username, credential };
}

function ownServer(
  own: OwnTurnServer | undefined,
  request: IceServersRequest,
): ICEServer | undefined {
  if (own === undefined) return undefined;
  const { addresses, port, udpPorts = [], tlsDomain = '' } = own;
  const tls = tlsDomain === '' ? [] : [`turns:${tlsDomain}:${TURN_TLS_PORT}?transport=tcp`];
  const skipPlain = port === 0 || (request.tlsOnly === true && tls.length > 0);
  const at = (transport: string, ports: readonly number[]): string[] =>
    ports.flatMap((one) =>
      addresses.map((address) => `turn:${hostAndPort(address, one)}?transport=${transport}`),
    );
  const plain = skipPlain ? [] : [...at('udp', [port, ...udpPorts]), ...at('tcp', [port])];
  const urls = [...plain, ...tls];
  if (urls.length === 0) return undefined;
  const credentials = turnCredentials(own.secret, request, ttlOf(own.ttlSeconds));
  return new ICEServer({ urls, ...credentials });
}

/** The same again for nodes that know the secret before alone, where clients may meet one. */
function ownServerBefore(
  own: OwnTurnServer | undefined,
  request: IceServersRequest,
): ICEServer | undefined {
  const { previousSecret: secret = '', tlsDomain = '' } = own ?? {};
  if (own === undefined || secret === '' || tlsDomain === '') return undefined;
  return ownServer({ ...own, secret }, { ...request, tlsOnly: true });
}

function externalServer(server: ExternalTurnServer, request: IceServersRequest): ICEServer {
  const { host, protocol, secret, username, credential } = server;
  const scheme = protocol === 'tls' ? 'turns' : 'turn';
  const port = server.port || (protocol === 'tls' ? 5349 : 3478);
  const transport = protocol === 'udp' ? 'udp' : 'tcp';
  const ttl = server.ttl === 0 ? EXTERNAL_TTL_SECONDS : ttlOf(server.ttl);
  return new ICEServer({
    urls: [`${scheme}:${hostAndPort(host, port)}?transport=${transport}`],
    ...(secret === '' ? { username, credential } : turnCredentials(secret, request, ttl)),
  });
}

function stunServer(servers: readonly string[]): ICEServer | undefined {
  if (servers.length === 0) return undefined;
  return new ICEServer({ urls: servers.map((server) => `stun:${server}`) });
}

const ttlOf = (seconds: number): number =>
  seconds <= 0 ? MIN_TTL_SECONDS : Math.min(seconds, MAX_TTL_SECONDS);

const hostAndPort = (host: string, port: number): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
