/** What a cluster costs a month. Pure. */
import { DEPLOYMENT_DEFAULTS } from '../contract';
import { type CloudPrices, type Machine, type RegionPrices, trafficUsd } from './prices';

/** As clouds count it. */
export const HOURS_OF_MONTH = 730;

/** USD a month. */
export interface MonthlyUsd {
  readonly mediaNodes: number;
  readonly masterNodes: number;
  readonly traffic: number;
  readonly loadBalancer: number;
  readonly redis: number;
  /** Addresses, disks, secrets. */
  readonly rest: number;
  readonly together: number;
}

export interface MonthlyQuestion {
  readonly cloud: CloudPrices;
  readonly region: RegionPrices;
  /** Of the Media Nodes. */
  readonly machine: Machine;
  /** Media Nodes while there is load. */
  readonly nodes: number;
  /** 0: a Single Node; 1: Elastic; more: High Availability. */
  readonly masters: number;
  /** Hours a month with load; in the others the minimum of Media Nodes runs. */
  readonly hours: number;
  readonly bitsOutPerSecond: number;
}

export function monthlyUsd(question: MonthlyQuestion): MonthlyUsd {
  const { cloud, region, machine, nodes, masters, hours, bitsOutPerSecond } = question;
  const least = Math.min(nodes, DEPLOYMENT_DEFAULTS.minCapacity);
  const nodeHours = nodes * hours + least * (HOURS_OF_MONTH - hours);
  const hasBalancer = masters > 1 || cloud.balancerWhenElastic;
  const always = HOURS_OF_MONTH * (masters + (hasBalancer ? cloud.balancerAddresses : 0));
  // The one Master Node of Elastic has a disk for what Redis keeps.
  const disks = nodeHours / HOURS_OF_MONTH + masters + (masters === 1 ? 1 : 0);
  const parts = {
    mediaNodes: nodeHours * machine.usdPerHour,
    masterNodes: masters * HOURS_OF_MONTH * region.masterUsdPerHour,
    traffic: trafficUsd(region.trafficOut, ((bitsOutPerSecond / 8) * 3600 * hours) / 1e9),
    loadBalancer: hasBalancer ? HOURS_OF_MONTH * region.loadBalancerUsdPerHour : 0,
    redis: masters > 1 ? region.redisUsdPerMonth : 0,
    rest:
      (always + nodeHours) * region.addressUsdPerHour +
      disks * DEPLOYMENT_DEFAULTS.diskGib * region.diskUsdPerGibMonth +
      region.smallThingsUsdPerMonth,
  };
  return { ...parts, together: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
