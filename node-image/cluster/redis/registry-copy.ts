import { Cluster } from 'ioredis';
import type { Logger } from 'pino';
import { z } from 'zod';
import { RegistryUnavailableError } from '../registry';
import { KEYS_DOCUMENT } from '../shared-keys';
import { Keys } from './keys';
import { RedisAccess } from './redis-access';
import type { RedisClient, RedisConfig } from './redis-connection';
import { restoreCounters, restoreDocument, restoreRooms } from './scripts/restore';

/** A copy takes longer than a question, ms: it is all that there is. */
const TIMEOUT_MS = 30_000;
/** Rooms that are written by one script. */
const BATCH = 100;
const SCANNED = 500;
const ATTEMPTS = 5;

const texts = z.record(z.string(), z.string());

export const registryCopySchema = z.object({
  documents: z.record(
    z.string(),
    z.object({ value: z.string(), version: z.int().min(1) }).readonly(),
  ),
  /** Placements by Room, as they are in Redis. */
  rooms: texts,
  facts: texts,
  /** The newest first. */
  audit: z.array(z.string()),
  leaseEpochs: texts,
  version: z.string().optional(),
});

/**
 * What of a registry has to outlive its Redis: what nobody else knows, and where the Rooms are. What
 * nodes say again by themselves is not in it.
 */
export type RegistryCopy = z.infer<typeof registryCopySchema>;

export interface RegistryCopierOptions {
  readonly redis: RedisConfig;
  readonly clusterName: string;
  readonly log: Logger;
}

/** Every method rejects with RegistryUnavailableError where Redis does not answer. */
export class RegistryCopier {
  readonly #access: RedisAccess;
  readonly #keys: Keys;

  private constructor({ redis, clusterName, log }: RegistryCopierOptions) {
    const { sentinel_addresses: addresses } = redis;
    this.#keys = new Keys(clusterName);
    this.#access = new RedisAccess({
      redis: { ...redis, read_timeout: TIMEOUT_MS },
      log,
      sentinels: addresses.length === 0 ? undefined : () => addresses,
    });
  }

  /** @throws Error where the configuration cannot be used. */
  static async connect(options: RegistryCopierOptions): Promise<RegistryCopier> {
    const copier = new RegistryCopier(options);
    await copier.#access.firstAttempt();
    return copier;
  }

  /** All of one moment: no write comes in between. */
  async read(): Promise<RegistryCopy> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const names = await this.#documentNames();
      const copy = await this.#read(names);
      // One that came meanwhile would be missing.
      if ((await this.#documentNames()).every((name) => names.includes(name))) return copy;
    }
    throw new RegistryUnavailableError('the documents of the registry change all the time');
  }

  /** Whether nothing is in it that nodes do not say again by themselves. */
  async isEmpty(): Promise<boolean> {
    // Nodes that run put the API keys back that they know, and merge what is restored with them.
    const others = (await this.#documentNames()).filter((name) => name !== KEYS_DOCUMENT);
    if (others.length > 0) return false;
    return (await this.#access.ask((client) => client.llen(this.#keys.of('audit')))) === 0;
  }

  /**
   * Puts a copy into a registry. Documents and audit are replaced; of a Room's placements the higher
   * epoch holds, as nodes that run may have said newer ones already.
   *
   * @returns how many Rooms were put back.
   */
  async write(copy: RegistryCopy): Promise<number> {
    const { documents, rooms, facts, audit, leaseEpochs, version = '0' } = copy;
    const keys = this.#keys;
    const leases = Object.entries(leaseEpochs).flat();
    await this.#access.run(
      restoreCounters,
      [keys.of('leaseEpochs'), keys.of('version')],
      [version, ...leases],
    );
    const placed = Object.entries(rooms);
    let restored = 0;
    for (let i = 0; i < placed.length; i += BATCH) {
      const args = placed
        .slice(i, i + BATCH)
        .flatMap(([room, text]) => [room, text, facts[room] ?? '']);
      const count = await this.#access.run(
        restoreRooms,
        [keys.of('rooms'), keys.of('facts')],
        args,
      );
      restored += Number(count);
    }
    for (const [name, document] of Object.entries(documents)) {
      await this.#access.run(
        restoreDocument,
        [keys.of('events'), keys.document(name)],
        [name, document.value, `${document.version}`],
      );
    }
    await this.#access.ask(async (client) => {
      const key = keys.of('audit');
      const work = client.multi().del(key);
      if (audit.length > 0) work.rpush(key, ...audit);
      await work.exec();
    });
    return restored;
  }

  /** Idempotent. */
  close(): void {
    this.#access.close();
  }

  async #read(names: readonly string[]): Promise<RegistryCopy> {
    const keys = this.#keys;
    const answers = await this.#access.ask(async (client) => {
      const work = client
        .multi()
        .hgetall(keys.of('rooms'))
        .hgetall(keys.of('facts'))
        .lrange(keys.of('audit'), 0, -1)
        .hgetall(keys.of('leaseEpochs'))
        .get(keys.of('version'));
      for (const name of names) work.hgetall(keys.document(name));
      return work.exec();
    });
    const [rooms, facts, audit, leaseEpochs, version, ...documents] = (answers ?? []).map(
      ([error, value]) => {
        if (error !== null) throw new RegistryUnavailableError(error.message);
        return value;
      },
    );
    const read = documents.flatMap((fields, index) => {
      const { value, version: of } = z
        .object({ value: z.string().optional(), version: z.coerce.number().optional() })
        .parse(fields);
      const isWhole = value !== undefined && Number.isInteger(of) && (of ?? 0) > 0;
      return isWhole ? [[names[index] ?? '', { value, version: of }]] : [];
    });
    return registryCopySchema.parse({
      documents: Object.fromEntries(read),
      rooms,
      facts,
      audit,
      leaseEpochs,
      version: version ?? undefined,
    });
  }

  async #documentNames(): Promise<string[]> {
    const prefix = this.#keys.document('');
    const pattern = `${prefix.replace(/[*?[\]\\^]/g, '\\$&')}*`;
    const found = await this.#access.ask(async (client) => {
      const names = new Set<string>();
      for (const one of nodesOf(client)) {
        let cursor = '0';
        do {
          const [next, page] = await one.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED);
          for (const key of page) names.add(key.slice(prefix.length));
          cursor = next;
        } while (cursor !== '0');
      }
      return names;
    });
    return [...found].sort();
  }
}

/** Each has keys of its own. */
const nodesOf = (client: RedisClient) =>
  client instanceof Cluster ? client.nodes('master') : [client];
