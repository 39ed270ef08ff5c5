import { isIP } from 'node:net';
import type { JoinGrant } from '../../cluster/join-channel';
import { askSentinel } from '../../cluster/redis/sentinel-question';
import type { SharedEntry } from '../../cluster/shared-entry';
import { configSchema } from '../../contract';
import { BootError } from '../boot/boot-error';
import { BOOT_PLAN_FILE, type BootPlanInput } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import { CONFIG_FILE } from '../boot/node-config';
import { NODE_USER } from '../boot/secret-files';
import { derivedSecret } from '../derived-secret';
import { masterConfig, masterPlan } from './node-files';
import { type NewFiles, OWN_FILES, writeAdmin } from './own-files';
import { hostAndPort, SENTINEL_PORT } from './own-sentinel';

const REDIS_FOLDER = '/var/lib/sluice/redis';
const SENTINEL_FOLDER = '/var/lib/sluice/sentinel';
const CERTIFICATE_FOR = { mode: 0o640, group: 'sluice-haproxy' } as const;

/**
 * What is in the Redis of a machine is replaced by what is in that of the cluster it joins.
 *
 * @throws BootError where there is something.
 */
export async function refuseOldData(machine: Machine): Promise<void> {
  for (const name of ['appendonlydir', 'dump.rdb']) {
    const path = `${REDIS_FOLDER}/${name}`;
    if (!(await machine.exists(path))) continue;
    throw new BootError(
      `The Redis of this machine is not empty (${path}), and joining would overwrite what is in it: move ${REDIS_FOLDER} away if somebody needs it, delete it otherwise, and run this again with the same token.`,
    );
  }
}

/** What Redis and Sentinel of this machine have kept. */
export async function deleteRedisData(machine: Machine): Promise<void> {
  for (const folder of [REDIS_FOLDER, SENTINEL_FOLDER]) {
    if (!(await machine.exists(folder))) continue;
    await machine.run('find', folder, '-mindepth', '1', '-delete');
  }
}

/**
 * Where the primary of the cluster's Redis is now.
 *
 * @returns `host:port`
 * @throws BootError where no Sentinel says so.
 */
export async function primaryOf({ clusterSecret, redis }: JoinGrant): Promise<string> {
  const password = derivedSecret(clusterSecret, 'redis');
  const { redis: config } = configSchema.parse({
    keys: { none: 'as-nothing-is-served-with-this-one' },
    redis: {
      password,
      sentinel_password: password,
      sentinel_master_name: redis.sentinelMasterName,
      sentinel_addresses: redis.sentinelAddresses,
    },
  });
  for (const address of redis.sentinelAddresses) {
    const primary = await askSentinel({ redis: config, address }, (one) => one.primary()).catch(
      () => undefined,
    );
    if (primary !== undefined) return primary;
  }
  throw new BootError(
    `No Sentinel of the cluster says where its Redis is (asked were ${redis.sentinelAddresses.join(', ')}): let this machine through to TCP ${SENTINEL_PORT} and 6379 of the Master Nodes, and run this again with the same token.`,
  );
}

export interface MasterFilesOptions {
  readonly machine: Machine;
  readonly files: NewFiles;
  readonly grant: JoinGrant;
  /** Among the nodes. */
  readonly name: string;
  /** Private, of this machine. */
  readonly address: string;
  /** Of the cluster's Redis, `host:port`. */
  readonly primary: string;
}

/** @throws BootError where the cluster does not say what clients enter by. */
export async function writeMasterFiles(options: MasterFilesOptions): Promise<void> {
  const { machine, files, grant, name, address, primary } = options;
  const { entry, clusterName: cluster, turnDomain, jobs } = grant;
  if (entry === undefined) {
    throw new BootError(
      'The cluster does not say what clients enter by: run `sluice init` on its first Master Node once more, with the domain and certificate it has, and then this with the same token.',
    );
  }
  const domain = turnDomain === '' ? turnName(entry) : turnDomain;
  const own = hostAndPort(address, SENTINEL_PORT);
  const sentinels = [...new Set([own, ...grant.redis.sentinelAddresses])];
  const config = masterConfig({ machine: name, cluster, address, domain, sentinels, jobs });
  await files.write(CONFIG_FILE, config, { mode: 0o640, group: NODE_USER });
  await writeAdmin(files, grant.keys);
  if (entry.kind === 'pem') {
    await machine.folder('/etc/sluice/tls', { mode: 0o750, group: CERTIFICATE_FOR.group });
    await files.write(OWN_FILES.certificate, entry.pem, CERTIFICATE_FOR);
  }
  const plan = masterPlan(entryPlan(entry), primary);
  await files.write(BOOT_PLAN_FILE, `${JSON.stringify(plan, undefined, 2)}\n`, { mode: 0o644 });
}

/** TURN/TLS needs a name: clients check the certificate by it. */
const turnName = ({ domain }: SharedEntry): string | undefined =>
  isIP(domain) === 0 ? domain : undefined;

export function entryPlan(entry: SharedEntry): NonNullable<BootPlanInput['entry']> {
  if (entry.kind === 'pem') return {};
  const { domain, email } = entry;
  return { lets_encrypt: { domain, terms_agreed: true, ...(email !== undefined && { email }) } };
}
