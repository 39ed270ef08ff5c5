/** Which machines a load needs, and what they cost. Pure. */
import { type Costs, coresOfNode, errorOf, slower } from './costs';
import { type MonthlyUsd, monthlyUsd } from './monthly-cost';
import type { Cloud, CloudPrices, Machine, Prices, RegionPrices } from './prices';
import { type Fit, fitOf, type Limit, largestRoom } from './room-fit';
import { type RoomShape, type Traffic, timesTraffic, trafficOfRoom } from './traffic';

export interface PlanQuestion {
  readonly rooms: number;
  readonly room: RoomShape;
  readonly clouds: readonly Cloud[];
  /** Of the one cloud that is asked for. @default - the first of each */
  readonly region?: string | undefined;
  /** Only this type of machine. @default - all that there are prices of */
  readonly machine?: string | undefined;
  /** 0: a Single Node; 1: Elastic; more: High Availability. */
  readonly masters: number;
  /** Load that Media Nodes are kept below, 0 to 1. */
  readonly targetLoad: number;
  /** So many more Rooms find place at any time. */
  readonly headroomRooms: number;
  /** Hours a month in which this is the load; in the others there is none. */
  readonly hours: number;
  /** How long a participant stays, seconds. */
  readonly staySeconds: number;
  readonly costs: Costs;
  readonly prices: Prices;
  /** Of the machines, against that of `costs`: 1.2 where a packet costs a fifth more. */
  readonly factor: number;
}

/** Media Nodes by the measured costs, and by costs that are as wrong as the worst prediction was. */
export interface Bounds {
  readonly low: number;
  readonly expected: number;
  /** Infinity: a Room may be larger than the machine. */
  readonly high: number;
}

export interface Candidate {
  readonly cloud: Cloud;
  readonly region: string;
  readonly machine: Machine;
  readonly nodes: Bounds;
  readonly roomsOfNode: number;
  /** What there is too little of for one more Room. */
  readonly limit: Limit;
  /** Mean load of the Media Nodes, 0 to 1. */
  readonly load: { readonly cpu: number; readonly network: number; readonly memory: number };
  readonly usd: MonthlyUsd;
  /** Together, with as few and as many nodes as may be needed. */
  readonly usdBounds: Bounds;
}

/** A machine on which a Room does not fit, or as a Single Node not all of them. */
export interface TooSmall {
  readonly cloud: Cloud;
  readonly machine: Machine;
  readonly limit: Limit;
  /** Rooms below the target, and at most; 0: not even one. */
  readonly rooms: { readonly atTarget: number; readonly full: number };
  /** The largest Room of the kind that fits. */
  readonly largest: RoomShape | undefined;
}

export interface Plan {
  readonly traffic: Traffic;
  /** Cheapest first, by cloud. */
  readonly candidates: readonly Candidate[];
  readonly tooSmall: readonly TooSmall[];
  /** By how much the CPU may be more or less, 0.1 for 10 %. */
  readonly error: number;
}

export function planCluster(question: PlanQuestion): Plan {
  const { rooms, room, costs, prices, clouds } = question;
  const all = clouds.flatMap((cloud) => {
    const region = regionOf(prices[cloud], question.region);
    return region.machines
      .filter(({ type }) => question.machine === undefined || type === question.machine)
      .map((machine) => assess(question, cloud, region, machine));
  });
  return {
    traffic: timesTraffic(trafficOfRoom(room), rooms),
    candidates: all
      .filter((one) => 'nodes' in one)
      .sort(
        (a, b) =>
          clouds.indexOf(a.cloud) - clouds.indexOf(b.cloud) ||
          a.usd.together - b.usd.together ||
          a.machine.vcpus - b.machine.vcpus,
      ),
    tooSmall: all.filter((one) => 'largest' in one),
    error: errorOf(costs),
  };
}

/** @throws Error for a region without prices, as callers check it before. */
export function regionOf(cloud: CloudPrices, region = cloud.defaultRegion): RegionPrices {
  const found = cloud.regions.find((one) => one.region === region);
  if (found === undefined) throw new Error(`there are no prices of ${region}`);
  return found;
}

function assess(
  question: PlanQuestion,
  cloud: Cloud,
  region: RegionPrices,
  machine: Machine,
): Candidate | TooSmall {
  const { factor, costs, rooms, room } = question;
  const error = errorOf(costs);
  const fitAt = (times: number): Fit => fitOf({ ...question, machine, factor: factor * times });
  const fit = fitAt(1);
  const expected = nodesFor(question, fit);
  // A Single Node is one machine.
  if (!Number.isFinite(expected) || (question.masters === 0 && expected > 1)) {
    const largest = fit.full > 0 ? room : largestRoom({ ...question, machine });
    const { limit, atTarget, full } = fit;
    return { cloud, machine, limit, rooms: { atTarget, full }, largest };
  }
  const nodes = {
    low: nodesFor(question, fitAt(1 - error)),
    expected,
    high: nodesFor(question, fitAt(1 + error)),
  };
  const { traffic, cores, bytes } = fit.use;
  const bits = Math.max(traffic.bitsInPerSecond, traffic.bitsOutPerSecond);
  const usdOf = (count: number): MonthlyUsd =>
    monthlyUsd({
      cloud: question.prices[cloud],
      region,
      machine,
      nodes: count,
      masters: question.masters,
      hours: question.hours,
      bitsOutPerSecond: rooms * traffic.bitsOutPerSecond,
    });
  const usd = usdOf(expected);
  const each = rooms / expected;
  return {
    cloud,
    region: region.region,
    machine,
    nodes,
    roomsOfNode: roomsOfNode(fit),
    limit: fit.limit,
    load: {
      cpu: (coresOfNode(slower(costs.cpu, factor)) + each * cores) / machine.vcpus,
      network: (each * bits) / (machine.networkGbps * 1e9),
      memory: (costs.memory.nodeBytes + each * bytes) / (machine.memoryGib * 1024 ** 3),
    },
    usd,
    usdBounds: {
      low: usdOf(nodes.low).together,
      expected: usd.together,
      high: Number.isFinite(nodes.high) ? usdOf(nodes.high).together : Number.POSITIVE_INFINITY,
    },
  };
}

/** A Room that is too large for the target, and fits, has a node for itself. */
const roomsOfNode = ({ atTarget, full }: Fit): number => Math.max(atTarget, Math.min(1, full));

/** Enough to stay below the target, and to take as many Rooms more as are kept free. */
function nodesFor({ rooms, headroomRooms }: PlanQuestion, fit: Fit): number {
  if (fit.full === 0) return Number.POSITIVE_INFINITY;
  return Math.max(
    1,
    Math.ceil(rooms / roomsOfNode(fit)),
    Math.ceil((rooms + headroomRooms) / fit.full),
  );
}
