import type { SluiceConfig } from '../contract';
import type { NodeLoad, RegisteredNode } from './node-record';
import { RECENT_MS, type RecentPlacement } from './registry';

export type LedgerConfig = SluiceConfig['sluice']['ledger'];
export type SortKey = Exclude<SluiceConfig['node_selector']['sort_by'], 'random'>;

/** How long the load of a new Room does not show at all: joins, publishing, then a measurement. */
const UNSEEN_MS = 6000;
/** What a new Room is expected to grow to: a call of two, with sound and picture. */
const ROOM_CLIENTS = 2;
const ROOM_TRACKS = 4;

/** What a node is taken to carry: what it measured, and what was placed on it since. */
export interface ExpectedLoad extends Readonly<Record<SortKey, number>> {
  /** CPU cores promised, those of Rooms that the node's ledger cannot know yet included. */
  readonly reservedCpus: number;
  /** Of recent placements that count, each 0 to 1. */
  readonly recentRooms: number;
}

/** How much a placement still counts as load that is not measured: 1, then falling to 0. */
export function recentWeight(agoMs: number): number {
  return Math.min(1, Math.max(0, (RECENT_MS - agoMs) / (RECENT_MS - UNSEEN_MS)));
}

/** Cores to divide by. A record without any is bad input, and no reason to divide by 0. */
export const coresOf = ({ cpus }: Pick<NodeLoad, 'cpus'>): number => (cpus > 0 ? cpus : 1);

/**
 * Measured load is seconds old, and a hundred Rooms may be asked for in that time: each Room that was
 * placed lately counts with what it is expected to cost, less and less as its own load shows.
 */
export function expectedLoad(
  { record, seenAgoMs }: RegisteredNode,
  recent: readonly RecentPlacement[],
  ledger: LedgerConfig,
): ExpectedLoad {
  const { load } = record;
  const own = recent.filter(({ nodeId }) => nodeId === record.id);
  const rooms = own.reduce((sum, { agoMs }) => sum + recentWeight(agoMs), 0);
  // A heartbeat counts the Rooms there are, and the ledger has their reservations.
  const untold = own.filter(({ agoMs }) => agoMs <= seenAgoMs).length;
  const cpuShare = (rooms * ledger.room_cpu_cost) / coresOf(load);
  return {
    cpuload: load.cpuLoad + cpuShare,
    sysload: load.sysLoad + cpuShare,
    rooms: load.rooms + untold,
    clients: load.clients + rooms * ROOM_CLIENTS,
    tracks: load.tracksIn + load.tracksOut + rooms * ROOM_TRACKS,
    bytespersec: load.bytesPerSec + rooms * ledger.room_bandwidth_cost,
    reservedCpus: load.reservedCpus + untold * ledger.room_cpu_cost,
    recentRooms: rooms,
  };
}
