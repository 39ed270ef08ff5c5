import type { SluiceConfig } from '../contract';

/** The API key that a service signs its tokens with. */
export interface ServiceKey {
  readonly apiKey: string;
  readonly secret: string;
}

/** The page of Room composites, on loopback. Source: livekit/egress, config.defaultTemplatePort. */
const TEMPLATE_PORT = 7980;
/** Where each says that it is there: on every address, so that a firewall has to close them. */
export const LIVEKIT_HEALTH_PORTS = { egress: 7981, ingress: 7982 } as const;
/** What the processes of livekit/ingress pass media to each other by. */
const RELAY_PORT = 7983;
/** Where encoders find livekit/ingress where no port is asked for. */
const RTMP_PORT = 1935;

type Config = Pick<SluiceConfig, 'redis' | 'egress' | 'ingress' | 'logging'>;
type Values = Readonly<Record<string, unknown>>;

/**
 * The configuration of livekit/egress or livekit/ingress. It holds secrets, so it belongs into a file
 * that nobody else may read. JSON, which is YAML too, on one line: it can be the value of a variable.
 *
 * @param config - with egress.ws_url
 * Source: livekit/egress and livekit/ingress, pkg/config.
 */
export const renderLiveKitConfig = (
  service: 'egress' | 'ingress',
  config: Config,
  key: ServiceKey,
): string => written(service === 'egress' ? egressConfig(config, key) : ingressConfig(config, key));

function egressConfig(config: Config, key: ServiceKey): Values {
  const { egress } = config;
  const { file_output_max_size: maxSize, ...durations } = egress.session_limits;
  return {
    ...common(config, key, 'egress'),
    template_port: TEMPLATE_PORT,
    template_base: egress.template_base,
    insecure: egress.insecure,
    enable_chrome_sandbox: egress.enable_chrome_sandbox,
    session_limits: { ...inMilliseconds(durations), file_output_max_size: maxSize || '' },
    storage: storage(egress.storage),
    // What it is told to keep on its own disk goes with its container.
    disallow_local_storage: true,
    cpu_cost: egress.cpu_cost,
  };
}

/** WHIP is the nodes' own. */
function ingressConfig(config: Config, key: ServiceKey): Values {
  const { cpu_cost, rtmp_port } = config.ingress;
  return {
    ...common(config, key, 'ingress'),
    rtmp_port: rtmp_port || RTMP_PORT,
    whip_port: -1,
    http_relay_port: RELAY_PORT,
    cpu_cost,
  };
}

function common(
  { redis, egress, logging }: Config,
  { apiKey, secret }: ServiceKey,
  service: keyof typeof LIVEKIT_HEALTH_PORTS,
): Values {
  return {
    redis: redisOf(redis),
    api_key: apiKey,
    api_secret: secret,
    ws_url: egress.ws_url,
    health_port: LIVEKIT_HEALTH_PORTS[service],
    logging: { level: logging.level, json: true },
  };
}

/** The keys are LiveKit's. Where it is a Sentinel or a cluster, the address is none. */
function redisOf({ tls, ...redis }: Config['redis']): Values {
  const { address, username, password, db, dial_timeout, read_timeout, write_timeout } = redis;
  const { sentinel_master_name, sentinel_username, sentinel_password } = redis;
  return {
    ...{ address, username, password, db, dial_timeout, read_timeout, write_timeout },
    ...(redis.sentinel_addresses.length > 0 && {
      ...{ sentinel_master_name, sentinel_username, sentinel_password },
      sentinel_addresses: redis.sentinel_addresses,
    }),
    ...(redis.cluster_addresses.length > 0 && {
      cluster_addresses: redis.cluster_addresses,
      max_redirects: redis.max_redirects,
    }),
    ...(tls.enabled && { tls }),
  };
}

/** By the rights of the machine livekit/egress writes to S3 alone: Azure's needs a key. */
function storage({ s3, azure }: Config['egress']['storage']): Values {
  if (s3.bucket !== '') return { s3 };
  return azure.container_name !== '' && azure.account_key !== '' ? { azure } : {};
}

const inMilliseconds = (durations: Readonly<Record<string, number>>): Values =>
  Object.fromEntries(
    Object.entries(durations).map(([name, ms]) => [name, ms === 0 ? '' : `${ms}ms`]),
  );

/** Without what is not set: the service has defaults of its own. */
function written(values: Values): string {
  const set = (value: unknown): boolean =>
    value !== '' && !(isSection(value) && Object.keys(value).length === 0);
  const pruned = (section: Values): Values =>
    Object.fromEntries(
      Object.entries(section)
        .map(([name, value]) => [name, isSection(value) ? pruned(value) : value] as const)
        .filter(([, value]) => set(value)),
    );
  return JSON.stringify(pruned(values));
}

const isSection = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
