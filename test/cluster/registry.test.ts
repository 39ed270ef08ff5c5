import { describe } from 'node:test';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { startRedis } from '../support/redis';
import { registrySuite } from './registry.suite';
import { connectRegistry } from './support/registry-redis';

describe('the registry', () => {
  registrySuite('Redis', async () => {
    const redis = await startRedis();
    return {
      connect: async () => (await connectRegistry(redis.config)).registry,
      close: redis.close,
    };
  });

  registrySuite('memory', async () => {
    const registry = new MemoryRegistry();
    let connections = 0;
    return {
      // One process, whose parts all hold the same one; the third is closed early by its test.
      connect: async () => (connections++ < 2 ? registry : new MemoryRegistry()),
      close: () => registry.close(),
    };
  });
});
