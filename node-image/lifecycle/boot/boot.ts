import { readFileSync, statSync } from 'node:fs';
import type { SluiceConfig } from '../../contract';
import type { ConfigFiles } from '../config';
import { derivedSecret } from '../derived-secret';
import type { Interfaces } from '../listen-addresses';
import { writeAddressRecord } from './address-record';
import { writeAgentContainers } from './agent-containers';
import type { Patience } from './aws-call';
import { AwsStore } from './aws-store';
import type { AzureStoreOptions } from './azure-store';
import { BootError, reasonOf } from './boot-error';
import { BOOT_PLAN_FILE, type BootPlan, cloudIn, parseBootPlan } from './boot-plan';
import { BOOT_STATUS_FILE, type BootStatus } from './boot-status';
import { mountDataVolume } from './data-volume';
import { describeInstance } from './instance';
import { writeLiveKitServices } from './livekit-services';
import type { Machine } from './machine';
import { CONFIG_FILE, readNodeConfig, withInstance } from './node-config';
import { writeNodeUnit } from './node-unit';
import { writeOwnServices } from './own-services';
import {
  NODE_USER,
  redisLogin,
  secretFileContent,
  writeSecrets,
  writeVariables,
} from './secret-files';
import { takeStaticAddress } from './static-address';

/** There is an agent only where it is there; also where boot fails, as the agent tells so. */
const CLOUD_FILE = '/run/sluice/cloud';

export interface BootOptions {
  readonly machine: Machine;
  /** One line for each thing that was done. */
  readonly say: (line: string) => void;
  /** Of the metadata service. @default http://169.254.169.254 */
  readonly metadataUrl?: string | undefined;
  readonly patience?: Patience | undefined;
  /** How Key Vault is spoken to. @default - by the identity of this machine */
  readonly azure?: Pick<AzureStoreOptions, 'credential' | 'ca'> | undefined;
  /** How long is waited for the metadata service, and for the data volume, ms. */
  readonly waitMs?: number | undefined;
  /** @default - of this machine */
  readonly interfaces?: Interfaces;
}

