import type { DrainOrder, NodeRecord, NodeState, OnDeadline } from './node-record';

/** A node as people and programs are shown it. */
export interface NodeView {
  readonly id: string;
  /** What counts: `draining` from the order on, before the node has heard of it. */
  readonly state: NodeState;
  /** It has said nothing for so long that it is given no Room. */
  readonly stale: boolean;
  /** ms since its last heartbeat, by the registry's clock. */
  readonly seenAgoMs: number;
  /** Rooms that are placed on it now; `record.load.rooms` is up to a heartbeat older. */
  readonly rooms: number;
  /** Drain progress is in `record.drain`. */
  readonly record: NodeRecord;
  readonly order?: DrainOrder | undefined;
}

export interface NodesView {
  /** The registry's clock, ms since 1970: what the times of orders are to be compared with. */
  readonly nowMs: number;
  readonly nodes: readonly NodeView[];
}

/** Where a Room is. */
export interface RoomView {
  readonly name: string;
  readonly nodeId: string;
  readonly epoch: number;
  /** The node that it was moved from. */
  readonly movedFrom?: string | undefined;
  /** Undefined where its node does not say: it may just be made, or moving, or its node is gone. */
  readonly sid?: string | undefined;
  /** Undefined where its node does not say. */
  readonly participants?: number | undefined;
  /** Undefined where its node does not say. */
  readonly publishers?: number | undefined;
}

/** How a drain is wanted. Durations are ms from now. */
export interface DrainRequest {
  /** For people and the audit. @default "asked by the admin API" */
  readonly reason?: string | undefined;
  /** How long Rooms may end by themselves. @default - `drain.patience` of the configuration */
  readonly patienceMs?: number | undefined;
  /** How long it may take in all. @default - `drain.deadline` of the configuration */
  readonly deadlineMs?: number | undefined;
  /** @default - `drain.on_deadline` of the configuration */
  readonly onDeadline?: OnDeadline | undefined;
}

export interface DrainResult {
  readonly nodeId: string;
  /** The order that stands: an earlier one where that already asks for as much. */
  readonly order: DrainOrder;
  /** Whether this call made it. */
  readonly changed: boolean;
  readonly nowMs: number;
}

export interface UndrainResult {
  readonly nodeId: string;
  /** The order that was taken back; undefined: there was none. */
  readonly order?: DrainOrder | undefined;
}

/** What the removal of a node ends. */
export interface RemovalLoss {
  readonly rooms: readonly string[];
  readonly participants: number;
}

export interface RemoveResult {
  readonly nodeId: string;
  /**
   * `forgotten`: its record is gone. `ordered`: it lives, and was told to be empty at once and to
   * stay so.
   */
  readonly outcome: 'forgotten' | 'ordered';
  readonly lost: RemovalLoss;
  /** For people: what happens now, and what is left to do. */
  readonly message: string;
  readonly order?: DrainOrder | undefined;
}

/** What an admin asked for cannot be done. The text is for people. */
export class AdminError extends Error {
  override readonly name = 'AdminError';

  /**
   * @param code - `not_found`: no such node. `invalid`: what was given makes no sense. `conflict`:
   *   it does, but not as things are.
   */
  constructor(
    readonly code: 'not_found' | 'invalid' | 'conflict',
    message: string,
  ) {
    super(message);
  }
}
