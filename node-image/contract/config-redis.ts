import { flag, secret, section, text, texts, whole } from './config-values';

const timeout = (milliseconds: number) => whole(milliseconds, 0, 600_000, 'milliseconds');

/**
 * The Redis that the nodes of a cluster share; with no address, this is a Single Node.
 *
 * Source: livekit/protocol, redis.RedisConfig.
 */
export const redisSchema = section({
  /** `host:port`. @default none */
  address: text(),
  username: text(),
  password: secret(),
  /** Not with cluster_addresses. @default 0 */
  db: whole(0, 0, 65535),
  /** Deprecated: tls.enabled. @default false */
  use_tls: flag(false),
  tls: section({
    /** @default false */
    enabled: flag(false),
    /** Accept any certificate. @default false */
    insecure: flag(false),
    /** Name expected in the certificate. @default - the host of the address */
    server_name: text(),
    /** PEM files. @default - the certificate authorities of the system, no client certificate */
    ca_cert_file: text(),
    client_cert_file: text(),
    client_key_file: text(),
  }).prefault({}),
  /** With sentinels: the name of the master, and `host:port` of each sentinel. */
  sentinel_master_name: text(),
  sentinel_username: text(),
  sentinel_password: secret(),
  sentinel_addresses: texts(),
  /** Clustered Redis: `host:port` of some of its nodes. */
  cluster_addresses: texts(),
  /** Milliseconds. @default 2000 */
  dial_timeout: timeout(2000),
  /** Milliseconds. @default 200 */
  read_timeout: timeout(200),
  /** Milliseconds. @default 200 */
  write_timeout: timeout(200),
  /** Clustered Redis: redirections followed. @default 2 */
  max_redirects: whole(2, 0, 100),
}).prefault({});
