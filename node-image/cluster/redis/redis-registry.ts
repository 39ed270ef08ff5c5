import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import { type DrainOrder, type NodeRecord, STALE_MS } from '../node-record';
import {
  AUDIT_ENTRIES,
  type AuditEntry,
  type ClusterEvent,
  type ClusterSnapshot,
  type HeartbeatReply,
  type HostedRoom,
  type Lease,
  type PlaceRequest,
  type PlaceResult,
  RECENT_MS,
  type Registry,
  RegistryUnavailableError,
  type RoomPlacement,
  type SharedDocument,
} from '../registry';
import { KEY_TYPES, type KeyName, Keys } from './keys';
import { RedisAccess } from './redis-access';
import { commandTimeoutMs, type RedisClient, type RedisConfig } from './redis-connection';
import { RedisEvents } from './redis-events';
import type { Script } from './script';
import { assertRooms } from './scripts/assert-rooms';
import { beat } from './scripts/beat';
import { forgetNode } from './scripts/forget-node';
import { acquireLease, releaseLease } from './scripts/leases';
import { mend } from './scripts/mend';
import { cancelOrder, giveOrder } from './scripts/orders';
import { placeRoom } from './scripts/place-room';
import { readCluster } from './scripts/read-cluster';
import { readRoom } from './scripts/read-room';
import { releaseRoom } from './scripts/release-room';
import { saveFacts } from './scripts/save-facts';
import { writeAudit } from './scripts/write-audit';
import { writeDocument } from './scripts/write-document';
import { SentinelList, SentinelWatch } from './sentinel-list';
import {
  auditSchema,
  orderSchema,
  pairs,
  placementSchema,
  recentSchema,
  recordOf,
  StoredValues,
} from './stored-values';

/** Rooms that one script looks at: others wait for it for less than a millisecond. */
const BATCH = 250;

export interface RedisRegistryOptions {
  readonly redis: RedisConfig;
  /** Keeps clusters that share a Redis apart. */
  readonly clusterName: string;
  readonly log: Logger;
  /** File in which Sentinels are kept that have become known. @default - they are not */
  readonly sentinelsFile?: string | undefined;
}

/** The registry of a cluster, in Redis. docs/registry.md describes what is kept there. */
export class RedisRegistry implements Registry {
  readonly #access: RedisAccess;
  readonly #events: RedisEvents;
  readonly #keys: Keys;
  readonly #stored: StoredValues;
  /** Tells this process from another one under the same node id. */
  readonly #process = nanoid();
  /** Rooms released since a heartbeat began, for each that is under way: it must not say them again. */
  readonly #underWay = new Set<Set<string>>();

  readonly #sentinels: SentinelList;
  readonly #sentinelWatch: SentinelWatch | undefined;

