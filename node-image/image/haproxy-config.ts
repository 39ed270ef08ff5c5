/** The entry of a machine: one port for HTTPS, WSS and TURN/TLS. */
export interface HaproxyConfig {
  /** Usually 443. */
  readonly port: number;
  /** PEM file of certificate, chain and key; undefined where a load balancer has ended TLS. */
  readonly certificate?: string | undefined;
  /** Whether a load balancer says first for whom it connects. @default false */
  readonly proxyProtocol?: boolean | undefined;
  /** Port for health checks of a load balancer, which have no PROXY header. */
  readonly healthPort?: number | undefined;
  /** Send whoever comes to port 80 to HTTPS; with a certificate only. */
  readonly redirect: boolean;
  /**
   * Path of the socket that answers what an authority of certificates asks for on port 80.
   * @default - there is none
   */
  readonly challenges?: string | undefined;
  /**
   * RTMP in TLS, which ends here with a certificate, and at a load balancer with proxyProtocol.
   * @default - none is taken
   */
  readonly rtmps?: RtmpsConfig | undefined;
  /** `host:port` of Master Nodes: the first is this machine's, the others stand in for it. */
  readonly masters: readonly [string, ...string[]];
  /** `host:port` of TURN servers that take plain TCP; none: there is no TURN/TLS. */
  readonly turn: readonly string[];
  /** How many TURN servers can be named while it runs, beside those. @default 0 */
  readonly turnSlots?: number | undefined;
  /**
   * Socket by which HAProxy is told of changes without a restart: for its own user and group. Who is of
   * that group can tell it anything.
   */
  readonly adminSocket: string;
}

export interface RtmpsConfig {
  /** Usually 1936. */
  readonly port: number;
  /** `host:port` of the node, which is told by a PROXY header who the client is. */
  readonly node: string;
}

/** The backend whose servers may be named while HAProxy runs: slot 1 and up. */
export const TURN_BACKEND = 'turn';
export const TURN_SLOT = 'slot';

/** Only the machine itself can connect to it. */
const HTTP_SOCKET = 'abns@sluice-http';
/** WebSockets and TURN send something every few seconds. */
const IDLE_SECONDS = 300;

/**
 * haproxy.cfg for HAProxy 2.6.
 *
 * Who sends a first byte of 0 to 3 after TLS speaks STUN, everybody else HTTP. Source: RFC 7983,
 * section 7.
 *
 * @throws Error when a value cannot be written into the file safely.
 */
