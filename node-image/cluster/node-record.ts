import type { Role } from '../contract';

/** What a node does in its cluster. `single` does everything and has no cluster. */
export type NodeRole = Role;

/**
 * What a node says of itself. Only a serving one is given Rooms; a node without a record is gone.
 *
 * `starting → serving → draining → drained`, and back to serving where a drain is cancelled.
 */
export type NodeState = 'starting' | 'serving' | 'draining' | 'drained';

/** Where the Master Nodes reach a Media Node: its private address. */
export interface LinkAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a TURN server sends from: media that comes from there is relayed by it. */
export interface RelayRange {
  readonly addresses: readonly string[];
  /** Both ends included. */
  readonly portStart: number;
  readonly portEnd: number;
}

/** A resource as it is used: both in the same unit. */
export interface Usage {
  readonly used: number;
  /** 0: not known, and never full. */
  readonly limit: number;
}

/** What placement of jobs goes by. */
export interface JobLoad {
  /** Kinds that the node runs: egress, ingress. */
  readonly kinds: readonly string[];
  /** CPU cores that are neither in use nor promised, by its ledger; below 0: more is in use than there is. */
  readonly freeCpus: number;
  /** Programs that it would need to record media, or a page. @default - it has all, or does not say */
  readonly lacks?: Readonly<Record<'media' | 'page', readonly string[]>> | undefined;
  /** Jobs that run there. */
  readonly egress: number;
  readonly ingress: number;
}

/** A worker of agents, as it was seen last. */
export interface AgentWorkerLoad {
  readonly id: string;
  /** A JobType of the protocol. */
  readonly type: number;
  readonly agentName: string;
  readonly deployment: string;
  /** 0 to 1 */
  readonly load: number;
  /** Why it gets no job now, for people. @default - it may get one */
  readonly whyNot?: string | undefined;
}

/** The workers of agents that are connected to a node. */
export interface AgentLoad {
  /** Not all of very many. */
  readonly workers: readonly AgentWorkerLoad[];
  /** How many there are besides. */
  readonly more: number;
}

/** The figures that placement, scaling and people go by. */
export interface NodeLoad {
  /** CPU cores that the node has for itself. */
  readonly cpus: number;
  /** Share of those in use, 0 to 1, over the last seconds. */
  readonly cpuLoad: number;
  /** Load average of the last minute for each core. */
  readonly sysLoad: number;
  readonly rooms: number;
  readonly clients: number;
  /** Published to this node. */
  readonly tracksIn: number;
  /** Sent by this node: subscriptions. */
  readonly tracksOut: number;
  /** In and out, bytes a second, over the last seconds. */
  readonly bytesPerSec: number;
  /** Bytes a second that the machine's network carries; 0: not known. */
  readonly bytesPerSecLimit: number;
  /** File descriptors. */
  readonly descriptors: Usage;
  /** Bytes of the disk that jobs write to. */
  readonly disk: Usage;
  /** Bytes. */
  readonly memory: Usage;
  /** TURN allocations on this node, whosever Room they are for. */
  readonly turnAllocations: number;
  /**
   * Participants whose media comes here through the TURN server of another node, for each node that
   * drains. Undefined: it is of a version that does not say.
   */
  readonly relayedBy?: Readonly<Record<string, number>> | undefined;
  /** CPU cores that the ledger has promised to Rooms and jobs. */
  readonly reservedCpus: number;
  /** Whether one of the limits of `limit` is reached. */
  readonly limitReached: boolean;
  /** Undefined: it runs no jobs, or is of a version that knows none. */
  readonly jobs?: JobLoad | undefined;
  /** CPU cores that jobs need which a Master Node refused lately, less with time. @default 0 */
  readonly refusedCpus?: number | undefined;
  /** Rooms that a Master Node found no node for lately, and that have none yet. @default 0 */
  readonly unplacedRooms?: number | undefined;
  /** Undefined: it takes no workers of agents, or is of a version that knows none. */
  readonly agents?: AgentLoad | undefined;
}

/**
 * What a drain waits for beside Rooms: `agent` is a job of an agent that the node runs, `agent_worker` a
 * worker that it has started, with all that this one does; `livekit_...` is LiveKit's own service on
 * its machine, with all of its jobs.
 */
