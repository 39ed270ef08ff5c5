import { nanoid } from 'nanoid';
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
import type { Keys } from './keys';
import { assertRooms } from './scripts/assert-rooms';
import { beat } from './scripts/beat';
import { forgetNode } from './scripts/forget-node';
import { acquireLease, releaseLease } from './scripts/leases';
import { cancelOrder, giveOrder } from './scripts/orders';
import { placeRoom } from './scripts/place-room';
import { readCluster } from './scripts/read-cluster';
import { readRoom } from './scripts/read-room';
import { releaseRoom } from './scripts/release-room';
import { saveFacts } from './scripts/save-facts';
import { writeAudit } from './scripts/write-audit';
import { writeDocument } from './scripts/write-document';
import { SharedRedis, type SharedRedisOptions } from './shared-redis';
import {
  auditSchema,
  eventSchema,
  orderSchema,
  pairs,
  placementSchema,
  recentSchema,
  recordOf,
  type StoredValues,
} from './stored-values';

/** Rooms that one script looks at: others wait for it for less than a millisecond. */
const BATCH = 250;

export type RedisRegistryOptions = SharedRedisOptions;

/** The registry of a cluster, in Redis. docs/registry.md describes what is kept there. */
export class RedisRegistry implements Registry {
  /** What other stores of the same cluster may use as well; it is closed with the registry. */
  readonly shared: SharedRedis;
  readonly #keys: Keys;
  readonly #stored: StoredValues;
  /** Tells this process from another one under the same node id. */
  readonly #process = nanoid();
  /** Rooms released since a heartbeat began, for each that is under way: it must not say them again. */
  readonly #underWay = new Set<Set<string>>();
  readonly #listeners = new Set<(event: ClusterEvent) => void>();

  private constructor(shared: SharedRedis) {
    this.shared = shared;
    this.#keys = shared.keys;
    this.#stored = shared.stored;
    const read = (text: string): ClusterEvent => eventSchema.parse(JSON.parse(text));
    shared.listen('events', read, (event) => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  /**
   * Resolves also where Redis is not there: the registry is unavailable then, and goes on trying.
   *
   * @throws Error where the configuration cannot be used.
   */
  static async connect(options: RedisRegistryOptions): Promise<RedisRegistry> {
    return new RedisRegistry(await SharedRedis.connect(options));
  }

  get available(): boolean {
    return this.shared.available;
  }

  /** `host:port` of the Sentinels that there are; none: it is a Redis without. */
  get sentinels(): readonly string[] {
    return this.shared.sentinels;
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
      const [now, other, orderText] = list(await this.shared.run(beat, args));
      const duplicate = other === 1;
      const superseded: RoomPlacement[] = [];
      const restored: string[] = [];
      for (let i = 0; i < rooms.length && !duplicate; i += BATCH) {
        const batch = rooms.slice(i, i + BATCH).filter(({ room }) => !released.has(room));
        const said = batch.flatMap(({ room, epoch }) => [room, `${epoch}`]);
        const [lost, back] = list(await this.shared.run(assertRooms, [record.id, ...said]));
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
    await this.shared.run(forgetNode, [nodeId]);
  }

  async snapshot(): Promise<ClusterSnapshot> {
    const answer = list(await this.shared.run(readCluster, [`${RECENT_MS}`]));
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
    const [text, facts] = list(await this.shared.run(readRoom, [name]));
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
      const [next, part] = await this.shared.ask(['rooms'], (client) =>
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
    const [outcome, text] = list(await this.shared.run(placeRoom, args));
    if (outcome === 'outdated') return { outcome };
    const placement = this.#placement(room, text);
    if (placement === undefined || (outcome !== 'placed' && outcome !== 'exists')) {
      throw new RegistryUnavailableError(`Redis answered with garbage about Room '${room}'`);
    }
    return { outcome, placement };
  }

  async saveFacts(room: string, epoch: number, facts: string): Promise<boolean> {
    return (await this.shared.run(saveFacts, [room, `${epoch}`, facts])) === 1;
  }

  async release(room: string, epoch: number): Promise<void> {
    for (const released of this.#underWay) released.add(room);
    await this.shared.run(releaseRoom, [room, `${epoch}`]);
  }

  async order(nodeId: string, order: DrainOrder): Promise<DrainOrder> {
    const text = await this.shared.run(giveOrder, [nodeId, JSON.stringify(order)]);
    return this.#order(nodeId, text) ?? order;
  }

  async cancelOrder(nodeId: string): Promise<boolean> {
    return (await this.shared.run(cancelOrder, [nodeId])) === 1;
  }

  async acquireLease(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const args = [name, owner, `${Math.round(ttlMs)}`];
    const epoch = await this.shared.run(acquireLease, args, this.#keys.lease(name));
    return typeof epoch === 'number' ? { name, owner, epoch } : undefined;
  }

  async releaseLease({ name, owner, epoch }: Lease): Promise<void> {
    await this.shared.run(releaseLease, [owner, `${epoch}`], this.#keys.lease(name));
  }

  async document(name: string): Promise<SharedDocument | undefined> {
    const key = this.#keys.document(name);
    const [value, text] = await this.shared.ask(
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
    const written = await this.shared.run(writeDocument, args, this.#keys.document(name));
    return written === 1 ? { value, version: ifVersion + 1 } : undefined;
  }

  async audit({ by, text }: Omit<AuditEntry, 'atMs'>): Promise<void> {
    await this.shared.run(writeAudit, [by, text, `${AUDIT_ENTRIES}`]);
  }

  async auditTrail(limit: number): Promise<AuditEntry[]> {
    if (limit < 1) return [];
    const key = this.#keys.of('audit');
    const entries = await this.shared.ask(['audit'], (client) => client.lrange(key, 0, limit - 1));
    return entries.flatMap((text) => this.#stored.read(auditSchema, key, text) ?? []);
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    // A function of its own, so that one listener can be given twice.
    const own = (event: ClusterEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.shared.close();
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
