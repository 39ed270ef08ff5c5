import { HEARTBEAT_MS, type RegisteredNode } from './node-record';
import { coresOf, type LedgerConfig } from './placement-load';
import type { RecentPlacement } from './registry';
import {
  roomsThatFit,
  roomsThatFitEmpty,
  SCALE_IN,
  type ScalingConfig,
  type ScalingState,
  type Stock,
  type StockOptions,
  scalingLoad,
  takeStock,
} from './scaling-stock';
import { isTestCall } from './test-calls';

export { SCALE_IN, type ScalingState } from './scaling-stock';

/** A node is taken away only where the rest stays below this share of the target. */
const SHRINK_BELOW = 0.8;
/** At most this share of the serving nodes is taken away at a time, and always one may be. */
const SHRINK_SHARE = 0.25;

export interface ScalingQuestion extends StockOptions {
  readonly scaling: ScalingConfig;
  readonly ledger: LedgerConfig;
  /** Rooms that were placed lately, of which nodes may not have told yet. @default none */
  readonly recent?: readonly RecentPlacement[] | undefined;
  /** Rooms that found no node that would take them, lately. @default 0 */
  readonly unplaced?: number | undefined;
  /** CPU cores that jobs need which wait for a node. @default 0 */
  readonly waitingCpus?: number | undefined;
  /** CPU cores that jobs need which were refused lately, and may be asked for again. @default 0 */
  readonly refusedCpus?: number | undefined;
}

/** What a decision was made from, for people and metrics. */
export interface ScalingFigures {
  readonly serving: number;
  readonly coming: number;
  readonly leaving: number;
  /**
   * Load of the serving nodes, by their cores, with that of the leaving ones on top: it is to go
   * somewhere. 0 where none serves.
   */
  readonly meanLoad: number;
  /** How many more Rooms fit the serving nodes right now; may be Infinity. */
  readonly roomsThatFit: number;
}

export type ScalingAction =
  | { readonly action: 'none' }
  /** Start so many machines. */
  | { readonly action: 'grow'; readonly count: number }
  /** Order these to drain, with the reason `SCALE_IN`; terminate their machines when empty. */
  | { readonly action: 'shrink'; readonly nodeIds: readonly string[] }
  /** Cancel the drain of these: they are needed again. */
  | { readonly action: 'undrain'; readonly nodeIds: readonly string[] }
  /** Terminate these machines: no node has run on them for long. */
  | { readonly action: 'remove'; readonly machineIds: readonly string[] };

export type ScalingDecision = ScalingAction & {
  /** A sentence for people and the audit. */
  readonly reason: string;
  readonly figures: ScalingFigures;
  readonly nextState: ScalingState;
};

type Outcome = ScalingAction & { readonly reason: string; readonly lowSinceMs?: number };

/**
 * Whether the group of Media Nodes is to grow or to shrink.
 *
 * Grows at once, as callers wait; shrinks only after the load has allowed it for `scale_in_after`
 * without a break, and never so far that it would grow again under the same load.
 */
export function decideScaling(question: ScalingQuestion): ScalingDecision {
  const stock = takeStock(question);
  const figures = figuresOf(stock, question.ledger);
  const { lowSinceMs, ...outcome } = outcomeOf(question, stock, figures);
  return { ...outcome, figures, nextState: { lowSinceMs, machines: stock.machines } };
}

function outcomeOf(question: ScalingQuestion, stock: Stock, figures: ScalingFigures): Outcome {
  const { min_nodes, max_nodes } = question.scaling;
  const ended = beyondMaximum(question, stock);
  if (ended !== undefined) return ended;
  const need = needOf(question, stock, figures);
  const grown = need.count > 0 ? growing(need, stock, Math.max(min_nodes, max_nodes)) : undefined;
  if (grown !== undefined && grown.action !== 'none') return grown;
  // After growing: whatever keeps a node from being seen, others should serve by then.
  if (stock.lost.length > 0) {
    const reason = `no node has run on ${stock.lost.join(', ')} for 10 minutes`;
    return { action: 'remove', machineIds: stock.lost, reason };
  }
  if (grown !== undefined) return grown;
  return shrinking(question, stock, figures);
}

interface Need {
  readonly count: number;
  readonly reason: string;
}

