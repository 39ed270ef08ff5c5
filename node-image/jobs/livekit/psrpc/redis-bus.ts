import { createHash, randomInt } from 'node:crypto';
import type { SharedRedis } from '../../../cluster/redis/shared-redis';
import type { MessageBus } from './bus';

/** So long a message is remembered as taken, s. Source: livekit/psrpc, internal/bus/bus_redis.go. */
const TAKEN_SECONDS = 5;

/**
 * Over the Redis of the cluster. Channels have no prefix of a cluster, as those of LiveKit's services
 * have none: of clusters that share a Redis, one can have them.
 */
export class RedisBus implements MessageBus {
  readonly #shared: Pick<SharedRedis, 'ask' | 'listenToBytes'>;

  constructor(shared: Pick<SharedRedis, 'ask' | 'listenToBytes'>) {
    this.#shared = shared;
  }

  async publish(channel: string, bytes: Buffer): Promise<void> {
    await this.#shared.ask([], (client) => client.publish(channel, bytes));
  }

  listen(channel: string, listener: (bytes: Buffer) => void): () => void {
    return this.#shared.listenToBytes(channel, listener);
  }

  async takes(bytes: Buffer): Promise<boolean> {
    const key = createHash('sha256').update(bytes).digest('base64');
    const value = `${randomInt(2 ** 47)}`;
    const set = await this.#shared.ask([], (client) =>
      client.set(key, value, 'EX', TAKEN_SECONDS, 'NX'),
    );
    return set === 'OK';
  }
}