export const LEFT_KINDS = [
  'egress',
  'ingress',
  'agent',
  'agent_worker',
  'livekit_egress',
  'livekit_ingress',
] as const;
export type LeftKind = (typeof LEFT_KINDS)[number];

/** How a drain is going, in its node's record. */
export interface DrainProgress {
  /** The order that it obeys. */
  readonly orderId: string;
  readonly roomsLeft: number;
  readonly participantsLeft: number;
  readonly turnAllocationsLeft: number;
  /** @default - none */
  readonly jobsLeft?: number | undefined;
  /** Of them, each kind that there is. @default - none, or the node is of a version that does not say */
  readonly jobsLeftByKind?: Readonly<Partial<Record<LeftKind, number>>> | undefined;
  /** Rooms moved to other nodes so far. */
  readonly roomsMoved: number;
  /** What holds it up, for people: "no other Media Node serves". Empty: nothing. */
  readonly obstacle: string;
  /** Whether the deadline has passed without it being empty. */
  readonly overdue: boolean;
}

/** What a node says of itself with each heartbeat. */
export interface NodeRecord {
  /** `ND_...`; a new one with each start of the process. */
  readonly id: string;
  readonly role: NodeRole;
  readonly state: NodeState;
  /** Of the program. */
  readonly version: string;
  /** Of what is spoken over the node link. Nodes of another one are not used. */
  readonly linkProtocol: number;
  /** Of a Media Node. */
  readonly link?: LinkAddress | undefined;
  /** Where it offers ICE, inner addresses too: TURN servers of the cluster relay to there. */
  readonly mediaAddresses?: readonly string[] | undefined;
  /** Of its TURN server, where it has one. */
  readonly relay?: RelayRange | undefined;
  /** Where its TURN server takes what Master Nodes have ended TLS of; undefined: nowhere. */
  readonly turnTls?: LinkAddress | undefined;
  /** The name of its machine in the group that the controller scales; empty where there is none. */
  readonly machineId: string;
  readonly region: string;
  /** Of the cluster's announced configuration; 0: started without one. */
  readonly configVersion: number;
  /** ms since 1970, by the node's own clock. */
  readonly startedAtMs: number;
  readonly load: NodeLoad;
  readonly drain?: DrainProgress | undefined;
}

/** What happens to Rooms that are left when a drain's time is up. */
export type OnDeadline = 'force' | 'keep';

/** An order to drain a node. It stands in the registry until the node is gone or it is cancelled. */
export interface DrainOrder {
  readonly id: string;
  /** For people and the audit: "scale-in", "sluice drain", "SIGTERM". */
  readonly reason: string;
  /** Until then Rooms may end by themselves; ms since 1970 by the registry's clock. */
  readonly patienceUntilMs: number;
  /** Empty by then; ms since 1970 by the registry's clock. */
  readonly deadlineMs: number;
  readonly onDeadline: OnDeadline;
  /** What the node does once it is empty: end, for its machine to start it anew. @default - it stays */
  readonly afterwards?: 'restart' | undefined;
  /** Why it cannot be cancelled, such as "the cloud has been told to terminate the machine". */
  readonly final?: string | undefined;
}

/** A node as the registry knows it. */
export interface RegisteredNode {
  readonly record: NodeRecord;
  /** ms since its last heartbeat, by the registry's clock. */
  readonly seenAgoMs: number;
  readonly order?: DrainOrder | undefined;
}

/** Every so often a node says that it is there, in ms. */
export const HEARTBEAT_MS = 2000;
/** A node that has said nothing for so long has missed a heartbeat: it may be gone, in ms. */
export const LATE_MS = 3000;
/** A node that has said nothing for so long is given nothing new, in ms. */
export const STALE_MS = 5000;

/** What counts for others: an order drains a node before the node has heard of it. */
export function stateOf({ record, order }: RegisteredNode): NodeState {
  return order !== undefined && record.state === 'serving' ? 'draining' : record.state;
}

export const isLate = ({ seenAgoMs }: RegisteredNode): boolean => seenAgoMs > LATE_MS;
export const isStale = ({ seenAgoMs }: RegisteredNode): boolean => seenAgoMs > STALE_MS;
