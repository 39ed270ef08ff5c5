import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import type { LogGroupOptions } from '../log-group';
import type { MachineOptions, MasterNodesOptions } from '../master-nodes-options';
import type { MediaNodesOptions } from '../media-nodes-options';
import type { Capacity } from '../media-scaling';
import { architectureOf, type NodeArchitecture } from '../node-architecture';
import { MOST_MASTERS } from './limits';
import { ALL_ZONES } from './public-address';
import type { Problems } from './validation';

/** The default machines. */
const SIZES = {
  master: { x86_64: 'Standard_F2s_v2', arm64: 'Standard_D2ps_v6' },
  media: { x86_64: 'Standard_F4s_v2', arm64: 'Standard_D4ps_v6' },
} as const;

/** The size that was given, or the default one of the architecture. */
export function sizeOf(
  role: keyof typeof SIZES,
  options: { readonly vmSize?: string; readonly architecture?: NodeArchitecture },
): string {
  return options.vmSize ?? SIZES[role][options.architecture === 'arm64' ? 'arm64' : 'x86_64'];
}

/** The zones that were given, or all. */
export function zonesOf({ zones }: MachineOptions): readonly string[] {
  return zones ?? ALL_ZONES;
}

/** What is wrong with what machines of any role take. */
export function checkMachines(
  options: MachineOptions & { readonly vmSize?: string },
  problems: Problems,
): void {
  const { vmSize, architecture, zones, diskSizeGib, creationTimeoutMinutes } = options;
  problems.matches(
    'vmSize',
    vmSize,
    /^(?:Standard|Basic)_[A-Za-z]+\d+[A-Za-z0-9_-]*$/,
    'a size of Azure such as Standard_F4s_v2',
  );
  problems.oneOf('architecture', architecture, ['x86_64', 'arm64']);
  problems.check(
    vmSize === undefined ||
      architecture === undefined ||
      typeof vmSize !== 'string' ||
      architectureOf(vmSize) === architecture,
    {
      what: 'vmSize and architecture',
      given: `${vmSize}, ${architecture}`,
      allowed: `sizes of ${architecture}`,
      fix: 'leave out architecture, or give a size of it',
    },
  );
  problems.check(
    zones === undefined ||
      (Array.isArray(zones) &&
        zones.every((zone) => /^[1-9]$/.test(zone)) &&
        new Set(zones).size === zones.length),
    {
      what: 'zones',
      given: JSON.stringify(zones),
      allowed: "zones of Azure by their number, such as ['1', '2'], each once",
      fix: 'give zones of the region, or [] where it has none',
    },
  );
  problems.integer('diskSizeGib', diskSizeGib, { min: 10, max: 4095 });
  problems.integer('creationTimeoutMinutes', creationTimeoutMinutes, {
    min: 5,
    max: 85,
    fix: 'Azure ends what waits for a machine after 90 minutes',
  });
}

/** What is wrong with Master Nodes. */
export function checkMasters(
  options: MasterNodesOptions & {
    readonly dataVolume?: { readonly sizeGib?: number };
    readonly publicAddressId?: unknown;
  },
  count: number,
  problems: Problems,
): void {
  checkMachines(options, problems);
  problems.integer('count', count, { min: 1, max: MOST_MASTERS });
  problems.integer('dataVolume.sizeGib', options.dataVolume?.sizeGib, { min: 4, max: 32_767 });
  problems.check(options.dataVolume === undefined || count === 1, {
    what: 'count and dataVolume',
    given: `count ${count} and dataVolume`,
    allowed: 'dataVolume with a count of 1',
    fix: 'leave out dataVolume, or give count 1',
  });
  problems.check(options.publicAddressId === undefined || count === 1, {
    what: 'count and publicAddressId',
    given: `count ${count} and publicAddressId`,
    allowed: 'publicAddressId with a count of 1',
    fix: 'leave out publicAddressId and put a load balancer in front, or give count 1',
  });
}

/** The limits that were given, or those by default. */
export function capacityOf(options: MediaNodesOptions): Capacity {
  const minCapacity = options.minCapacity ?? DEPLOYMENT_DEFAULTS.minCapacity;
  const most = Math.max(DEPLOYMENT_DEFAULTS.maxCapacity, minCapacity);
  return { minCapacity, maxCapacity: options.maxCapacity ?? most };
}

/** What is wrong with Media Nodes. */
export function checkMedia(options: MediaNodesOptions, problems: Problems): void {
  checkMachines(options, problems);
  const { minCapacity, maxCapacity } = capacityOf(options);
  const { initialCapacity, spot } = options;
  problems.integer('minCapacity', minCapacity, { min: 1, max: 1000 });
  problems.integer('maxCapacity', maxCapacity, { min: 1, max: 1000 });
  problems.ordered('minCapacity', minCapacity, 'maxCapacity', maxCapacity);
  problems.integer('initialCapacity', initialCapacity, { min: 1, max: 1000 });
  problems.ordered('minCapacity', minCapacity, 'initialCapacity', initialCapacity);
  problems.ordered('initialCapacity', initialCapacity, 'maxCapacity', maxCapacity);
  // A cluster has a Redis.
  options.jobs?._check({ vmSize: sizeOf('media', options), hasRedis: true }, problems);
  problems.integer('spot.onDemandBase', spot?.onDemandBase, { min: 0, max: 1000 });
  problems.integer('spot.percentage', spot?.percentage, { min: 1, max: 100 });
}

/** What is wrong with where the journal is sent to. */
export function checkLogGroup(
  { retentionDays }: Pick<LogGroupOptions, 'retentionDays'>,
  problems: Problems,
): void {
  problems.integer('logGroup.retentionDays', retentionDays, { min: 4, max: 730 });
}
