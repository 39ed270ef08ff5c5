import type { NodeRole, NodeState, RegisteredNode, Usage } from './node-record';
import { isLate, isStale, stateOf } from './node-record';
import { coresOf, type ExpectedLoad, type LedgerConfig, type SortKey } from './placement-load';

/** Above this share of its descriptors a node refuses clients. */
const DESCRIPTOR_LIMIT = 0.9;
/** Above this share of its memory a node is near its end. */
const MEMORY_LIMIT = 0.95;

/** Why a node cannot be given a Room at all. */
export type HardReason =
  | { readonly kind: 'role'; readonly role: NodeRole }
  | { readonly kind: 'left-out' }
  | { readonly kind: 'stale'; readonly seenAgoMs: number }
  | {
      readonly kind: 'state';
      readonly state: Exclude<NodeState, 'serving'>;
      /** Of the order to drain; empty: there is none. */
      readonly order: string;
    }
  | { readonly kind: 'link-protocol'; readonly theirs: number; readonly ours: number }
  | { readonly kind: 'no-link' };

/** Why a node is taken last. */
export type SoftReason =
  | { readonly kind: 'cpu-load'; readonly load: number; readonly limit: number }
  | { readonly kind: 'sys-load'; readonly load: number; readonly limit: number }
  | { readonly kind: 'ledger-full'; readonly reservedCpus: number; readonly cpus: number }
  | { readonly kind: 'disk'; readonly share: number; readonly limit: number }
  | { readonly kind: 'memory'; readonly share: number; readonly limit: number }
  | { readonly kind: 'descriptors'; readonly share: number; readonly limit: number }
  | { readonly kind: 'limit-reached' }
  | { readonly kind: 'late'; readonly seenAgoMs: number };

/** How a node compares with the others that could be had. */
export type OrderReason =
  | { readonly kind: 'farther'; readonly region: string; readonly chosen: string }
  | {
      readonly kind: 'more';
      readonly sortBy: SortKey;
      readonly value: number;
      readonly best: number;
    }
  | { readonly kind: 'equal'; readonly sortBy: SortKey; readonly value: number }
  | { readonly kind: 'not-drawn' }
  | { readonly kind: 'chance' }
  | { readonly kind: 'least'; readonly sortBy: SortKey; readonly value: number }
  | { readonly kind: 'only' };

export type PlacementReason = HardReason | SoftReason | OrderReason;

/** @returns undefined where the node can be given a Room. */
export function hardReason(
  node: RegisteredNode,
  exclude: ReadonlySet<string>,
  linkProtocol: number,
): HardReason | undefined {
  const { record } = node;
  const state = stateOf(node);
  if (record.role === 'master') return { kind: 'role', role: record.role };
  if (exclude.has(record.id)) return { kind: 'left-out' };
  if (isStale(node)) return { kind: 'stale', seenAgoMs: node.seenAgoMs };
  if (state !== 'serving') return { kind: 'state', state, order: node.order?.reason ?? '' };
  if (record.linkProtocol !== linkProtocol) {
    return { kind: 'link-protocol', theirs: record.linkProtocol, ours: linkProtocol };
  }
  // A Single Node is reached without one.
  return record.role === 'media' && record.link === undefined ? { kind: 'no-link' } : undefined;
}

export interface SoftLimits {
  readonly ledger: LedgerConfig;
  /** @default - none */
  readonly cpuLoad?: number | undefined;
  /** @default - none */
  readonly sysLoad?: number | undefined;
}

export function softReasons(
  node: RegisteredNode,
  expected: ExpectedLoad,
  { ledger, cpuLoad, sysLoad }: SoftLimits,
): SoftReason[] {
  const { load } = node.record;
  const reasons: SoftReason[] = [];
  if (cpuLoad !== undefined && expected.cpuload >= cpuLoad) {
    reasons.push({ kind: 'cpu-load', load: expected.cpuload, limit: cpuLoad });
  }
  if (sysLoad !== undefined && expected.sysload >= sysLoad) {
    reasons.push({ kind: 'sys-load', load: expected.sysload, limit: sysLoad });
  }
  if (expected.reservedCpus >= coresOf(load)) {
    const { reservedCpus } = expected;
    reasons.push({ kind: 'ledger-full', reservedCpus, cpus: coresOf(load) });
  }
  const usages = [
    ['disk', load.disk, ledger.disk_limit],
    ['memory', load.memory, MEMORY_LIMIT],
    ['descriptors', load.descriptors, DESCRIPTOR_LIMIT],
  ] as const;
  for (const [kind, usage, limit] of usages) {
    const share = shareOf(usage);
    if (share > limit) reasons.push({ kind, share, limit });
  }
  if (load.limitReached) reasons.push({ kind: 'limit-reached' });
  if (isLate(node)) reasons.push({ kind: 'late', seenAgoMs: node.seenAgoMs });
  return reasons;
}

/** Refuses or loses clients, or may be gone, so that a Room there would be one in name only. */
const REFUSING: ReadonlySet<SoftReason['kind']> = new Set([
  'limit-reached',
  'descriptors',
  'memory',
  'late',
]);

/** 0: nothing speaks against it; 1: busy; 2: would hardly let anybody in. */
export function tierOf(reasons: readonly SoftReason[]): number {
  if (reasons.length === 0) return 0;
  return reasons.some(({ kind }) => REFUSING.has(kind)) ? 2 : 1;
}

const shareOf = ({ used, limit }: Usage): number => (limit > 0 ? used / limit : 0);