  private constructor({ redis, clusterName, log, sentinelsFile }: RedisRegistryOptions) {
    const configured = redis.sentinel_addresses;
    const list = new SentinelList({ configured, file: sentinelsFile });
    const sentinels = configured.length === 0 ? undefined : () => list.addresses;
    this.#sentinels = list;
    this.#keys = new Keys(clusterName);
    this.#stored = new StoredValues(log);
    this.#access = new RedisAccess({ redis, log, sentinels });
    this.#events = new RedisEvents({
      redis,
      sentinels,
      commandTimeoutMs: commandTimeoutMs(redis),
      channel: this.#keys.of('events'),
      onGarbage: (problem) => this.#stored.complain(this.#keys.of('events'), problem),
    });
    this.#sentinelWatch =
      configured.length === 0 ? undefined : new SentinelWatch({ redis, list, log });
  }

  /**
   * Resolves also where Redis is not there: the registry is unavailable then, and goes on trying.
   *
   * @throws Error where the configuration cannot be used.
   */
  static async connect(options: RedisRegistryOptions): Promise<RedisRegistry> {
    const registry = new RedisRegistry(options);
    await registry.#access.firstAttempt();
    return registry;
  }

  get available(): boolean {
    return this.#access.available;
  }

  /** `host:port` of the Sentinels that there are; none: it is a Redis without. */
  get sentinels(): readonly string[] {
    return this.#sentinels.addresses;
  }

  async heartbeat(
    record: NodeRecord,
    rooms: readonly HostedRoom[],
    obeyed?: DrainOrder,
  ): Promise<HeartbeatReply> {
    const process = `${this.#process} ${record.startedAtMs}`;
    const released = new Set<string>();
    this.#underWay.add(released);
    try {
      const order = obeyed === undefined ? '' : JSON.stringify(obeyed);
      const args = [record.id, JSON.stringify(record), process, `${STALE_MS}`, order];
      const [now, other, orderText] = list(await this.#run(beat, args));
      const duplicate = other === 1;
      const superseded: RoomPlacement[] = [];
      const restored: string[] = [];
      for (let i = 0; i < rooms.length && !duplicate; i += BATCH) {
        const batch = rooms.slice(i, i + BATCH).filter(({ room }) => !released.has(room));
        const said = batch.flatMap(({ room, epoch }) => [room, `${epoch}`]);
        const [lost, back] = list(await this.#run(assertRooms, [record.id, ...said]));
        for (const [room, text] of pairs(lost)) {
          const placement = this.#placement(room, text);
          if (placement !== undefined) superseded.push(placement);
        }
        restored.push(...list(back).map(String));
      }
      const stands = this.#order(record.id, orderText);
      return { superseded, restored, order: stands, duplicate, nowMs: Number(now) };
    } finally {
      this.#underWay.delete(released);
    }
  }

  async forgetNode(nodeId: string): Promise<void> {
    await this.#run(forgetNode, [nodeId]);
  }

  async snapshot(): Promise<ClusterSnapshot> {
    const answer = list(await this.#run(readCluster, [`${RECENT_MS}`]));
    const [now, age, version, records, times, orders, recent] = answer;
    const nowMs = Number(now);
    const seen = new Map(pairs(times));
    const orderOf = new Map(pairs(orders));
    return {
      nodes: pairs(records).flatMap(([id, text]) => {
        const where = `${this.#keys.of('nodes')} ${id}`;
        const record = this.#stored.read(recordOf(id), where, text);
        if (record === undefined) return [];
        const seenAgoMs = Math.max(0, nowMs - Number(seen.get(id) ?? 0));
        return [{ record, seenAgoMs, order: this.#order(id, orderOf.get(id)) }];
      }),
      recent: pairs(recent).flatMap(([text, atMs]) => {
        const found = this.#stored.read(recentSchema, this.#keys.of('recent'), text);
        if (found === undefined) return [];
        const [nodeId, room] = found;
        return [{ room, nodeId, agoMs: Math.max(0, nowMs - Number(atMs)) }];
      }),
      version: Number(version),
      nowMs,
      ageMs: Number(age),
    };
  }

  async room(name: string): Promise<RoomPlacement | undefined> {
    const [text, facts] = list(await this.#run(readRoom, [name]));
    const placement = this.#placement(name, text);
    if (placement === undefined || typeof facts !== 'string') return placement;
    return { ...placement, facts };
  }

  async rooms(): Promise<RoomPlacement[]> {
    const key = this.#keys.of('rooms');
    // What is written meanwhile may be given twice.
    const found = new Map<string, RoomPlacement>();
    let cursor = '0';
    do {
      const [next, part] = await this.#ask(['rooms'], (client) =>
        client.hscan(key, cursor, 'COUNT', BATCH),
      );
      for (const [room, text] of pairs(part)) {
        const placement = this.#placement(room, text);
        if (placement !== undefined) found.set(room, placement);
      }
      cursor = next;
    } while (cursor !== '0');
    return [...found.values()];
  }

  async place(request: PlaceRequest): Promise<PlaceResult> {
    const { room, nodeId, replaces = '', ifVersion = '', movedFrom = '' } = request;
    const args = [room, nodeId, `${replaces}`, `${ifVersion}`, movedFrom, `${RECENT_MS}`];
    const [outcome, text] = list(await this.#run(placeRoom, args));
    if (outcome === 'outdated') return { outcome };
    const placement = this.#placement(room, text);
    if (placement === undefined || (outcome !== 'placed' && outcome !== 'exists')) {
      throw new RegistryUnavailableError(`Redis answered with garbage about Room '${room}'`);
    }
    return { outcome, placement };
  }

  async saveFacts(room: string, epoch: number, facts: string): Promise<boolean> {
    return (await this.#run(saveFacts, [room, `${epoch}`, facts])) === 1;
  }

  async release(room: string, epoch: number): Promise<void> {
    for (const released of this.#underWay) released.add(room);
    await this.#run(releaseRoom, [room, `${epoch}`]);
  }

  async order(nodeId: string, order: DrainOrder): Promise<DrainOrder> {
    const text = await this.#run(giveOrder, [nodeId, JSON.stringify(order)]);
    return this.#order(nodeId, text) ?? order;
  }

  async cancelOrder(nodeId: string): Promise<boolean> {
    return (await this.#run(cancelOrder, [nodeId])) === 1;
  }

  async acquireLease(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const args = [name, owner, `${Math.round(ttlMs)}`];
    const epoch = await this.#run(acquireLease, args, this.#keys.lease(name));
    return typeof epoch === 'number' ? { name, owner, epoch } : undefined;
  }

  async releaseLease({ name, owner, epoch }: Lease): Promise<void> {
    await this.#run(releaseLease, [owner, `${epoch}`], this.#keys.lease(name));
  }

  async document(name: string): Promise<SharedDocument | undefined> {
    const key = this.#keys.document(name);
    const [value, text] = await this.#ask(
      [],
      (client) => client.hmget(key, 'value', 'version'),
      key,
    );
    if (value === null || value === undefined) return undefined;
    const version = Number(text);
    if (Number.isInteger(version) && version > 0) return { value, version };
    this.#stored.complain(key, `its version is '${text}'`);
    return undefined;
  }

  async writeDocument(
    name: string,
    value: string,
    ifVersion: number,
  ): Promise<SharedDocument | undefined> {
    const args = [name, value, `${ifVersion}`];
    const written = await this.#run(writeDocument, args, this.#keys.document(name));
    return written === 1 ? { value, version: ifVersion + 1 } : undefined;
  }

  async audit({ by, text }: Omit<AuditEntry, 'atMs'>): Promise<void> {
    await this.#run(writeAudit, [by, text, `${AUDIT_ENTRIES}`]);
  }

  async auditTrail(limit: number): Promise<AuditEntry[]> {
    if (limit < 1) return [];
    const key = this.#keys.of('audit');
    const entries = await this.#ask(['audit'], (client) => client.lrange(key, 0, limit - 1));
    return entries.flatMap((text) => this.#stored.read(auditSchema, key, text) ?? []);
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    return this.#events.listen(listener);
  }

  async close(): Promise<void> {
    this.#sentinelWatch?.close();
    this.#events.close();
    this.#access.close();
  }

  #run(script: Script, args: readonly string[], ownKey?: string): Promise<unknown> {
    const keys = script.keys.map((name) => this.#keys.of(name));
    const all = ownKey === undefined ? keys : [...keys, ownKey];
    return this.#mending(script.keys, ownKey, () => this.#access.run(script, all, args));
  }

  #ask<T>(
    names: readonly KeyName[],
    question: (client: RedisClient) => Promise<T>,
    ownKey?: string,
  ): Promise<T> {
    return this.#mending(names, ownKey, () => this.#access.ask(question));
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
      const typed = names.flatMap((name) =>
        name === 'events' ? [] : [{ key: this.#keys.of(name), type: KEY_TYPES[name] }],
      );
      if (ownKey !== undefined) typed.push({ key: ownKey, type: 'hash' });
      const keys = typed.map(({ key }) => key);
      const removed = await this.#access.run(
        mend,
        keys,
        typed.map(({ type }) => type),
      );
      for (const [key, type] of pairs(removed)) {
        this.#stored.report(key, `it was a ${type}, and has been deleted`);
      }
      return await ask();
    }
  }

  #placement(room: string, text: unknown): RoomPlacement | undefined {
    const where = `${this.#keys.of('rooms')} ${room}`;
    const placement = this.#stored.read(placementSchema, where, text);
    return placement && { room, ...placement };
  }

  #order(nodeId: string, text: unknown): DrainOrder | undefined {
    return this.#stored.read(orderSchema, `${this.#keys.of('orders')} ${nodeId}`, text);
  }
}

const list = (answer: unknown): unknown[] => (Array.isArray(answer) ? answer : []);
