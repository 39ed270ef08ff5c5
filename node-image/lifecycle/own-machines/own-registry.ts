import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { RedisRegistry } from '../../cluster/redis/redis-registry';
import { askSentinel, type SentinelQuestions } from '../../cluster/redis/sentinel-question';
import { SharedEntries, type SharedEntry } from '../../cluster/shared-entry';
import type { SluiceConfig } from '../../contract';
import { BootError, reasonOf } from '../boot/boot-error';
import type { Machine } from '../boot/machine';
import { CONFIG_FILE, readNodeConfig } from '../boot/node-config';
import { derivedSecret } from '../derived-secret';
import { hostAndPort, ownSentinel, REDIS_PORT } from './own-sentinel';

/** Redis has just been started: it may take so long, ms. */
const PATIENCE_MS = 20_000;
/** A replica that has to copy all there is may take so long, ms. */
const COPY_MS = 60_000;
const POLL_MS = 500;

/** What the cluster shares, as root of a Master Node with High Availability reaches it. */
export interface OwnRegistry {
  /** Tells further Master Nodes what clients enter by. */
  share(entry: SharedEntry): Promise<void>;
  /** Resolves when the Redis of this machine has all that the primary has. */
  followed(): Promise<void>;
  /** Asks the Sentinel of this machine. */
  ask<T>(question: (sentinel: SentinelQuestions) => Promise<T>): Promise<T>;
}

/** By the configuration of the node of this machine. */
export const ownRegistry = (machine: Machine): OwnRegistry => ({
  share: async (entry) => share(await configOf(machine), entry),
  followed: async () => followed(await configOf(machine)),
  ask: async (question) => {
    const config = await configOf(machine);
    return askSentinel({ redis: config.redis, address: ownSentinel(config) ?? '' }, question);
  },
});

async function share(config: SluiceConfig, entry: SharedEntry): Promise<void> {
  const { name: clusterName, secret: clusterSecret } = config.sluice.cluster;
  const log = pino({ level: 'silent' });
  const registry = await RedisRegistry.connect({ redis: config.redis, clusterName, log });
  const entries = new SharedEntries({ registry, clusterName, clusterSecret });
  try {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        await entries.write(entry);
        return;
      } catch (error) {
        if (performance.now() >= deadline) {
          throw new BootError(
            `The registry of the cluster cannot be written: ${reasonOf(error)}; see \`journalctl -u sluice-redis -u sluice-sentinel\`, and run this again.`,
          );
        }
      }
      await sleep(POLL_MS);
    }
  } finally {
    await registry.close();
  }
}

async function followed({ redis, sluice }: SluiceConfig): Promise<void> {
  const host = sluice.node_link.address;
  const client = new Redis({
    host,
    port: REDIS_PORT,
    password: redis.password,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => POLL_MS,
  });
  let reason = 'it does not answer';
  client.on('error', (error) => {
    reason = reasonOf(error);
  });
  try {
    await client.connect().catch(() => undefined);
    const deadline = performance.now() + COPY_MS;
    for (;;) {
      const said = await client.info('replication').catch(() => '');
      const problem = replicaProblem(said);
      if (problem === undefined) return;
      if (said !== '') reason = problem;
      if (performance.now() >= deadline) break;
      await sleep(POLL_MS);
    }
  } finally {
    client.disconnect();
  }
  throw new BootError(
    `Redis at ${hostAndPort(host, REDIS_PORT)} does not follow that of the cluster: ${reason}; let the Master Nodes through to each other on TCP ${REDIS_PORT} and 26379, and run this again with the same token.`,
  );
}

/** @param said - the answer to INFO replication. @returns undefined where it has all that there is */
export function replicaProblem(said: string): string | undefined {
  const of = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(said)?.[1] ?? '';
  // The primary may have been lost just now, and this one have taken its place.
  if (of('role') === 'master' && Number(of('connected_slaves')) > 0) return undefined;
  if (of('role') !== 'slave') return 'it is no replica';
  const primary = `${of('master_host')}:${of('master_port')}`;
  if (of('master_link_status') !== 'up') return `it is not connected to ${primary}`;
  if (of('master_sync_in_progress') === '1') return `it still copies from ${primary}`;
  return undefined;
}

async function configOf(machine: Machine): Promise<SluiceConfig> {
  const yaml = (await machine.read(CONFIG_FILE)) ?? '';
  const files = {
    read: (path: string) => readFileSync(machine.path(path), 'utf8'),
    mode: (path: string) => statSync(machine.path(path)).mode & 0o777,
  };
  const read = (env: Readonly<Record<string, string>>): SluiceConfig =>
    readNodeConfig({ yaml, origin: CONFIG_FILE, env, files });
  const password = derivedSecret(read({}).sluice.cluster.secret, 'redis');
  return read({ REDIS_PASSWORD: password, LIVEKIT_REDIS_SENTINEL_PASSWORD: password });
}