/** What was fetched from where the machine was told to. */
export interface Fetched {
  readonly yaml: string;
  /** Where it came from, for people. */
  readonly origin: string;
  /** Values by purpose. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Makes this machine ready for its services: fetches configuration and secrets, mounts the data
 * volume, and writes what each service reads. Can be run again at any time: a configuration that
 * cannot be used changes nothing.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function boot(options: BootOptions): Promise<void> {
  const { machine } = options;
  // The others may see that it is there, and what they are given in it.
  await machine.folder('/run/sluice', { mode: 0o755 });
  const tell = (status: BootStatus) =>
    machine.write(BOOT_STATUS_FILE, `${JSON.stringify(status)}\n`, { mode: 0o644 });
  try {
    await prepare(options);
    await tell({ state: 'done' });
  } catch (error) {
    await tell({ state: 'failed', reason: reasonOf(error) }).catch(() => undefined);
    throw error;
  }
}

async function prepare(options: BootOptions): Promise<void> {
  const { machine, say } = options;
  const json = await machine.read(BOOT_PLAN_FILE);
  if (json === undefined) {
    throw new BootError(
      `There is no ${BOOT_PLAN_FILE}, which says what this machine is: write it, such as {"cloud": "none", "role": "single"}, and run this again.`,
    );
  }
  const cloud = cloudIn(json);
  if (cloud === undefined) {
    await machine.remove(CLOUD_FILE);
  } else {
    await machine.write(CLOUD_FILE, `${cloud}\n`, { mode: 0o644 });
  }
  const plan = parseBootPlan(json);
  const { yaml, origin, secrets } =
    plan.cloud === 'none' ? await ownFile(machine) : await fetchFromCloud(plan, options);
  const contents = Object.entries(secrets).map(([purpose, text]) => [
    purpose,
    secretFileContent(purpose, text),
  ]);
  await writeSecrets(machine, Object.fromEntries(contents));
  const files = filesOf(machine);
  const withoutLogin = readNodeConfig({ yaml, origin, env: {}, files });
  checkRole(plan, withoutLogin, origin);
  const variables = redisVariables(plan, secrets, withoutLogin);
  const config = readNodeConfig({ yaml, origin, env: variables, files });
  const previousRedisPassword = passwordBefore(plan, secrets, config);
  await writeOwnServices({ ...options, plan, config, previousRedisPassword });
  await writeLiveKitServices({ machine, config, say });
  await writeAgentContainers({ machine, config, files, say });
  await writeVariables(machine, variables);
  if (plan.cloud !== 'none') {
    await machine.write(CONFIG_FILE, yaml, { mode: 0o640, group: NODE_USER });
    say(`wrote ${CONFIG_FILE} from ${origin}`);
  }
  await writeNodeUnit(machine, config);
}

async function fetchFromCloud(plan: BootPlan, options: BootOptions): Promise<Fetched> {
  if (plan.cloud !== 'azure') return fetchFromAws(plan, options);
  // The SDKs of Azure are loaded only where they are needed.
  const { fetchFromAzure } = await import('./azure-fetch.js');
  return fetchFromAzure(plan, options);
}

async function fetchFromAws(plan: BootPlan, options: BootOptions): Promise<Fetched> {
  const { machine, say, metadataUrl, patience, waitMs } = options;
  const instance = await describeInstance({ url: metadataUrl, patienceMs: waitMs });
  const { region } = instance;
  say(`this is ${instance.id} in ${instance.zone}`);
  const publicIpv4 =
    plan.static_addresses === undefined
      ? instance.publicIpv4
      : await takeStaticAddress({ tag: plan.static_addresses.tag, instance, patience, say });
  const store = new AwsStore({ region, patience });
  try {
    const name = plan.config?.ssm ?? '';
    const [yaml, ...pairs] = await Promise.all([
      store.parameter(name),
      ...Object.entries(plan.secrets).map(
        async ([purpose, id]) => [purpose, await store.secret(id, purpose)] as const,
      ),
    ]);
    const { id, device, mount } = plan.data_volume ?? {};
    if (id !== undefined && device !== undefined && mount !== undefined) {
      const volume = { id, device, mount };
      await mountDataVolume({ machine, volume, instance, patience, waitMs, say });
    }
    if (plan.address_record !== undefined) {
      const record = plan.address_record;
      await writeAddressRecord({ machine, record, instance, pauseMs: patience?.minMs, say });
    }
    return {
      yaml: withInstance(yaml, { ...instance, publicIpv4 }, plan.role !== 'master'),
      origin: `the SSM parameter ${name} in ${region}`,
      secrets: Object.fromEntries(pairs),
    };
  } finally {
    store.close();
  }
}

async function ownFile(machine: Machine): Promise<Fetched> {
  const yaml = await machine.read(CONFIG_FILE);
  if (yaml === undefined) {
    throw new BootError(
      `There is no ${CONFIG_FILE}: write it (/opt/sluice/current/node-image/sluice.sample.yaml is the manual), and run this again.`,
    );
  }
  return { yaml, origin: CONFIG_FILE, secrets: {} };
}

function checkRole({ role }: BootPlan, { sluice }: SluiceConfig, origin: string): void {
  if (sluice.role !== role) {
    throw new BootError(
      `boot.json says that this machine is a ${role}, and ${origin} that it is a ${sluice.role}: correct sluice.role there, or name the configuration of a ${role}.`,
    );
  }
}

/** What the node is told beside its file: the login of Redis has no file of its own. */
function redisVariables(
  { redis }: BootPlan,
  secrets: Readonly<Record<string, string>>,
  { sluice, redis: nodeRedis }: SluiceConfig,
): Record<string, string> {
  const text = secrets['redis'];
  if (redis.password === 'derived') {
    if (text !== undefined) {
      throw new BootError(
        'boot.json has secrets.redis and wants a derived password as well: take one of them out.',
      );
    }
    if (sluice.cluster.secret === '') {
      throw new BootError(
        'boot.json wants the password of Redis made from the cluster secret, and there is none: give secrets.cluster, and name its file in sluice.cluster.secret_file.',
      );
    }
    const password = derivedSecret(sluice.cluster.secret, 'redis');
    const { sentinel_addresses: sentinels, sentinel_password: own } = nodeRedis;
    const isOurs = sentinels.length > 0 && own === '';
    return {
      REDIS_PASSWORD: password,
      // The Sentinels of such a Redis have the same.
      ...(isOurs && { LIVEKIT_REDIS_SENTINEL_PASSWORD: password }),
    };
  }
  if (text === undefined) return {};
  const { username, password } = redisLogin(text);
  return {
    REDIS_PASSWORD: password,
    ...(username === undefined ? {} : { LIVEKIT_REDIS_USERNAME: username }),
  };
}

/** What nodes may say to Redis that have not been given the newest secret yet. */
function passwordBefore(
  { redis }: BootPlan,
  secrets: Readonly<Record<string, string>>,
  { sluice }: SluiceConfig,
): string | undefined {
  const { previous_secret } = sluice.cluster;
  if (redis.password === 'derived') {
    return previous_secret === '' ? undefined : derivedSecret(previous_secret, 'redis');
  }
  return redisLogin(secrets['redis'] ?? 'none').previousPassword;
}

/** Secrets are read as they will be, below the folder that stands for `/`. */
const filesOf = (machine: Machine): ConfigFiles => ({
  read: (path) => readFileSync(machine.path(path), 'utf8'),
  mode: (path) => statSync(machine.path(path)).mode & 0o777,
});
