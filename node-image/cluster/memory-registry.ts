import { type DrainOrder, type NodeRecord, STALE_MS } from './node-record';
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
} from './registry';

interface KnownNode {
  readonly record: NodeRecord;
  readonly seenMs: number;
}

interface TimedLease extends Lease {
  readonly untilMs: number;
}

/** The registry of a Single Node: it is gone with its process, and so is all that it knows. */
export class MemoryRegistry implements Registry {
  readonly #now: () => number;
  readonly #nodes = new Map<string, KnownNode>();
  readonly #orders = new Map<string, DrainOrder>();
  /** Ids of orders that their nodes are not to put back. */
  readonly #cancelled = new Set<string>();
  readonly #rooms = new Map<string, RoomPlacement>();
  /** By Room. */
  readonly #facts = new Map<string, string>();
  /** By Room. */
  readonly #recent = new Map<string, { nodeId: string; atMs: number }>();
  readonly #leases = new Map<string, TimedLease>();
  readonly #documents = new Map<string, SharedDocument>();
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  #audit: AuditEntry[] = [];
  #version = 0;
  #closed = false;

  constructor(options: { readonly now?: () => number } = {}) {
    this.#now = options.now ?? Date.now;
  }

  get available(): boolean {
    return !this.#closed;
  }

  async heartbeat(
    record: NodeRecord,
    rooms: readonly HostedRoom[],
    obeyed?: DrainOrder,
  ): Promise<HeartbeatReply> {
    const nowMs = this.#ask();
    const other = this.#nodes.get(record.id);
    if (
      other !== undefined &&
      other.record.startedAtMs !== record.startedAtMs &&
      nowMs - other.seenMs <= STALE_MS
    ) {
      const order = this.#orders.get(record.id);
      return { superseded: [], restored: [], order, duplicate: true, nowMs };
    }
    const order = this.#restoredOrder(record.id, obeyed);
    this.#nodes.set(record.id, { record, seenMs: nowMs });
    const superseded: RoomPlacement[] = [];
    const restored: string[] = [];
    for (const { room, epoch } of rooms) {
      const known = this.#rooms.get(room);
      if (known === undefined || known.epoch < epoch) {
        this.#rooms.set(room, { room, nodeId: record.id, epoch });
        restored.push(room);
      } else if (known.epoch > epoch || known.nodeId !== record.id) {
        superseded.push(known);
      }
    }
    return { superseded, restored, order, duplicate: false, nowMs };
  }

  async forgetNode(nodeId: string): Promise<void> {
    this.#ask();
    this.#nodes.delete(nodeId);
    this.#orders.delete(nodeId);
    this.#tell({ type: 'node', nodeId });
  }

