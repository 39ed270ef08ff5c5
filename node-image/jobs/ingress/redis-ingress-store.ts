import { IngressInfo } from '@livekit/protocol';
import { z } from 'zod';
import { defineScript } from '../../cluster/redis/script';
import type { SharedRedis } from '../../cluster/redis/shared-redis';
import type { IngressStore, StoredIngress } from './ingress-store';
import { hashOfKey, sameKey } from './stream-key';

/** @returns 1 where there was none of this id, and it is written */
const createIngress = defineScript({
  keys: ['ingresses', 'ingressKeys'],
  args: ['id', 'value', 'keyHash'],
  lua: `
if redis.call('HSETNX', ingresses, id, value) == 0 then return 0 end
if keyHash ~= '' then redis.call('HSET', ingressKeys, keyHash, id) end
return 1
`,
});

/** A value begins with its version and a space, and is compared by that alone. */
const replaceIngress = defineScript({
  keys: ['ingresses'],
  args: ['id', 'ifVersion', 'value'],
  lua: `
local found = redis.call('HGET', ingresses, id)
if not found or string.match(found, '^(%d+) ') ~= ifVersion then return 0 end
redis.call('HSET', ingresses, id, value)
return 1
`,
});

const removeIngress = defineScript({
  keys: ['ingresses', 'ingressKeys'],
  args: ['id', 'keyHash'],
  lua: `
if keyHash ~= '' then redis.call('HDEL', ingressKeys, keyHash) end
return redis.call('HDEL', ingresses, id)
`,
});

const valueSchema = z.object({ createdAtMs: z.number(), info: z.json() });

/** Ingresses that are read at a time: others wait for it for less than a millisecond. */
const BATCH = 250;

interface Found {
  readonly stored: StoredIngress;
  readonly createdAtMs: number;
}

/** The Ingresses of a cluster, in Redis. docs/registry.md describes what is kept there. */
export class RedisIngressStore implements IngressStore {
  readonly #shared: SharedRedis;

  /** @param shared - of the cluster's registry, which closes it */
  constructor(shared: SharedRedis) {
    this.#shared = shared;
  }

  async create(info: IngressInfo): Promise<boolean> {
    const { ingressId, streamKey } = info;
    const args = [ingressId, textOf(info, 1, Date.now()), hashOf(streamKey)];
    return (await this.#shared.run(createIngress, args)) === 1;
  }

  async get(id: string): Promise<StoredIngress | undefined> {
    return (await this.#found(id))?.stored;
  }

  async byStreamKey(key: string): Promise<StoredIngress | undefined> {
    const byKey = this.#shared.keys.of('ingressKeys');
    const id = await this.#shared.ask(['ingressKeys'], (client) =>
      client.hget(byKey, hashOfKey(key)),
    );
    const stored = id === null ? undefined : await this.get(id);
    return stored !== undefined && sameKey(stored.info.streamKey, key) ? stored : undefined;
  }

  async list(): Promise<StoredIngress[]> {
    const all = this.#shared.keys.of('ingresses');
    // What is written meanwhile may be given twice.
    const found = new Map<string, Found>();
    let cursor = '0';
    do {
      const [next, part] = await this.#shared.ask(['ingresses'], (client) =>
        client.hscan(all, cursor, 'COUNT', BATCH),
      );
      for (let i = 0; i + 1 < part.length; i += 2) {
        const [id = '', text = ''] = part.slice(i, i + 2);
        const one = this.#read(id, text);
        if (one !== undefined) found.set(id, one);
      }
      cursor = next;
    } while (cursor !== '0');
    return [...found.values()]
      .sort((a, b) => a.createdAtMs - b.createdAtMs)
      .map(({ stored }) => stored);
  }

  async replace(info: IngressInfo, ifVersion: number): Promise<boolean> {
    const before = await this.#found(info.ingressId);
    if (before?.stored.version !== ifVersion) {
      return false;
    }
    const text = textOf(info, ifVersion + 1, before.createdAtMs);
    return (await this.#shared.run(replaceIngress, [info.ingressId, `${ifVersion}`, text])) === 1;
  }

  async remove(id: string): Promise<boolean> {
    const stored = await this.get(id);
    const args = [id, hashOf(stored?.info.streamKey ?? '')];
    return (await this.#shared.run(removeIngress, args)) === 1;
  }

  async close(): Promise<void> {}

  async #found(id: string): Promise<Found | undefined> {
    const all = this.#shared.keys.of('ingresses');
    const text = await this.#shared.ask(['ingresses'], (client) => client.hget(all, id));
    return text === null ? undefined : this.#read(id, text);
  }

  #read(id: string, text: string): Found | undefined {
    try {
      const [, version, json = ''] = /^(\d+) (.*)$/s.exec(text) ?? [];
      const { createdAtMs, info } = valueSchema.parse(JSON.parse(json));
      const read = IngressInfo.fromJson(info, { ignoreUnknownFields: true });
      return { stored: { info: read, version: Number(version) }, createdAtMs };
    } catch {
      // Without what was read: it may hold a key.
      this.#shared.stored.complain(this.#shared.keys.of('ingresses'), `${id} cannot be read`);
      return undefined;
    }
  }
}

const textOf = (info: IngressInfo, version: number, createdAtMs: number): string =>
  `${version} ${JSON.stringify({ createdAtMs, info: info.toJson() })}`;

const hashOf = (streamKey: string): string => (streamKey === '' ? '' : hashOfKey(streamKey));
