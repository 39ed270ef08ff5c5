/** How many Rooms of a kind a machine carries, and what of it is used up first. Pure. */
import {
  bytesOfTraffic,
  type Costs,
  type CpuCosts,
  coresOfNode,
  coresOfTraffic,
  slower,
} from './costs';
import type { Machine } from './prices';
import { type RoomShape, type Traffic, trafficOfRoom } from './traffic';

/** From here on a node is one that is taken last, as placement has it. */
export const FULL_LOAD = 0.9;
const FULL_MEMORY = 0.95;
/** The system itself, beside the node. */
const SYSTEM_BYTES = 400_000_000;
const GIB = 1024 ** 3;

/**
 * What ends first: cores, the network, memory; `worker` where what comes in of one Room, and goes on to
 * the other workers, is more than the one worker carries that has it.
 */
export type Limit = 'cpu' | 'network' | 'memory' | 'worker';

export interface FitQuestion {
  readonly room: RoomShape;
  readonly machine: Machine;
  readonly costs: Costs;
  /** Packets cost so many times what `costs` says: 1.2 for a fifth more. @default 1 */
  readonly factor?: number | undefined;
  /** Load that nodes are kept below, 0 to 1. */
  readonly targetLoad: number;
  /** How long a participant stays, seconds. */
  readonly staySeconds: number;
}

/** What one Room uses. */
export interface RoomUse {
  readonly traffic: Traffic;
  /** On how many workers it is, a core each; undefined where more of them would not help. */
  readonly workers: number | undefined;
  readonly cores: number;
  readonly bytes: number;
}

export interface Fit {
  /** Rooms of a node that stays below the target; 0: not even one. */
  readonly atTarget: number;
  /** Rooms of a node that is full; 0: a Room is larger than the machine. */
  readonly full: number;
  /** What there is too little of for one more Room below the target. */
  readonly limit: Limit;
  readonly use: RoomUse;
}

export function roomUse({ room, machine, costs, factor = 1, staySeconds }: FitQuestion): RoomUse {
  const traffic = trafficOfRoom(room);
  const joins = traffic.participants / staySeconds;
  const cpu = slower(costs.cpu, factor);
  const alone = coresOfTraffic(cpu, traffic, joins);
  const workers = workersOfRoom(cpu, traffic, alone, machine.vcpus);
  const { out, into } = coresOfPipe(cpu, traffic);
  return {
    traffic,
    workers,
    cores: alone + ((workers ?? 1) - 1) * (out + into),
    bytes: bytesOfTraffic(costs.memory, traffic),
  };
}

/**
 * Cores that it takes to bring all that is sent in a Room to one more worker, at its home and there.
 * They are not measured by themselves: less than for clients, as nothing is encrypted on the way.
 */
function coresOfPipe(cpu: CpuCosts, { received }: Traffic): { out: number; into: number } {
  return {
    out: (received * cpu.forwardedVideoPacket) / 1e6,
    into: (received * cpu.receivedPacket) / 1e6,
  };
}

/** The fewest workers that carry a Room, or all; undefined where its home could not feed so many. */
function workersOfRoom(
  cpu: CpuCosts,
  traffic: Traffic,
  alone: number,
  most: number,
): number | undefined {
  const { out, into } = coresOfPipe(cpu, traffic);
  for (let workers = 1; workers <= most; workers++) {
    const others = workers - 1;
    // What has to be done at home, however few receive from there.
    const home = (traffic.received * cpu.receivedPacket) / 1e6 + others * out;
    if (home > FULL_LOAD) {
      return undefined;
    }
    if (alone + others * (out + into) <= FULL_LOAD * workers) {
      return workers;
    }
  }
  return most;
}

/** How many of these Rooms the machine carries. */
export function fitOf(question: FitQuestion): Fit {
  const use = roomUse(question);
  const target = limitsOf(question, use, question.targetLoad);
  const full = limitsOf(question, use, FULL_LOAD);
  const [limit, atTarget] = least(target);
  const [fullLimit, fullRooms] = least(full);
  return { atTarget, full: fullRooms, limit: fullRooms === 0 ? fullLimit : limit, use };
}

function limitsOf(
  { machine, costs, factor = 1 }: FitQuestion,
  { traffic, workers, cores, bytes }: RoomUse,
  load: number,
): Readonly<Record<Limit, number>> {
  const node = coresOfNode(slower(costs.cpu, factor));
  const bits = Math.max(traffic.bitsInPerSecond, traffic.bitsOutPerSecond);
  const memory = FULL_MEMORY * machine.memoryGib * GIB - SYSTEM_BYTES - costs.memory.nodeBytes;
  return {
    worker: workers === undefined ? 0 : Number.POSITIVE_INFINITY,
    cpu: whole((machine.vcpus * load - node) / cores),
    network: whole((machine.networkGbps * 1e9 * load) / bits),
    memory: whole(memory / bytes),
  };
}

function least(limits: Readonly<Record<Limit, number>>): [Limit, number] {
  const order = ['worker', 'cpu', 'network', 'memory'] as const;
  const limit = order.reduce((a, b) => (limits[b] < limits[a] ? b : a));
  return [limit, limits[limit]];
}

/** A little more, as 2.8 / 0.1 is less than 28 to a computer. */
const whole = (rooms: number): number => Math.max(0, Math.floor(rooms + 1e-6));

/**
 * The largest Room of this kind that the machine carries: as many viewers, or where there are none as
 * many participants.
 *
 * @returns undefined where not even the smallest fits
 */
export function largestRoom(question: FitQuestion): RoomShape | undefined {
  const { room } = question;
  const grown = (count: number): RoomShape =>
    room.viewers > 0 ? { ...room, viewers: count } : { ...room, publishers: count };
  const fits = (count: number): boolean => fitOf({ ...question, room: grown(count) }).full > 0;
  let low = 0;
  let high = Math.max(room.viewers, room.publishers, 1) + 1;
  while (fits(high) && high < 1e6) high *= 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low === 0 ? undefined : grown(low);
}