/** How many more nodes are needed than serve and come, and what for. */
function needOf(
  { scaling, ledger, unplaced = 0, waitingCpus = 0, refusedCpus = 0 }: ScalingQuestion,
  { serving, coming }: Stock,
  figures: ScalingFigures,
): Need {
  const supply = serving.length + coming;
  const needs: Need[] = [
    {
      count: scaling.min_nodes - supply,
      reason: `${supply} nodes serve or start, fewer than min_nodes, ${scaling.min_nodes}`,
    },
  ];
  const { meanLoad } = figures;
  if (meanLoad > scaling.target_load) {
    needs.push({
      count: Math.ceil((serving.length * meanLoad) / scaling.target_load) - supply,
      reason: `load ${figure(meanLoad)} of ${serving.length} nodes is above target_load, ${scaling.target_load}`,
    });
  }
  const fitsEach = mean(serving.map(({ record }) => roomsThatFitEmpty(record.load, ledger)));
  // Where no Room fits an empty node, more nodes do not help.
  if (fitsEach >= 1) {
    const fits = figures.roomsThatFit + coming * fitsEach;
    needs.push({
      count: Math.ceil((scaling.headroom_rooms - fits) / fitsEach),
      reason: `${figures.roomsThatFit} more Rooms fit, fewer than headroom_rooms, ${scaling.headroom_rooms}`,
    });
  }
  if (unplaced > 0) {
    needs.push({
      // While none serves, nobody knows how many fit one: one, and then its load shows.
      count:
        serving.length === 0 ? 1 - coming : Math.ceil(unplaced / Math.max(1, fitsEach)) - coming,
      reason: `${unplaced} ${unplaced === 1 ? 'Room' : 'Rooms'} found no node`,
    });
  }
  const coresEach = mean(serving.map(({ record }) => coresOf(record.load))) || 1;
  for (const [cpus, what] of [
    [waitingCpus, 'wait for a node'],
    [refusedCpus, 'were refused lately'],
  ] as const) {
    if (cpus <= 0) continue;
    needs.push({
      // Those that serve have not taken them.
      count: Math.ceil(cpus / coresEach) - coming,
      reason: `jobs that need ${figure(cpus)} CPU cores ${what}`,
    });
  }
  return needs.reduce((most, one) => (one.count > most.count ? one : most));
}

function growing({ count, reason }: Need, stock: Stock, maxNodes: number): Outcome {
  const { leaving, total, removable } = stock;
  const back = leaving
    .filter(({ record }) => removable.has(record.machineId))
    .filter(({ order }) => order?.reason === SCALE_IN && order.final === undefined)
    .sort((a, b) => b.record.load.clients - a.record.load.clients)
    // Those beyond max_nodes leave for that, and not for want of load.
    .slice(0, Math.max(0, Math.min(count, maxNodes - (total - leaving.length))))
    .map(({ record }) => record.id);
  if (back.length > 0) {
    return { action: 'undrain', nodeIds: back, reason: `${reason}: the drain is cancelled` };
  }
  const possible = Math.min(count, maxNodes - total);
  if (possible <= 0) {
    return { action: 'none', reason: `${reason}, but there are max_nodes, ${maxNodes}, already` };
  }
  return { action: 'grow', count: possible, reason };
}

/** max_nodes was lowered: whatever the load, the cheapest nodes beyond it leave, at once. */
function beyondMaximum(question: ScalingQuestion, stock: Stock): Outcome | undefined {
  const { min_nodes, max_nodes } = question.scaling;
  const excess = stock.total - stock.leaving.length - Math.max(min_nodes, max_nodes);
  const count = Math.min(excess, stock.serving.length - min_nodes);
  const nodes = removableOf(question, stock).slice(0, Math.max(0, count));
  if (nodes.length === 0) return undefined;
  const reason = `there are ${excess} nodes more than max_nodes, ${max_nodes}`;
  return { action: 'shrink', nodeIds: nodes.map(({ record }) => record.id), reason };
}

/** The serving nodes of the group, the cheapest to empty first. */
const removableOf = (
  { recent }: ScalingQuestion,
  { serving, removable }: Stock,
): RegisteredNode[] =>
  cheapestToEmpty(
    serving.filter(({ record }) => removable.has(record.machineId)),
    recent,
  );

