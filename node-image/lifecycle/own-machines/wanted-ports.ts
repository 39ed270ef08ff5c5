import { PORT_RANGES, PORTS, PORTS_ON_REQUEST } from '../../contract';
import type { WantedPort } from './machine-check';
import { REDIS_PORT, SENTINEL_PORT } from './own-sentinel';

export const MASTER_PORTS: readonly WantedPort[] = [
  { protocol: 'tcp', port: PORTS.entry, what: 'the entry of clients' },
  { protocol: 'tcp', port: 80, what: 'sends HTTP to HTTPS' },
  { protocol: 'tcp', port: PORTS.http, what: 'the node behind the entry' },
  { protocol: 'tcp', port: REDIS_PORT, what: 'Redis' },
];

/** Of a Master Node that takes encoders. */
export const RTMP_PORTS: readonly WantedPort[] = [
  { protocol: 'tcp', port: PORTS_ON_REQUEST.rtmp, what: 'RTMP' },
  { protocol: 'tcp', port: PORTS_ON_REQUEST.rtmps, what: 'RTMPS' },
  { protocol: 'tcp', port: PORTS_ON_REQUEST.rtmpBehindEntry, what: 'RTMP for the entry' },
];

/** Of a Master Node that is one of several. */
export const HIGH_AVAILABILITY_PORTS: readonly WantedPort[] = [
  ...MASTER_PORTS,
  { protocol: 'tcp', port: SENTINEL_PORT, what: 'Sentinel' },
];

/** Worker 0 has the first of each range; a machine with one free has them all. */
export const MEDIA_PORTS: readonly WantedPort[] = [
  { protocol: 'tcp', port: PORTS.http, what: 'health' },
  { protocol: 'tcp', port: PORTS.nodeLink, what: 'node link' },
  { protocol: 'tcp', port: PORTS.iceTcp, what: 'media over TCP' },
  { protocol: 'udp', port: PORT_RANGES.iceUdp.start, what: 'media' },
  { protocol: 'udp', port: PORTS.turn, what: 'TURN' },
  { protocol: 'udp', port: PORTS.turnUdpEntry, what: 'TURN where only 443 is let out' },
  { protocol: 'tcp', port: PORTS.turnUdpEntry, what: 'TURN for the entry' },
];
