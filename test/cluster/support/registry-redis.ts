import { type Logger, pino } from 'pino';
import { RedisRegistry } from '../../../node-image/cluster/redis/redis-registry';
import { configSchema } from '../../../node-image/contract';
import type { RedisSection } from '../../support/redis';

export interface ConnectedRegistry {
  readonly registry: RedisRegistry;
  /** What it has written to its log, a line each. */
  readonly lines: string[];
}

/** Connects as a node does, with a log that can be read. */
export async function connectRegistry(
  redis: RedisSection,
  clusterName = 'sluice',
): Promise<ConnectedRegistry> {
  const lines: string[] = [];
  const log: Logger = pino({}, { write: (line: string) => lines.push(line.trim()) });
  const config = configSchema.parse({ redis });
  const registry = await RedisRegistry.connect({ redis: config.redis, clusterName, log });
  return { registry, lines };
}
