import type { Role } from './roles';

/**
 * The ports of a node: who may reach them is for the firewalls that are rendered from this table.
 *
 * Several nodes on one host each add a base of their own, a multiple of NEXT_NODE_BASE.
 */
export const PORTS = {
  /** HTTPS and WSS of clients, TURN/TLS: load balancer, or HAProxy on the machine. */
  entry: 443,
  /**
   * What the HAProxy of a Master Node listens on for a load balancer that has ended TLS, with a PROXY
   * header. It tells STUN from HTTP by the first byte: HTTP goes to the server of the node, STUN to
   * the coturn of a Media Node that serves.
   */
  entryBehindBalancer: 7443,
  /**
   * Where that HAProxy passes the health of the node on, with no PROXY header before it: health
   * checks of a load balancer send none. Unanswered when HAProxy is dead, not ready when the node is.
   */
  entryHealth: 7444,
  /** The server behind the entry: signaling, server API, console. On Media Nodes: health alone. */
  http: 7880,
  /** Master Node to Media Node; private, encrypted. */
  nodeLink: 7870,
  /** Redis of own Master Nodes; private. Those of a cloud have its Redis, or one of theirs by a rule of its own. */
  redis: 6379,
  /** Sentinel of own Master Nodes with High Availability; private. */
  sentinel: 26_379,
  /** Prometheus; private. */
  metrics: 6789,
  /** ICE over UDP: worker i listens on this + i. */
  iceUdp: 50_000,
  /** ICE over TCP: worker i listens on this + i. */
  iceTcp: 7881,
  /** ICE over UDP with --dev: worker i listens on this + i. */
  iceUdpDevelopment: 7882,
  /** TURN over UDP and TCP. */
  turn: 3478,
  /** TURN over UDP for networks that let out nothing but 443. */
  turnUdpEntry: 443,
} as const;

/** Nothing listens there unless the configuration says so: no firewall is opened for it. */
export const PORTS_ON_REQUEST = {
  /** What encoders expect of RTMP: `ingress.rtmp_port`. */
  rtmp: 1935,
  /** RTMP in TLS, which ends at HAProxy or a load balancer: `ingress.rtmps_port`. */
  rtmps: 1936,
  /** Where that HAProxy passes it on to the node, on loopback: `ingress.rtmp_proxy_port`. */
  rtmpBehindEntry: 7935,
} as const;

/** One worker a core, one port a worker and protocol: the firewalls open no more than this. */
export const MAX_WORKERS = 64;

/** Ranges of ports, both ends included. */
export const PORT_RANGES = {
  iceUdp: { start: PORTS.iceUdp, end: PORTS.iceUdp + MAX_WORKERS - 1 },
  iceTcp: { start: PORTS.iceTcp, end: PORTS.iceTcp + MAX_WORKERS - 1 },
  /** Relayed TURN traffic, UDP, towards the cluster's own nodes only. */
  turnRelay: { start: 30_000, end: 39_999 },
  /** Pipes between workers of different nodes, UDP; private. */
  pipes: { start: 40_000, end: 40_999 },
} as const;

/** A port, or range of ports, that a node listens on. */
export interface PortUse {
  /** For people. */
  readonly what: string;
  readonly protocol: 'tcp' | 'udp';
  /** Both ends are included; the same for one port. */
  readonly start: number;
  readonly end: number;
  /** Which nodes listen on it. */
  readonly roles: readonly Role[];
  /**
   * Who may reach it: clients from anywhere (or through a load balancer), the nodes of the
   * cluster, whoever collects metrics, the load balancer that clients come in by.
   */
  readonly from: 'clients' | 'cluster' | 'monitoring' | 'balancer';
}

const ENTRY: readonly Role[] = ['single', 'master'];
const MEDIA: readonly Role[] = ['single', 'media'];
const one = (start: number) => ({ start, end: start });

/** Every port that a node may listen on, with the defaults: what firewalls are rendered from. */
export const PORT_USES: readonly PortUse[] = [
  { what: 'HTTP service', protocol: 'tcp', ...one(PORTS.http), roles: ENTRY, from: 'clients' },
  { what: 'health', protocol: 'tcp', ...one(PORTS.http), roles: ['media'], from: 'cluster' },
  {
    what: 'clients through the load balancer',
    protocol: 'tcp',
    ...one(PORTS.entryBehindBalancer),
    roles: ['master'],
    from: 'balancer',
  },
  {
    what: 'health checks of the load balancer',
    protocol: 'tcp',
    ...one(PORTS.entryHealth),
    roles: ['master'],
    from: 'balancer',
  },
  {
    what: 'node link',
    protocol: 'tcp',
    ...one(PORTS.nodeLink),
    roles: ['media'],
    from: 'cluster',
  },
  {
    what: 'Prometheus',
    protocol: 'tcp',
    ...one(PORTS.metrics),
    roles: ['single', 'master', 'media'],
    from: 'monitoring',
  },
  { what: 'ICE/UDP', protocol: 'udp', ...PORT_RANGES.iceUdp, roles: MEDIA, from: 'clients' },
  { what: 'ICE/TCP', protocol: 'tcp', ...PORT_RANGES.iceTcp, roles: MEDIA, from: 'clients' },
  { what: 'TURN/UDP', protocol: 'udp', ...one(PORTS.turn), roles: MEDIA, from: 'clients' },
  { what: 'TURN/TCP', protocol: 'tcp', ...one(PORTS.turn), roles: MEDIA, from: 'clients' },
  {
    what: 'TURN/UDP where only 443 is let out',
    protocol: 'udp',
    ...one(PORTS.turnUdpEntry),
    roles: MEDIA,
    from: 'clients',
  },
  { what: 'TURN relay', protocol: 'udp', ...PORT_RANGES.turnRelay, roles: MEDIA, from: 'cluster' },
  { what: 'pipes', protocol: 'udp', ...PORT_RANGES.pipes, roles: ['media'], from: 'cluster' },
];

/** Where encoders come to livekit/ingress on the machine: masters do not pass them on to it. */
export const LIVEKIT_RTMP_USE: PortUse = {
  what: 'RTMP of livekit/ingress',
  protocol: 'tcp',
  ...one(PORTS_ON_REQUEST.rtmp),
  roles: MEDIA,
  from: 'clients',
};

/** Ports that a node listens on where its configuration says so. */
export const PORT_USES_ON_REQUEST: readonly PortUse[] = [
  { what: 'RTMP', protocol: 'tcp', ...one(PORTS_ON_REQUEST.rtmp), roles: ENTRY, from: 'clients' },
  { what: 'RTMPS', protocol: 'tcp', ...one(PORTS_ON_REQUEST.rtmps), roles: ENTRY, from: 'clients' },
  LIVEKIT_RTMP_USE,
];

/**
 * Where several nodes share a host, the ports of the next one are so much higher, and then no port
 * of one is a port of another; of TURN relays each has as many.
 */
export const NEXT_NODE_BASE = 1000;
