import { z } from 'zod';
import { cidrs, duration, flag, port, secret, section, text, texts, whole } from './config-values';

/** The longest life of a TURN credential, in seconds. Longer ones are cut to it. */
export const TURN_CREDENTIAL_MAX_SECONDS = 24 * 60 * 60;

const PORT_RANGE = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/;

/** `7882` or `7882-7892` in the file; both ends, included, in the typed config. */
const portRange = z
  .union([z.int(), z.string()])
  .transform((given, context) => {
    const [, first, last] = PORT_RANGE.exec(String(given).trim()) ?? [];
    const range = { start: Number(first), end: Number(last ?? first) };
    if (first === undefined || range.start < 1 || range.end > 65535 || range.end < range.start) {
      context.addIssue({ code: 'custom', message: 'not a port or range of ports' });
      return z.NEVER;
    }
    return range;
  })
  .meta({ allowed: 'a port such as 7882, or a range such as 7882-7892' });

/** `203.0.113.5`, or one IPv4 and one IPv6 address with a comma between. */
const nodeIp = z
  .string()
  .transform((given, context) => {
    const address: { v4?: string; v6?: string } = {};
    for (const part of given.split(',').map((each) => each.trim())) {
      const family = z.ipv4().safeParse(part).success ? 'v4' : 'v6';
      const known = family === 'v4' || z.ipv6().safeParse(part).success;
      if (!known || address[family] !== undefined) {
        context.addIssue({ code: 'custom', message: 'not an address' });
        return z.NEVER;
      }
      address[family] = part;
    }
    return address;
  })
  .meta({ allowed: 'an IPv4 or IPv6 address, or one of each with a comma between' });

const filter = () => section({ includes: texts(), excludes: texts() }).prefault({});

const turnServer = section({
  host: z.string().min(1).meta({ allowed: 'a host name or address' }),
  /** @default 0, which the protocol's own port replaces: 3478, for tls 5349 */
  port: port(0),
  protocol: z.enum(['udp', 'tcp', 'tls']).meta({ allowed: 'one of udp, tcp, tls' }).default('udp'),
  username: text(),
  credential: secret(),
  /** Shared secret: credentials are made for each participant (TURN REST API). */
  secret: secret(),
  /** File with the shared secret, used where `secret` is empty. */
  secret_file: text(),
  /** Seconds. 0 means 14400; below 0 means 300; at most 86400. @default 0 */
  ttl: whole(0, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'seconds'),
}).meta({ allowed: 'a section with host, port, protocol and credentials' });

/** How media reaches this node. Source: livekit-server, `rtc` in its config sample. */
export const rtcSchema = section({
  /**
   * UDP port of each worker: worker i listens on start + i, so a range needs a port a worker.
   * Replaces port_range_start and port_range_end.
   * @default - not set; 7882 and up with --dev
   */
  udp_port: portRange.optional(),
  /** ICE over TCP: worker i listens on this + i. 0 turns it off. @default 7881 */
  tcp_port: port(7881),
  /** Worker i listens on UDP port start + i. @default 50000, unless udp_port is set */
  port_range_start: port(0),
  /** Last UDP port of the range, included. @default 60000, unless udp_port is set */
  port_range_end: port(0),
  /** Addresses told to clients. @default - found by looking at the interfaces */
  node_ip: nodeIp.optional(),
  /** Ask a STUN server for the public address, and tell clients that. @default false */
  use_external_ip: flag(false),
  /** With use_external_ip: tell clients the internal address too. @default false */
  advertise_internal_ip: flag(false),
  /** With use_external_ip: leave out addresses that map to no public one. @default false */
  external_ip_only: flag(false),
  /** `host:port` of STUN servers for clients, and for use_external_ip. @default - public ones */
  stun_servers: texts(),
  /** TURN servers of your own for clients, instead of the one in `turn`. @default none */
  turn_servers: z.array(turnServer).meta({ allowed: 'a list of TURN servers' }).default([]),
  /** Interfaces by name. @default all */
  interfaces: filter(),
  /** Addresses by network. @default all */
  ips: section({ includes: cidrs(), excludes: cidrs() }).prefault({}),
  /** Offer loopback addresses too. @default false */
  enable_loopback_candidate: flag(false),
  /** For tests: offer no UDP. @default false */
  force_tcp: flag(false),
  /** Offer ICE over TCP and TURN/TLS next to UDP. @default true */
  allow_tcp_fallback: flag(true),
  /** Shortest time between two requests for a key frame to one publisher, by layer. */
  pli_throttle: section({
    /** @default 500ms, in milliseconds here */
    low_quality: duration('500ms'),
    /** @default 1s, in milliseconds here */
    mid_quality: duration('1s'),
    /** @default 1s, in milliseconds here */
    high_quality: duration('1s'),
  }).prefault({}),
}).prefault({});
