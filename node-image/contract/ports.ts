/**
 * The ports of a node: who may reach them is for the firewalls that are rendered from this table.
 *
 * Several nodes on one host each add a base of their own.
 */
export const PORTS = {
  /** HTTPS and WSS of clients, TURN/TLS: load balancer, or HAProxy on the machine. */
  entry: 443,
  /** The server behind the entry: signaling, server API, console. */
  http: 7880,
  /** Master Node to Media Node; private, encrypted. */
  nodeLink: 7870,
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
