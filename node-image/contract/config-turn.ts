import { cidrs, flag, port, section, text, texts, whole } from './config-values';

/** The TURN server of this node. Source: livekit-server, `turn` in its config sample. */
export const turnSchema = section({
  /** @default false */
  enabled: flag(false),
  /** Name in the certificate of TURN/TLS. */
  domain: text(),
  /** PEM files of TURN/TLS; not needed with external_tls. */
  cert_file: text(),
  key_file: text(),
  /** 0: no TURN/TLS. 443 where clients reach it with no load balancer between. @default 0 */
  tls_port: port(0),
  /** 0: no TURN over UDP. @default 0 */
  udp_port: port(0),
  /** First UDP port that relays, included. @default 30000 */
  relay_range_start: port(30000),
  /** Last UDP port that relays, included. @default 39999 */
  relay_range_end: port(39999),
  /** A load balancer ends TLS: expect plain traffic on tls_port. @default false */
  external_tls: flag(false),
  /** @default 0.0.0.0 */
  bind_addresses: texts(['0.0.0.0']),
  /** Relays that one participant may hold at a time; 0 or less: no limit. @default 12 */
  per_user_relay_allocation_limit: whole(12, -Number.MAX_SAFE_INTEGER),
  /** Life of credentials in seconds; 0 or less means 300; at most 86400. @default 300 */
  ttl_seconds: whole(300, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'seconds'),
  /**
   * Networks that may be relayed to beside this node's own addresses: in a cluster, the one that its
   * nodes offer ICE in. @default none
   */
  allow_restricted_peer_cidrs: cidrs(),
  /** Networks never relayed to; wins over the list above. @default none */
  deny_peer_cidrs: cidrs(),
}).prefault({});