function shrinking(question: ScalingQuestion, stock: Stock, figures: ScalingFigures): Outcome {
  const { scaling, nowMs, state } = question;
  const { serving, leaving, coming } = stock;
  const spare = serving.length - scaling.min_nodes;
  if (coming > 0) return { action: 'none', reason: `${coming} nodes are starting` };
  const underWay = leaving.filter(
    ({ record, order }) => order?.reason === SCALE_IN && record.drain?.overdue !== true,
  );
  if (underWay.length > 0) return { action: 'none', reason: 'a node is being drained already' };
  const most = Math.min(spare, Math.max(1, Math.floor(serving.length * SHRINK_SHARE)));
  let nodes = removableOf(question, stock).slice(0, Math.max(0, most));
  while (nodes.length > 0 && !canSpare(nodes, question, stock)) nodes = nodes.slice(0, -1);
  if (nodes.length === 0) {
    return { action: 'none', reason: `as many nodes as needed: ${inWords(figures)}` };
  }
  const lowSinceMs = state.lowSinceMs ?? nowMs;
  if (nowMs - lowSinceMs < scaling.scale_in_after) {
    const reason = `${inWords(figures)}: fewer nodes would do, for less than scale_in_after so far`;
    return { action: 'none', reason, lowSinceMs };
  }
  const reason = `${inWords(figures)}: the rest stays below target_load, ${scaling.target_load}`;
  return { action: 'shrink', nodeIds: nodes.map(({ record }) => record.id), reason };
}

/** Whether the rest carries all, well below the target and with the headroom. */
function canSpare(
  nodes: readonly RegisteredNode[],
  { scaling, ledger }: ScalingQuestion,
  { serving, leaving }: Stock,
): boolean {
  const rest = serving.filter((one) => !nodes.includes(one));
  const load = meanLoadOf(rest, [...leaving, ...nodes]);
  if (rest.length === 0 || load >= SHRINK_BELOW * scaling.target_load) return false;
  if (ledger.room_cpu_cost === 0) return true;
  const fits = sum(rest.map(({ record }) => roomsThatFit(record.load, ledger)));
  const moving = loadCores([...leaving, ...nodes]) / ledger.room_cpu_cost;
  // They will not spread without a loss: half a Room on each node is of no use.
  return fits - moving - rest.length > scaling.headroom_rooms;
}

/**
 * Nodes by what it takes to empty them, the cheapest first: those with an old configuration, which
 * have to go in any case, then those with the fewest participants, then Rooms, then the youngest. A Room that was placed since
 * a node last told of itself counts as one with one participant: it may just have been moved there;
 * unless it is that of a test call, which nobody misses.
 */
export function cheapestToEmpty(
  nodes: readonly RegisteredNode[],
  recent: readonly RecentPlacement[] = [],
): RegisteredNode[] {
  const newest = Math.max(...nodes.map(({ record }) => record.configVersion));
  const costs = (node: RegisteredNode): number[] => {
    const { configVersion, load, startedAtMs } = node.record;
    const untold = recent.filter((one) => !isTestCall(one.room) && isUntold(one, node)).length;
    return [
      configVersion < newest ? 0 : 1,
      load.clients + untold,
      load.rooms + untold,
      load.turnAllocations,
      -startedAtMs,
    ];
  };
  return [...nodes].sort((a, b) => {
    const [ofA, ofB] = [costs(a), costs(b)];
    const differing = ofA.findIndex((cost, index) => cost !== ofB[index]);
    if (differing < 0) return a.record.id < b.record.id ? -1 : 1;
    return (ofA[differing] ?? 0) - (ofB[differing] ?? 0);
  });
}

/** Placed since it last told of itself, or while it measured what it told. */
const isUntold = ({ nodeId, agoMs }: RecentPlacement, { record, seenAgoMs }: RegisteredNode) =>
  nodeId === record.id && agoMs <= seenAgoMs + HEARTBEAT_MS;

function figuresOf({ serving, leaving, coming }: Stock, ledger: LedgerConfig): ScalingFigures {
  return {
    serving: serving.length,
    coming,
    leaving: leaving.length,
    meanLoad: meanLoadOf(serving, leaving),
    roomsThatFit: sum(serving.map(({ record }) => roomsThatFit(record.load, ledger))),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const mean = (numbers: readonly number[]): number =>
  numbers.length === 0 ? 0 : sum(numbers) / numbers.length;
const loadCores = (nodes: readonly RegisteredNode[]): number =>
  sum(nodes.map(({ record }) => scalingLoad(record.load) * coresOf(record.load)));

function meanLoadOf(
  carrying: readonly RegisteredNode[],
  moving: readonly RegisteredNode[],
): number {
  const cores = sum(carrying.map(({ record }) => coresOf(record.load)));
  return cores === 0 ? 0 : loadCores([...carrying, ...moving]) / cores;
}

const figure = (value: number): string => String(Number(value.toFixed(2)));
const inWords = ({ serving, meanLoad, roomsThatFit: fits }: ScalingFigures): string =>
  `load ${figure(meanLoad)} of ${serving} nodes, ${fits} more Rooms fit`;
