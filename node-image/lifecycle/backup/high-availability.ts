import { parseSentinels } from '../../cluster/redis/sentinel-list';
import { askSentinel } from '../../cluster/redis/sentinel-question';
import type { SluiceConfig } from '../../contract';
import { BOOT_PLAN_FILE, parseBootPlan } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import { readNodeConfig } from '../boot/node-config';
import { SENTINEL_FILE } from '../boot/sentinel-service';
import { derivedSecret } from '../derived-secret';
import { LEARNED_SENTINELS } from '../doctor/sentinel-facts';
import { stopNode } from '../own-machines/node-start';
import { hostAndPort, ownSentinel, REDIS_PORT } from '../own-machines/own-sentinel';
import type { ArchivedFile } from './archive';
import { BackupError } from './backup-error';
import type { Backup } from './manifest';

/** What is put back of a backup. */
export interface FilesToRestore {
  readonly files: readonly ArchivedFile[];
  /** Whether the machine was one of several Master Nodes, each with a Redis. */
  readonly highAvailability: boolean;
}

/**
 * What of a backup is written onto the machine. One of several Master Nodes becomes the first again,
 * whose Redis is the primary, whichever was that when the backup was made: the others come anew.
 *
 * @throws BackupError where one of the others still knows the cluster: it has newer data than any backup.
 */
export async function filesToRestore({ manifest, files: all }: Backup): Promise<FilesToRestore> {
  // The Sentinels of before are gone, and this was only taken along to ask them.
  const files = all.filter(({ path }) => path !== LEARNED_SENTINELS);
  const plan = textOf(files, BOOT_PLAN_FILE);
  const isOne = plan !== undefined && parseBootPlan(plan).redis.sentinel !== undefined;
  if (plan === undefined || !isOne) return { files, highAvailability: false };
  const config = configIn(files, manifest.config);
  await refuseLiving(config, parseSentinels(textOf(all, LEARNED_SENTINELS) ?? ''));
  const primary = hostAndPort(config.sluice.node_link.address, REDIS_PORT);
  const content = Buffer.from(asPrimary(plan, primary));
  return {
    files: files.map((file) => (file.path === BOOT_PLAN_FILE ? { ...file, content } : file)),
    highAvailability: true,
  };
}

/** Sentinel would go on with what it knows of the machines of before. */
export async function forgetSentinel(machine: Machine): Promise<void> {
  if (!(await machine.exists(SENTINEL_FILE))) return;
  await stopNode(machine);
  await machine.remove(SENTINEL_FILE);
}

async function refuseLiving(config: SluiceConfig, learned: readonly string[]): Promise<void> {
  const { redis } = config;
  const others = new Set([...learned, ...redis.sentinel_addresses]);
  others.delete(ownSentinel(config) ?? '');
  const asked = [...others].map(async (address) => {
    await askSentinel({ redis, address }, (sentinel) => sentinel.primary());
    return address;
  });
  const living = await Promise.any(asked).catch(() => undefined);
  if (living === undefined) return;
  throw new BackupError(
    `The cluster is not lost: the Sentinel ${living} answers, and the Redis beside it has more than any backup; install Sluice here, and run \`sluice join --role master\` with a token from there. To go back to the backup all the same, run \`sluice leave --force\` on that machine first.`,
  );
}

/** As the node reads it, from the backup alone. */
function configIn(files: readonly ArchivedFile[], path: string): SluiceConfig {
  const sources = {
    read: (name: string) => {
      const found = textOf(files, name);
      if (found !== undefined) return found;
      throw new Error('it is not in the backup');
    },
    mode: (name: string) => files.find((file) => file.path === name)?.mode ?? 0o600,
  };
  const read = (env: Readonly<Record<string, string>>): SluiceConfig =>
    readNodeConfig({ yaml: sources.read(path), origin: path, env, files: sources });
  const password = derivedSecret(read({}).sluice.cluster.secret, 'redis');
  return read({ REDIS_PASSWORD: password, LIVEKIT_REDIS_SENTINEL_PASSWORD: password });
}

function asPrimary(plan: string, primary: string): string {
  const { redis, ...rest } = JSON.parse(plan);
  const changed = { ...rest, redis: { ...redis, sentinel: { ...redis.sentinel, primary } } };
  return `${JSON.stringify(changed, undefined, 2)}\n`;
}

const textOf = (files: readonly ArchivedFile[], path: string): string | undefined =>
  files.find((file) => file.path === path)?.content.toString();
