import fc from 'fast-check';
import type {
  DrainOrder,
  NodeLoad,
  NodeRecord,
  RegisteredNode,
} from '../../node-image/cluster/node-record';
import type { PlacementQuestion, SelectorConfig } from '../../node-image/cluster/placement';
import type { LedgerConfig } from '../../node-image/cluster/placement-load';
import type { ClusterSnapshot, RecentPlacement } from '../../node-image/cluster/registry';
import { configSchema } from '../../node-image/contract';

const DEFAULTS = configSchema.parse({});

export const selectorWith = (changes: Partial<SelectorConfig> = {}): SelectorConfig => ({
  ...DEFAULTS.node_selector,
  ...changes,
});
export const ledgerWith = (changes: Partial<LedgerConfig> = {}): LedgerConfig => ({
  ...DEFAULTS.sluice.ledger,
  ...changes,
});

export const IDLE: NodeLoad = {
  cpus: 4,
  cpuLoad: 0,
  sysLoad: 0,
  rooms: 0,
  clients: 0,
  tracksIn: 0,
  tracksOut: 0,
  bytesPerSec: 0,
  bytesPerSecLimit: 0,
  descriptors: { used: 50, limit: 65_536 },
  disk: { used: 1e9, limit: 20e9 },
  memory: { used: 1e9, limit: 8e9 },
  turnAllocations: 0,
  reservedCpus: 0,
  limitReached: false,
};

export interface NodeChanges extends Partial<Omit<NodeRecord, 'id' | 'load'>> {
  readonly load?: Partial<NodeLoad>;
  readonly seenAgoMs?: number;
  readonly order?: DrainOrder;
}

/** A Media Node that serves and has nothing to do. */
export function nodeNamed(id: string, changes: NodeChanges = {}): RegisteredNode {
  const { load, seenAgoMs = 500, order, ...record } = changes;
  return {
    record: {
      id,
      role: 'media',
      state: 'serving',
      version: '1',
      linkProtocol: 1,
      link: { host: '10.0.0.1', port: 7870 },
      machineId: '',
      region: '',
      configVersion: 0,
      startedAtMs: 0,
      load: { ...IDLE, ...load },
      ...record,
    },
    seenAgoMs,
    order,
  };
}

export const drainOrder: DrainOrder = {
  id: 'DO_1',
  reason: 'sluice drain',
  patienceUntilMs: 0,
  deadlineMs: 1000,
  onDeadline: 'force',
};

export const snapshotOf = (
  nodes: readonly RegisteredNode[],
  recent: readonly RecentPlacement[] = [],
): ClusterSnapshot => ({ nodes, recent, version: 1, nowMs: 1e12, ageMs: 60_000 });

/** Numbers that look random, and are the same with the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // mulberry32, public domain.
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const questionOf = (
  nodes: readonly RegisteredNode[],
  changes: Partial<PlacementQuestion> = {},
): PlacementQuestion => ({
  snapshot: snapshotOf(nodes),
  selector: selectorWith(),
  ledger: ledgerWith(),
  linkProtocol: 1,
  random: seeded(1),
  ...changes,
});

const share = fc.double({ min: 0, max: 1, noNaN: true });
const usage = fc.record({ used: fc.nat(100), limit: fc.constantFrom(0, 100) });

export const anyLoad: fc.Arbitrary<NodeLoad> = fc.record({
  cpus: fc.integer({ min: 1, max: 64 }),
  cpuLoad: share,
  sysLoad: fc.double({ min: 0, max: 3, noNaN: true }),
  rooms: fc.nat(50),
  clients: fc.nat(500),
  tracksIn: fc.nat(500),
  tracksOut: fc.nat(5000),
  bytesPerSec: fc.nat(1e9),
  bytesPerSecLimit: fc.constantFrom(0, 1e9),
  descriptors: usage,
  disk: usage,
  memory: usage,
  turnAllocations: fc.nat(10),
  reservedCpus: fc.double({ min: 0, max: 80, noNaN: true }),
  limitReached: fc.boolean(),
});

const anyState = fc.constantFrom('starting', 'serving', 'draining', 'drained');

/** Nodes in all states, of all roles, with different ids. */
export const anyNodes: fc.Arbitrary<RegisteredNode[]> = fc
  .array(
    fc.record({
      load: anyLoad,
      role: fc.constantFrom('single', 'media', 'media', 'media', 'master'),
      state: fc.oneof(fc.constant('serving' as const), anyState),
      linkProtocol: fc.constantFrom(1, 1, 1, 2),
      region: fc.constantFrom('', 'a', 'b', 'c'),
      hasLink: fc.constantFrom(true, true, true, false),
      seenAgoMs: fc.constantFrom(0, 1000, 4999, 5001, 60_000),
      order: fc.option(fc.constant(drainOrder), { nil: undefined, freq: 4 }),
    }),
    { maxLength: 8 },
  )
  .map((all) =>
    all.map(({ hasLink, order, ...one }, index) =>
      nodeNamed(`ND_${index}`, {
        ...one,
        link: hasLink ? { host: '10.0.0.1', port: 7870 } : undefined,
        ...(order !== undefined && { order }),
      }),
    ),
  );

export const anyRecent: fc.Arbitrary<RecentPlacement[]> = fc.array(
  fc.record({
    room: fc.constant('room'),
    nodeId: fc.nat(8).map((index) => `ND_${index}`),
    agoMs: fc.nat(40_000),
  }),
  { maxLength: 30 },
);

export const anySelector: fc.Arbitrary<SelectorConfig> = fc.record({
  kind: fc.constantFrom('any', 'random', 'sysload', 'cpuload', 'regionaware'),
  sort_by: fc.constantFrom(
    'random',
    'sysload',
    'cpuload',
    'rooms',
    'clients',
    'tracks',
    'bytespersec',
  ),
  algorithm: fc.constantFrom('lowest', 'twochoice'),
  cpu_load_limit: share,
  sysload_limit: share,
  regions: fc.constantFrom(
    [],
    [
      { name: 'a', lat: 50, lon: 8 },
      { name: 'b', lat: 40, lon: -74 },
    ],
  ),
});

export const anyQuestion: fc.Arbitrary<PlacementQuestion> = fc.record({
  snapshot: fc.tuple(anyNodes, anyRecent).map(([nodes, recent]) => snapshotOf(nodes, recent)),
  selector: anySelector,
  ledger: fc.constant(ledgerWith()),
  region: fc.constantFrom(undefined, 'a', 'z'),
  exclude: fc.constantFrom(new Set<string>(), new Set(['ND_0']), new Set(['ND_1', 'ND_2'])),
  linkProtocol: fc.constant(1),
  random: fc.nat().map(seeded),
});
