import type { DrainOrder, NodeRecord, RegisteredNode } from './node-record';

/** Which node hosts a Room. */
export interface RoomPlacement {
  readonly room: string;
  readonly nodeId: string;
  /** Higher with each placement of this Room; of two that differ, the higher one holds. */
  readonly epoch: number;
  /** The node that it was moved from, while that one was alive. */
  readonly movedFrom?: string | undefined;
  /** What its owner has written down of it for the next one: JSON of the owner's making. */
  readonly facts?: string | undefined;
}

/** A Room that a node hosts, and by which placement. */
export interface HostedRoom {
  readonly room: string;
  readonly epoch: number;
}

/** A Room that was placed lately: measured load does not show it yet. */
export interface RecentPlacement {
  readonly room: string;
  readonly nodeId: string;
  readonly agoMs: number;
}

export interface ClusterSnapshot {
  readonly nodes: readonly RegisteredNode[];
  /** Of the last `RECENT_MS`. */
  readonly recent: readonly RecentPlacement[];
  /** Changes with each placement: `place` can insist that it has not. */
  readonly version: number;
  /** The registry's clock, ms since 1970. */
  readonly nowMs: number;
  /**
   * ms since the registry began to remember, without a break. While it is young, nodes that are
   * not in it may be alive, and Rooms that are not in it may run. Infinity in memory: there is
   * nobody else.
   */
  readonly ageMs: number;
}

export interface PlaceRequest {
  readonly room: string;
  readonly nodeId: string;
  /**
   * The epoch of the placement that this one takes the place of; undefined: there is none.
   * Where it is another one by now, nothing changes; where it is lost, the new one is higher.
   */
  readonly replaces?: number | undefined;
  /** Place only if the snapshot is still of this version. @default - whatever has happened */
  readonly ifVersion?: number | undefined;
  /** The node that hands it over, alive. */
  readonly movedFrom?: string | undefined;
}

/**
 * `placed`: it is as was asked. `exists`: another placement holds, which is given. `outdated`: the
 * snapshot is not the newest any more, nothing has changed.
 */
export type PlaceResult =
  | { readonly outcome: 'placed' | 'exists'; readonly placement: RoomPlacement }
  | { readonly outcome: 'outdated' };

export interface HeartbeatReply {
  /** Rooms of this node that another placement, with a higher epoch, holds by now. */
  readonly superseded: readonly RoomPlacement[];
  /** Rooms of this node that the registry had lost: whose facts have to be saved again. */
  readonly restored: readonly string[];
  readonly order?: DrainOrder | undefined;
  /** Another process beats under the same id, and was there first: nothing was written. */
  readonly duplicate: boolean;
  readonly nowMs: number;
}

export interface Lease {
  readonly name: string;
  readonly owner: string;
  /** Higher with each owner. */
  readonly epoch: number;
}

/** A document that all nodes share, such as the announced configuration. */
export interface SharedDocument {
  readonly value: string;
  /** 1 with the first writing, then one more with each. */
  readonly version: number;
}

/** Told to all nodes, at most once; whoever misses one finds out with the next heartbeat. */
export type ClusterEvent =
  | { readonly type: 'node'; readonly nodeId: string }
  | { readonly type: 'room'; readonly room: string }
  | { readonly type: 'document'; readonly name: string };

/** One decision, for people who ask later why. */
export interface AuditEntry {
  readonly atMs: number;
  /** The node that decided. */
  readonly by: string;
  readonly text: string;
}

/** The registry does not answer. What runs goes on; nothing new can be decided. */
export class RegistryUnavailableError extends Error {
  override readonly name = 'RegistryUnavailableError';
}

/** How many entries the audit keeps: the newest. */
export const AUDIT_ENTRIES = 1000;

/** How long a placement stands among the recent ones, in ms. */
export const RECENT_MS = 30_000;

/**
 * What the nodes of a cluster know together: facts, no traffic.
 *
 * Two kinds: in Redis for a cluster, in memory for a Single Node. All times are of the registry's
 * own clock. Every method rejects with RegistryUnavailableError where it does not answer in time.
 */
export interface Registry {
  /** Whether the last thing asked was answered. */
  readonly available: boolean;

  /**
   * Writes a node's record, says again which Rooms it hosts, and learns what is wanted of it. Rooms
   * that nobody is known to host are the node's again; of two placements the higher epoch stays.
   *
   * @param obeyed - the order that the node obeys: where the registry has lost it, it stands again.
   *   One that was cancelled does not.
   */
  heartbeat(
    record: NodeRecord,
    rooms: readonly HostedRoom[],
    obeyed?: DrainOrder,
  ): Promise<HeartbeatReply>;
  /**
   * Takes a node's record and order away. Its Rooms stay placed until they are placed anew or
   * released.
   */
  forgetNode(nodeId: string): Promise<void>;
  snapshot(): Promise<ClusterSnapshot>;

  /** With its facts. */
  room(name: string): Promise<RoomPlacement | undefined>;
  /** Without their facts. */
  rooms(): Promise<RoomPlacement[]>;
  place(request: PlaceRequest): Promise<PlaceResult>;
  /** Writes down facts of a Room, if this epoch still holds. @returns whether it does. */
  saveFacts(room: string, epoch: number, facts: string): Promise<boolean>;
  /** Takes a placement and its facts away, if this epoch still holds. */
  release(room: string, epoch: number): Promise<void>;

  /**
   * Orders a drain. A node that has an order keeps it, unless the new one ends earlier, or is final
   * and the old one is not. What made an order final stays,
   * and so does what happens at its deadline.
   *
   * @returns the order that holds.
   */
  order(nodeId: string, order: DrainOrder): Promise<DrainOrder>;
  /**
   * Takes an order away, also one that only its node still knows.
   *
   * @returns false where there was none, or it is final: it stays.
   */
  cancelOrder(nodeId: string): Promise<boolean>;

  /** Takes or keeps a lease for so long. @returns undefined where another has it. */
  acquireLease(name: string, owner: string, ttlMs: number): Promise<Lease | undefined>;
  releaseLease(lease: Lease): Promise<void>;

  document(name: string): Promise<SharedDocument | undefined>;
  /** @returns undefined where its version is not `ifVersion` (0: there is none yet). */
  writeDocument(
    name: string,
    value: string,
    ifVersion: number,
  ): Promise<SharedDocument | undefined>;

  audit(entry: Omit<AuditEntry, 'atMs'>): Promise<void>;
  /** The newest first. */
  auditTrail(limit: number): Promise<AuditEntry[]>;

  /**
   * The registry itself tells of records and orders taken away or given, of Rooms moved or
   * released, and of documents written; a node's own heartbeats and new Rooms are no events.
   *
   * @returns to be called when no more is wanted.
   */
  onEvent(listener: (event: ClusterEvent) => void): () => void;

  /** Idempotent. */
  close(): Promise<void>;
}
