import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../registry';
import { type KeyName, Keys, keyTypeOf } from './keys';
import { RedisAccess } from './redis-access';
import { commandTimeoutMs, type RedisClient, type RedisConfig } from './redis-connection';
import { RedisEvents } from './redis-events';
import type { Script } from './script';
import { mend } from './scripts/mend';
import { SentinelList, SentinelWatch } from './sentinel-list';
import { pairs, StoredValues } from './stored-values';

export interface SharedRedisOptions {
  readonly redis: RedisConfig;
  /** Keeps clusters that share a Redis apart. */
  readonly clusterName: string;
  readonly log: Logger;
  /** File in which Sentinels are kept that have become known. @default - they are not */
  readonly sentinelsFile?: string | undefined;
}

/**
 * What all that one cluster keeps in Redis has in common: two connections, one for questions and one
 * for what is heard, the names of keys, and what is done about keys that somebody else wrote.
 */
export class SharedRedis {
  readonly keys: Keys;
  readonly stored: StoredValues;
  readonly #access: RedisAccess;
  readonly #events: RedisEvents;
  readonly #sentinels: SentinelList;
  readonly #sentinelWatch: SentinelWatch | undefined;

  private constructor({ redis, clusterName, log, sentinelsFile }: SharedRedisOptions) {
    const configured = redis.sentinel_addresses;
    const list = new SentinelList({ configured, file: sentinelsFile });
    const sentinels = configured.length === 0 ? undefined : () => list.addresses;
    this.#sentinels = list;
    this.keys = new Keys(clusterName);
    this.stored = new StoredValues(log);
    this.#access = new RedisAccess({ redis, log, sentinels });
    this.#events = new RedisEvents({ redis, sentinels, commandTimeoutMs: commandTimeoutMs(redis) });
    this.#sentinelWatch =
      configured.length === 0 ? undefined : new SentinelWatch({ redis, list, log });
  }

  /**
   * Resolves also where Redis is not there: it is unavailable then, and goes on trying.
   *
   * @throws Error where the configuration cannot be used.
   */
  static async connect(options: SharedRedisOptions): Promise<SharedRedis> {
    const shared = new SharedRedis(options);
    await shared.#access.firstAttempt();
    return shared;
  }

  /** Whether the last thing asked was answered. */
  get available(): boolean {
    return this.#access.available;
  }

  /** `host:port` of the Sentinels that there are; none: it is a Redis without. */
  get sentinels(): readonly string[] {
    return this.#sentinels.addresses;
  }

  /** @throws RegistryUnavailableError */
  run(script: Script, args: readonly string[], ownKey?: string): Promise<unknown> {
    const keys = script.keys.map((name) => this.keys.of(name));
    const all = ownKey === undefined ? keys : [...keys, ownKey];
    return this.#mending(script.keys, ownKey, () => this.#access.run(script, all, args));
  }

  /**
   * @param names - of the keys that it is about
   * @throws RegistryUnavailableError
   */
  ask<T>(
    names: readonly KeyName[],
    question: (client: RedisClient) => Promise<T>,
    ownKey?: string,
  ): Promise<T> {
    return this.#mending(names, ownKey, () => this.#access.ask(question));
  }

  /**
   * @param read - throws Error for what is no event
   * @returns ends it
   */
  listen<T>(channel: KeyName, read: (text: string) => T, listener: (event: T) => void): () => void {
    const key = this.keys.of(channel);
    return this.#events.listen(key, (text) => {
      let event: T;
      try {
        event = read(text);
      } catch (error) {
        this.stored.complain(key, error instanceof Error ? error.message : String(error));
        return;
      }
      listener(event);
    });
  }

  /**
   * A channel that others than nodes speak on: its name has no prefix of the cluster.
   *
   * @returns ends it
   */
  listenToBytes(channel: string, listener: (bytes: Buffer) => void): () => void {
    return this.#events.listenToBytes(channel, listener);
  }

  /** Idempotent. */
  close(): void {
    this.#sentinelWatch?.close();
    this.#events.close();
    this.#access.close();
  }

  /** Asks again where somebody has put something else into one of the keys: it is taken away. */
  async #mending<T>(
    names: readonly KeyName[],
    ownKey: string | undefined,
    ask: () => Promise<T>,
  ): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError) || error.cause !== 'WRONGTYPE') throw error;
      const typed = names.flatMap((name) => {
        const type = keyTypeOf(name);
        return type === undefined ? [] : [{ key: this.keys.of(name), type }];
      });
      if (ownKey !== undefined) typed.push({ key: ownKey, type: 'hash' });
      const keys = typed.map(({ key }) => key);
      const removed = await this.#access.run(
        mend,
        keys,
        typed.map(({ type }) => type),
      );
      for (const [key, type] of pairs(removed)) {
        this.stored.report(key, `it was a ${type}, and has been deleted`);
      }
      return await ask();
    }
  }
}
