import { PORTS, type SluiceConfig } from '../../contract';

/** Where Redis and Sentinel of own Master Nodes listen. */
export const REDIS_PORT = PORTS.redis;
export const SENTINEL_PORT = PORTS.sentinel;
/** What Sentinel calls the Redis of the cluster. */
export const SENTINEL_NAME = 'sluice';

/** `host:port`, IPv6 in brackets. */
export const hostAndPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** The Sentinel of this machine, where it is a Master Node that has one; undefined: it has none. */
export function ownSentinel({ redis, sluice }: SluiceConfig): string | undefined {
  const own = hostAndPort(sluice.node_link.address, SENTINEL_PORT);
  return sluice.role === 'master' && redis.sentinel_addresses.includes(own) ? own : undefined;
}
