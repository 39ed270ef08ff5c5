import type { SluiceConfig } from '../contract';
import type { GroupDescription, GroupMachine } from './node-group';
import { isStale, type NodeLoad, type RegisteredNode, stateOf } from './node-record';
import { coresOf, type LedgerConfig } from './placement-load';

export type ScalingConfig = SluiceConfig['sluice']['scaling'];

/** What holds of a group: what it says itself, and the configuration for the rest. */
export function scalingOf(
  config: ScalingConfig,
  { limits, scaling }: Pick<GroupDescription, 'limits' | 'scaling'>,
): ScalingConfig {
  return {
    ...config,
    min_nodes: limits?.min ?? config.min_nodes,
    max_nodes: limits?.max ?? config.max_nodes,
    target_load: scaling?.targetLoad ?? config.target_load,
    headroom_rooms: scaling?.headroomRooms ?? config.headroom_rooms,
  };
}

/** `reason` of the orders to drain that follow from `decideScaling`; only those are cancelled again. */
export const SCALE_IN = 'scale-in';

/** A Room fits a node while its load stays below this share: from there on it is taken last. */
const FULL_LOAD = 0.9;
/** So much of its memory a node can use before it is taken last. */
const FULL_MEMORY = 0.95;
/** A machine that starts has so long to bring up its node, in ms. */
const START_MS = 600_000;
/** A machine that had a node, and has none for so long, is replaced, in ms: the node restarts sooner. */
const REPLACE_MS = 30_000;
/**
 * A machine that has no node for so long is removed, in ms. Much later than it is replaced: it may be
 * cut off from the registry only, and carry calls.
 */
const LOST_MS = 600_000;

/** What is remembered of a machine of the group. */
interface MachineMemory {
  readonly hadNode: boolean;
  /** By the caller's clock; undefined: it has a node. */
  readonly withoutNodeSinceMs?: number | undefined;
}

/** Given back with each decision, to be passed in with the next. Empty at first. */
export interface ScalingState {
  /** Since when the load allows it to take a node away, by the caller's clock. */
  readonly lowSinceMs?: number | undefined;
  readonly machines?: Readonly<Record<string, MachineMemory>> | undefined;
}

export interface StockOptions {
  /** All that the registry knows, and those that are reached without it: stale ones may be alive. */
  readonly nodes: readonly RegisteredNode[];
  readonly group: GroupDescription;
  /** Monotonic, or the registry's clock. */
  readonly nowMs: number;
  readonly state: ScalingState;
}

/** The Media Nodes by what becomes of them. */
export interface Stock {
  readonly serving: readonly RegisteredNode[];
  /** Draining or drained, or their machines are ending. They are no capacity. */
  readonly leaving: readonly RegisteredNode[];
  /** Machines that will have a serving node, asked for or starting, and nodes that start. */
  readonly coming: number;
  /** Nodes and machines that there are or are asked for, those that leave included. */
  readonly total: number;
  /** Ids of machines that are not expected to have a node ever again: none is known to live there. */
  readonly lost: readonly string[];
  /** Ids of the machines that can be taken away one by one. */
  readonly removable: ReadonlySet<string>;
  readonly machines: Readonly<Record<string, MachineMemory>>;
}

export function takeStock({ nodes, group, nowMs, state }: StockOptions): Stock {
  const stopping = idsOf(group.machines.filter((machine) => machine.state === 'stopping'));
  const live = group.machines.filter((machine) => machine.state !== 'stopping');
  const removable = idsOf(live);
  const media = nodes.filter((node) => node.record.role === 'media' && !isStale(node));
  const isServing = (node: RegisteredNode): boolean =>
    stateOf(node) === 'serving' && !stopping.has(node.record.machineId);
  const serving = media.filter(isServing);
  const starting = media.filter((node) => stateOf(node) === 'starting');
  const leaving = media.filter((node) => !isServing(node) && !starting.includes(node));
  const withNode = new Set([...serving, ...leaving].map(({ record }) => record.machineId));
  const machines: Record<string, MachineMemory> = {};
  for (const { id } of live) {
    const before = state.machines?.[id];
    machines[id] = withNode.has(id)
      ? { hadNode: true }
      : {
          hadNode: before?.hadNode ?? false,
          withoutNodeSinceMs: before?.withoutNodeSinceMs ?? nowMs,
        };
  }
  const waiting = live.filter(({ id }) => !withNode.has(id));
  const waitedMs = ({ id }: GroupMachine): number =>
    nowMs - (machines[id]?.withoutNodeSinceMs ?? nowMs);
  const patienceMs = (machine: GroupMachine): number =>
    // Whoever decides for the first time has not seen the node of an old machine.
    machines[machine.id]?.hadNode ||
    machine.hasFailed === true ||
    machine.ageMs - waitedMs(machine) > START_MS
      ? REPLACE_MS
      : START_MS;
  // A node that is silent to the registry is dead only where it is not reached either.
  const isKnown = ({ id }: GroupMachine): boolean =>
    nodes.some(({ record }) => record.role === 'media' && record.machineId === id);
  // Machines that a person started, without a group.
  const isOutside = ({ record }: RegisteredNode): boolean =>
    !group.machines.some(({ id }) => id === record.machineId);
  const outside = media.filter(isOutside);
  return {
    serving,
    leaving,
    coming:
      waiting.filter((machine) => waitedMs(machine) < patienceMs(machine)).length +
      Math.max(0, group.wanted - live.length) +
      starting.filter(isOutside).length,
    total: Math.max(group.wanted, live.length) + outside.length,
    lost: waiting
      .filter((machine) => waitedMs(machine) >= LOST_MS && !isKnown(machine))
      .map(({ id }) => id),
    removable,
    machines,
  };
}

const idsOf = (machines: readonly GroupMachine[]): ReadonlySet<string> =>
  new Set(machines.map(({ id }) => id));

/** Load of a node, 0 to 1 and above: the scarcest of CPU, network and promised cores. */
export function scalingLoad(load: NodeLoad): number {
  const { cpuLoad, bytesPerSec, bytesPerSecLimit, reservedCpus } = load;
  const network = bytesPerSecLimit > 0 ? bytesPerSec / bytesPerSecLimit : 0;
  return Math.max(cpuLoad, network, reservedCpus / coresOf(load));
}

/** How many more Rooms fit a node right now, before it is one that is taken last. */
export function roomsThatFit(load: NodeLoad, ledger: LedgerConfig): number {
  if (load.limitReached) return 0;
  const { memory, bytesPerSecLimit } = load;
  const free = FULL_LOAD - scalingLoad(load);
  const fits = [
    (free * coresOf(load)) / ledger.room_cpu_cost,
    bytesPerSecLimit > 0 ? (free * bytesPerSecLimit) / ledger.room_bandwidth_cost : Infinity,
    memory.limit > 0
      ? (FULL_MEMORY * memory.limit - memory.used) / ledger.room_memory_cost
      : Infinity,
  ];
  // Without a cost any number fits: 0 / 0 where nothing is free counts so too.
  const least = Math.min(...fits.map((rooms) => (Number.isNaN(rooms) ? Infinity : rooms)));
  // A little more, as 2.8 / 0.1 is less than 28 to a computer.
  return Math.max(0, Math.floor(least + 1e-6));
}

/** The same for a node of this kind that has nothing to do. */
export function roomsThatFitEmpty(load: NodeLoad, ledger: LedgerConfig): number {
  const empty = { cpuLoad: 0, bytesPerSec: 0, reservedCpus: 0, limitReached: false };
  return roomsThatFit({ ...load, ...empty, memory: { used: 0, limit: 0 } }, ledger);
}
