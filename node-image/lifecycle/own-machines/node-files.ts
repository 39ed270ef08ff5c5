import { stringify } from 'yaml';
import type { JoinGrant } from '../../cluster/join-channel';
import {
  mergeSettings,
  ownTurnSettings,
  type Settings,
  turnPassedOnSettings,
} from '../../contract';
import type { BootPlanInput } from '../boot/boot-plan';
import { OWN_FILES } from './own-files';
import { type OwnJobs, ownJobSettings } from './own-jobs';
import { hostAndPort, REDIS_PORT, SENTINEL_NAME } from './own-sentinel';

/** What of a machine stands in its sluice.yaml. */
interface Placed {
  readonly machine: string;
  readonly cluster: string;
}

const HEAD = `# Written by Sluice when this machine came to its cluster, and yours from then on: what is changed
# here is taken over by \`systemctl restart sluice-boot sluice-node\`. Every key:
# /opt/sluice/current/node-image/sluice.sample.yaml
`;
/** Clients come through the entry, and health is asked on the machine itself. */
const LOOPBACK = ['127.0.0.1', '::1'];

const text = (value: object, jobs: Settings): string =>
  `${HEAD}${stringify(mergeSettings({ ...value }, jobs))}`;
const shared = ({ machine, cluster }: Placed, role: string) => ({
  role,
  machine_id: machine,
  cluster: { name: cluster, secret_file: OWN_FILES.clusterSecret },
});

export interface MasterConfigOptions extends Placed {
  /** Where Redis listens. */
  readonly address: string;
  /** `host:port` of the Sentinels, with High Availability. @default - Redis is on this machine alone */
  readonly sentinels?: readonly string[] | undefined;
  /** The name that clients connect to; undefined: they know an address only. */
  readonly domain?: string | undefined;
  /** @default - there are none */
  readonly jobs?: OwnJobs | undefined;
}

export function masterConfig(options: MasterConfigOptions): string {
  const { address, domain, sentinels, jobs } = options;
  const config = {
    key_file: OWN_FILES.apiKey,
    bind_addresses: LOOPBACK,
    redis:
      sentinels === undefined
        ? { address: hostAndPort(address, REDIS_PORT) }
        : { sentinel_master_name: SENTINEL_NAME, sentinel_addresses: sentinels },
    ...(domain !== undefined && turnPassedOnSettings(domain)),
    sluice: {
      ...shared(options, 'master'),
      // Where boot has Redis listen.
      node_link: { address },
      // HAProxy, which says who the client is.
      trusted_proxies: ['127.0.0.1/32', '::1/128'],
    },
  };
  return text(config, ownJobSettings('master', jobs));
}

/** @param primary - of Redis with High Availability, `host:port` */
export const masterPlan = (
  entry: NonNullable<BootPlanInput['entry']>,
  primary?: string,
): BootPlanInput => ({
  cloud: 'none',
  role: 'master',
  redis: {
    server: true,
    password: 'derived',
    ...(primary !== undefined && { sentinel: { primary } }),
  },
  entry,
});

export interface MediaConfigOptions {
  readonly machine: string;
  /** That the node link listens on. */
  readonly address: string;
  /** That clients are told; auto: found by STUN. @default - the machine's own */
  readonly publicAddress?: string | undefined;
}

export function mediaConfig(
  { machine, address, publicAddress }: MediaConfigOptions,
  { clusterName, redis, redisPasswordIsDerived, turnDomain, jobs }: JoinGrant,
): string {
  const domain = turnDomain === '' ? undefined : turnDomain;
  const { turn, rtc } = ownTurnSettings({ role: 'media', domain, relayTo: [] });
  const config = {
    key_file: OWN_FILES.apiKey,
    bind_addresses: LOOPBACK,
    redis: {
      ...(redis.address !== '' && { address: redis.address }),
      ...(redis.username !== '' && { username: redis.username }),
      ...(!redisPasswordIsDerived && redis.password !== '' && { password: redis.password }),
      ...(redis.db !== 0 && { db: redis.db }),
      ...(redis.tls && { tls: { enabled: true } }),
      ...(redis.sentinelMasterName !== '' && { sentinel_master_name: redis.sentinelMasterName }),
      ...(redis.sentinelAddresses.length > 0 && { sentinel_addresses: redis.sentinelAddresses }),
      ...(redis.clusterAddresses.length > 0 && { cluster_addresses: redis.clusterAddresses }),
    },
    turn,
    rtc: {
      ...(typeof rtc === 'object' ? rtc : {}),
      ...(publicAddress === 'auto' && { use_external_ip: true }),
      ...(publicAddress !== undefined && publicAddress !== 'auto' && { node_ip: publicAddress }),
    },
    sluice: { ...shared({ machine, cluster: clusterName }, 'media'), node_link: { address } },
  };
  return text(config, ownJobSettings('media', jobs));
}

export const mediaPlan = ({ redisPasswordIsDerived }: JoinGrant): BootPlanInput => ({
  cloud: 'none',
  role: 'media',
  redis: { server: false, password: redisPasswordIsDerived ? 'derived' : 'secret' },
});

/** As key_file has it; JSON strings are YAML strings. */
export const keyFile = (keys: Readonly<Record<string, string>>): string =>
  Object.entries(keys)
    .map(([key, secret]) => `${JSON.stringify(key)}: ${JSON.stringify(secret)}\n`)
    .join('');