  async snapshot(): Promise<ClusterSnapshot> {
    const nowMs = this.#ask();
    this.#forgetOldPlacements(nowMs);
    return {
      nodes: [...this.#nodes].map(([id, { record, seenMs }]) => ({
        record,
        seenAgoMs: Math.max(0, nowMs - seenMs),
        order: this.#orders.get(id),
      })),
      recent: [...this.#recent].map(([room, { nodeId, atMs }]) => ({
        room,
        nodeId,
        agoMs: Math.max(0, nowMs - atMs),
      })),
      version: this.#version,
      nowMs,
      ageMs: Number.POSITIVE_INFINITY,
    };
  }

  async room(name: string): Promise<RoomPlacement | undefined> {
    this.#ask();
    const placement = this.#rooms.get(name);
    const facts = this.#facts.get(name);
    return placement === undefined || facts === undefined ? placement : { ...placement, facts };
  }

  async rooms(): Promise<RoomPlacement[]> {
    this.#ask();
    return [...this.#rooms.values()];
  }

  async place(request: PlaceRequest): Promise<PlaceResult> {
    const nowMs = this.#ask();
    const { room, nodeId, replaces, ifVersion, movedFrom } = request;
    const known = this.#rooms.get(room);
    if (known !== undefined && known.epoch !== replaces) {
      return { outcome: 'exists', placement: known };
    }
    if (ifVersion !== undefined && ifVersion !== this.#version) return { outcome: 'outdated' };
    this.#version = Math.max(this.#version + 1, nowMs);
    // Never that of a Room of the same name that was released within this millisecond.
    const epoch = Math.max((replaces ?? 0) + 1, this.#version);
    const from = movedFrom === undefined ? {} : { movedFrom };
    const placement: RoomPlacement = { room, nodeId, epoch, ...from };
    this.#rooms.set(room, placement);
    this.#recent.set(room, { nodeId, atMs: nowMs });
    this.#forgetOldPlacements(nowMs);
    if (replaces !== undefined) this.#tell({ type: 'room', room });
    return { outcome: 'placed', placement };
  }

  async saveFacts(room: string, epoch: number, facts: string): Promise<boolean> {
    this.#ask();
    if (this.#rooms.get(room)?.epoch !== epoch) return false;
    this.#facts.set(room, facts);
    return true;
  }

  async release(room: string, epoch: number): Promise<void> {
    this.#ask();
    if (this.#rooms.get(room)?.epoch !== epoch) return;
    this.#rooms.delete(room);
    this.#facts.delete(room);
    this.#recent.delete(room);
    this.#tell({ type: 'room', room });
  }

  async order(nodeId: string, order: DrainOrder): Promise<DrainOrder> {
    this.#ask();
    const known = this.#orders.get(nodeId);
    const holds = settled(known, order);
    if (holds === known) return known;
    this.#orders.set(nodeId, holds);
    this.#tell({ type: 'node', nodeId });
    return holds;
  }

  async cancelOrder(nodeId: string): Promise<boolean> {
    this.#ask();
    const known = this.#orders.get(nodeId);
    if (known?.final !== undefined) return false;
    const obeyed = this.#nodes.get(nodeId)?.record.drain?.orderId;
    const ids = [known?.id, obeyed].filter((id) => id !== undefined);
    if (known === undefined && ids.every((id) => this.#cancelled.has(id))) return false;
    for (const id of ids) this.#cancelled.add(id);
    this.#orders.delete(nodeId);
    this.#tell({ type: 'node', nodeId });
    return true;
  }

  async acquireLease(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const nowMs = this.#ask();
    const known = this.#leases.get(name);
    const isHeld = known !== undefined && known.untilMs > nowMs;
    if (isHeld && known.owner !== owner) return undefined;
    const epoch = isHeld ? known.epoch : Math.max((known?.epoch ?? 0) + 1, nowMs);
    this.#leases.set(name, { name, owner, epoch, untilMs: nowMs + ttlMs });
    return { name, owner, epoch };
  }

  async releaseLease({ name, owner, epoch }: Lease): Promise<void> {
    this.#ask();
    const known = this.#leases.get(name);
    if (known?.owner !== owner || known.epoch !== epoch) return;
    this.#leases.set(name, { ...known, untilMs: 0 });
  }

  async document(name: string): Promise<SharedDocument | undefined> {
    this.#ask();
    return this.#documents.get(name);
  }

  async writeDocument(
    name: string,
    value: string,
    ifVersion: number,
  ): Promise<SharedDocument | undefined> {
    this.#ask();
    if ((this.#documents.get(name)?.version ?? 0) !== ifVersion) return undefined;
    const written = { value, version: ifVersion + 1 };
    this.#documents.set(name, written);
    this.#tell({ type: 'document', name });
    return written;
  }

  async audit(entry: Omit<AuditEntry, 'atMs'>): Promise<void> {
    const atMs = this.#ask();
    this.#audit = [{ ...entry, atMs }, ...this.#audit.slice(0, AUDIT_ENTRIES - 1)];
  }

  async auditTrail(limit: number): Promise<AuditEntry[]> {
    this.#ask();
    return this.#audit.slice(0, Math.max(0, limit));
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    // A function of its own, so that one listener can be given twice.
    const own = (event: ClusterEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
  }

  /** The order that stands, which may be what its node says that it obeys. */
  #restoredOrder(nodeId: string, obeyed: DrainOrder | undefined): DrainOrder | undefined {
    const known = this.#orders.get(nodeId);
    if (obeyed === undefined) return known;
    const isLost = known === undefined && !this.#cancelled.has(obeyed.id);
    if (!isLost && (obeyed.final === undefined || known?.final !== undefined)) return known;
    const holds = settled(obeyed, known ?? obeyed);
    this.#orders.set(nodeId, holds);
    return holds;
  }

  /** @returns the time. */
  #ask(): number {
    if (this.#closed) throw new RegistryUnavailableError('the registry is closed');
    return this.#now();
  }

  /** Later, as over a network: nobody is called from within a call of its own. */
  #tell(event: ClusterEvent): void {
    setImmediate(() => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  #forgetOldPlacements(nowMs: number): void {
    for (const [room, { atMs }] of this.#recent) {
      if (nowMs - atMs >= RECENT_MS) this.#recent.delete(room);
    }
  }
}

/** Which of two orders holds. */
function settled(known: DrainOrder | undefined, order: DrainOrder): DrainOrder {
  if (known === undefined) return order;
  const isSooner = order.deadlineMs < known.deadlineMs;
  if (!isSooner && (known.final !== undefined || order.final === undefined)) return known;
  if (order.final !== undefined || known.final === undefined) return order;
  // Whoever has to leave does not stay because somebody else would have let it.
  return { ...order, final: known.final, onDeadline: known.onDeadline };
}