export function renderHaproxyConfig(config: HaproxyConfig): string {
  const { certificate, healthPort } = config;
  const sections = [
    globalSection(config),
    defaults(),
    entry(config),
    ...(hasTurn(config) ? [turnBackend(config)] : []),
    httpHop(certificate !== undefined),
    masters(config.masters),
    ...(certificate !== undefined ? plain(config) : []),
    ...(healthPort !== undefined ? [health(healthPort)] : []),
    ...rtmps(config),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

const globalSection = ({ adminSocket }: HaproxyConfig): string[] => [
  'global',
  '    log stdout format raw local0 notice',
  '    # How many clients: as many as LimitNOFILE lets it have, two descriptors each.',
  `    stats socket ${checkedPath(adminSocket)} mode 660 level admin expose-fd listeners`,
  '    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets',
  '    ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20',
  '    # A reload hands the listeners on; who is connected stays so long with the old process.',
  '    hard-stop-after 12h',
];

const defaults = (): string[] => [
  'defaults',
  '    log global',
  '    mode tcp',
  '    option dontlognull',
  '    option clitcpka',
  '    option srvtcpka',
  '    option redispatch',
  '    retries 3',
  '    timeout connect 5s',
  '    timeout client 75s',
  '    timeout server 75s',
  '    timeout http-request 15s',
  `    timeout tunnel ${IDLE_SECONDS}s`,
  '    timeout client-fin 10s',
];

/** Not one socket for both, which would make IPv4 clients look like IPv6 ones to the nodes. */
const bothFamilies = (port: number, options = ''): string[] => [
  `    bind :${port}${options}`,
  `    bind :::${port} v6only${options}`,
];

const hasTurn = ({ turn, turnSlots = 0 }: HaproxyConfig): boolean =>
  turn.length > 0 || turnSlots > 0;

function entry(config: HaproxyConfig): string[] {
  const { port, certificate, proxyProtocol } = config;
  const proxy = proxyProtocol === true ? ' accept-proxy' : '';
  const tls = certificate === undefined ? '' : ` ssl crt ${checkedPath(certificate)} alpn http/1.1`;
  return [
    'frontend entry',
    ...bothFamilies(port, `${proxy}${tls}`),
    ...(hasTurn(config)
      ? [
          '    tcp-request inspect-delay 10s',
          '    tcp-request content accept if { req.len gt 0 }',
          '    tcp-request content reject',
          '    acl is_stun req.payload(0,1),hex -m str 00 01 02 03',
          `    use_backend ${TURN_BACKEND} if is_stun`,
          `    timeout client ${IDLE_SECONDS}s`,
        ]
      : []),
    '    default_backend http_hop',
  ];
}

function turnBackend({ turn, turnSlots = 0 }: HaproxyConfig): string[] {
  return [
    `backend ${TURN_BACKEND}`,
    `    timeout server ${IDLE_SECONDS}s`,
    '    balance leastconn',
    ...turn.map(
      (server, i) =>
        `    server given${i + 1} ${checkedServer(server)} check inter 2s rise 1 fall 2`,
    ),
    // Named while it runs, as Media Nodes come and go.
    ...(turnSlots > 0
      ? [
          `    server-template ${TURN_SLOT} 1-${turnSlots} 127.0.0.1:9 check inter 2s rise 1 fall 2 disabled`,
        ]
      : []),
  ];
}

/** HTTP is looked into only here, so that nodes are told the address of the client. */
const httpHop = (isTls: boolean): string[] => [
  'backend http_hop',
  `    timeout server ${IDLE_SECONDS}s`,
  `    server http ${HTTP_SOCKET} send-proxy-v2`,
  '',
  'frontend http',
  '    mode http',
  `    bind ${HTTP_SOCKET} accept-proxy`,
  '    # What clients say of themselves here is not passed on.',
  '    http-request set-header X-Forwarded-For %[src]',
  `    http-request set-header X-Forwarded-Proto ${isTls ? 'https' : 'http'}`,
  ...(isTls ? ['    http-response set-header Strict-Transport-Security max-age=31536000'] : []),
  '    default_backend masters',
];

const masters = ([own, ...others]: readonly [string, ...string[]]): string[] => [
  'backend masters',
  '    mode http',
  '    option httpchk GET /',
  '    http-check expect status 200',
  `    server own ${checkedServer(own)} check inter 2s rise 1 fall 2`,
  ...others.map(
    (server, index) =>
      `    server other${index + 1} ${checkedServer(server)} check inter 2s rise 1 fall 2 backup`,
  ),
];

/** Port 80. */
function plain({ redirect, challenges }: HaproxyConfig): string[][] {
  if (!redirect && challenges === undefined) return [];
  const unless = challenges === undefined ? '' : ' unless is_proof';
  return [
    [
      'frontend plain',
      '    mode http',
      ...bothFamilies(80),
      ...(challenges === undefined
        ? []
        : ['    acl is_proof path_beg /.well-known/acme-challenge/']),
      redirect
        ? `    http-request redirect scheme https code 308${unless}`
        : `    http-request deny deny_status 404${unless}`,
      ...(challenges === undefined ? [] : ['    default_backend proofs']),
    ],
    ...(challenges === undefined
      ? []
      : [['backend proofs', '    mode http', `    server own unix@${checkedPath(challenges)}`]]),
  ];
}

/** Ready when this machine's node is: others that stand in for it have checks of their own. */
const health = (port: number): string[] => [
  'frontend health',
  '    mode http',
  ...bothFamilies(port),
  '    acl is_well srv_is_up(masters/own)',
  '    http-request return status 200 content-type text/plain string OK if is_well',
  '    http-request return status 503 content-type text/plain string "the node of this machine is not ready"',
];

/** Streams last for hours, and may be silent while an encoder has nothing to send. */
function rtmps({ rtmps: given, certificate, proxyProtocol }: HaproxyConfig): string[][] {
  // In clear only from a load balancer that has ended TLS, and says who the client is.
  if (given === undefined || (certificate === undefined && proxyProtocol !== true)) return [];
  const proxy = proxyProtocol === true ? ' accept-proxy' : '';
  const tls = certificate === undefined ? '' : ` ssl crt ${checkedPath(certificate)}`;
  return [
    [
      'frontend rtmps',
      ...bothFamilies(given.port, `${proxy}${tls}`),
      `    timeout client ${IDLE_SECONDS}s`,
      '    default_backend rtmp',
    ],
    [
      'backend rtmp',
      `    timeout server ${IDLE_SECONDS}s`,
      `    server node ${checkedServer(given.node)} send-proxy-v2`,
    ],
  ];
}

function checkedPath(path: string): string {
  if (/^\/[\w./@+-]+$/.test(path)) return path;
  throw new Error(
    `HAProxy cannot use the path ${JSON.stringify(path)}: give one with letters, digits, ".", "-" and "_".`,
  );
}

function checkedServer(server: string): string {
  if (/^(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):\d{1,5}$/.test(server)) return server;
  throw new Error(`HAProxy cannot use the server ${JSON.stringify(server)}: give host:port.`);
}
