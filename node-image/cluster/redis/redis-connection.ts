import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { SluiceConfig } from '../../contract';
import {
  connectorToAnyOf,
  type HostPort,
  sentinelConnector,
  TcpConnector,
} from './redis-connectors';

export type RedisConfig = SluiceConfig['redis'];
export type RedisClient = Redis | Cluster;

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;
/** Longest wait between two attempts to connect, ms. */
const LONGEST_WAIT_MS = 1000;

/** For people: where Redis is expected. Without any secret. */
export function addressOf(config: RedisConfig): string {
  if (config.cluster_addresses.length > 0) return `cluster ${config.cluster_addresses.join(', ')}`;
  if (config.sentinel_addresses.length > 0) {
    const { sentinel_master_name: name, sentinel_addresses: addresses } = config;
    return `${name} of the sentinels ${addresses.join(', ')}`;
  }
  return config.address;
}

/** How long a command may take in all, ms; 0 in the configuration is its default. */
export const commandTimeoutMs = (config: RedisConfig): number =>
  (config.read_timeout || 200) + (config.write_timeout || 200);

/**
 * A client that connects at once, keeps trying with back-off, and queues nothing while Redis is
 * away. It emits `error`, which has to be listened to.
 *
 * @param sentinels - those that there are by now, of a Redis with Sentinel. @default - as configured
 * @throws Error naming the key of the `redis:` section that cannot be used.
 */
export function createClient(
  config: RedisConfig,
  commandMs: number,
  sentinels: () => readonly string[] = () => config.sentinel_addresses,
): RedisClient {
  if (config.cluster_addresses.length > 0) {
    const common = commonOptions(config, commandMs);
    return new Cluster(clusterAddresses(config), {
      redisOptions: common,
      enableOfflineQueue: false,
      maxRedirections: config.max_redirects,
      clusterRetryStrategy: backOff,
      clusterNodeRetryStrategy: backOff,
      slotsRefreshTimeout: config.dial_timeout || 2000,
      slotsRefreshInterval: 2000,
      // Names stay names: certificates are made out to them, and addresses change.
      dnsLookup: (name, callback) => callback(null, name),
    });
  }

  const single = singleOptions(config, commandMs);
  if (config.sentinel_addresses.length > 0) {
    const { sentinel_username: username, sentinel_password: password } = config;
    const { tls } = single;
    return new Redis({
      ...single,
      Connector: sentinelConnector(() => sentinels().map(sentinelAddress)),
      name: config.sentinel_master_name,
      // Those that were found come first: a configuration names machines that are gone.
      sentinels: sentinels().map(sentinelAddress),
      ...(username === '' ? {} : { sentinelUsername: username }),
      ...(password === '' ? {} : { sentinelPassword: password }),
      ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
      sentinelCommandTimeout: Math.max(1000, commandMs),
      sentinelRetryStrategy: backOff,
      sentinelReconnectStrategy: backOff,
      failoverDetector: true,
    });
  }

  if (config.address === '') {
    throw new Error(
      'no Redis is configured: give redis.address, redis.sentinel_addresses or redis.cluster_addresses',
    );
  }
  return new Redis({ ...single, ...parse('redis.address', config.address, DEFAULT_PORT) });
}

/**
 * A client to hear events with. In a clustered Redis all nodes tell all of them: any one will do.
 *
 * @throws Error as `createClient` does.
 */
export function createEventClient(
  config: RedisConfig,
  commandMs: number,
  sentinels?: () => readonly string[],
): RedisClient {
  if (config.cluster_addresses.length === 0) return createClient(config, commandMs, sentinels);
  const Connector = connectorToAnyOf(clusterAddresses(config));
  return new Redis({ ...singleOptions(config, commandMs), db: 0, Connector });
}

/**
 * How one of the Sentinels is connected to.
 *
 * @throws Error where the address is none.
 */
export function sentinelConnection(config: RedisConfig, address: string) {
  const { sentinel_username: username, sentinel_password: password } = config;
  const tls = tlsOptions(config);
  return {
    Connector: TcpConnector,
    ...sentinelAddress(address),
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  } satisfies RedisOptions;
}

const sentinelAddress = (text: string): HostPort =>
  parse('redis.sentinel_addresses', text, DEFAULT_SENTINEL_PORT);

const clusterAddresses = (config: RedisConfig): HostPort[] =>
  config.cluster_addresses.map((text) => parse('redis.cluster_addresses', text, DEFAULT_PORT));

function commonOptions(config: RedisConfig, commandMs: number) {
  const tls = tlsOptions(config);
  return {
    Connector: TcpConnector,
    ...(config.username === '' ? {} : { username: config.username }),
    ...(config.password === '' ? {} : { password: config.password }),
    ...(tls === undefined ? {} : { tls }),
    connectTimeout: config.dial_timeout || 2000,
    // A connection that swallows commands is dead, long before TCP finds out.
    socketTimeout: Math.max(2000, 5 * commandMs),
    keepAlive: 5000,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // A master that has become a replica: the new one has to be found.
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
    disableClientInfo: true,
  } satisfies RedisOptions;
}

function singleOptions(config: RedisConfig, commandMs: number) {
  const common = commonOptions(config, commandMs);
  return { ...common, db: config.db, enableOfflineQueue: false, retryStrategy: backOff };
}

/** 50 ms, doubled with each attempt up to a second; not all nodes at the same moment. */
function backOff(attempt: number): number {
  const wait = Math.min(50 * 2 ** Math.min(attempt - 1, 10), LONGEST_WAIT_MS);
  return Math.round(wait * (0.75 + Math.random() / 2));
}

function parse(key: string, text: string, defaultPort: number): HostPort {
  const found = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = found?.[1] ?? found?.[2];
  const port = found?.[3] === undefined ? defaultPort : Number(found[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new Error(`${key}: '${text}' is no address: give host:port, such as 10.0.0.5:6379`);
  }
  return { host, port };
}

function tlsOptions({ tls }: RedisConfig): ConnectionOptions | undefined {
  if (!tls.enabled) return undefined;
  const files = {
    ca: readPem('redis.tls.ca_cert_file', tls.ca_cert_file),
    cert: readPem('redis.tls.client_cert_file', tls.client_cert_file),
    key: readPem('redis.tls.client_key_file', tls.client_key_file),
  };
  return {
    rejectUnauthorized: !tls.insecure,
    ...(tls.server_name === '' ? {} : { servername: tls.server_name }),
    ...files,
  };
}

function readPem(key: string, file: string): Buffer | undefined {
  if (file === '') return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${key}: ${file} cannot be read: ${reason}`);
  }
}
