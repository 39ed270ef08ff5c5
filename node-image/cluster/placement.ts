import type { SluiceConfig } from '../contract';
import type { RegisteredNode } from './node-record';
import { type ExpectedLoad, expectedLoad, type LedgerConfig } from './placement-load';
import {
  hardReason,
  type OrderReason,
  type PlacementReason,
  type SoftReason,
  softReasons,
  tierOf,
} from './placement-reasons';
import { distanceFrom } from './placement-regions';
import type { ClusterSnapshot } from './registry';

export type { PlacementReason } from './placement-reasons';
export { reasonInWords } from './placement-words';

export type SelectorConfig = SluiceConfig['node_selector'];

export interface PlacementQuestion {
  readonly snapshot: ClusterSnapshot;
  readonly selector: SelectorConfig;
  readonly ledger: LedgerConfig;
  /** Of whoever asks, for `kind: regionaware`. @default - all regions are as near */
  readonly region?: string | undefined;
  /** Ids of nodes that the Room is not to go to, such as the one that it leaves. @default none */
  readonly exclude?: ReadonlySet<string> | undefined;
  /** That is spoken here; nodes of another one are not used. */
  readonly linkProtocol: number;
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number;
}

export interface PlacementCandidate {
  readonly nodeId: string;
  /** 1 is the chosen one, unless none can be. */
  readonly rank: number;
  /** `later`: another one is better. `excluded`: never, as it is now. */
  readonly verdict: 'chosen' | 'later' | 'excluded';
  /** Never empty. */
  readonly reasons: readonly PlacementReason[];
}

export interface PlacementDecision {
  /** Id of a node; undefined only where no node can be given a Room at all. */
  readonly chosen?: string | undefined;
  /** Every node of the snapshot, the best first. */
  readonly candidates: readonly PlacementCandidate[];
}

interface Possible {
  readonly node: RegisteredNode;
  readonly soft: readonly SoftReason[];
  readonly tier: number;
  readonly distance: number;
  /** What `sort_by` says; 0 for random. */
  readonly key: number;
  /** Decides between equals. */
  readonly chance: number;
}

/**
 * Which node a new Room goes to.
 *
 * As OpenVidu's documentation of load distribution has it: `kind` says which nodes are taken first,
 * `sort_by` orders them, and a Room always finds a place while one Media Node serves. A node over a
 * limit, or short of something, is taken last, and only ruled out where another is better.
 * The order of the nodes in the snapshot does not matter.
 */
export function choosePlacement(question: PlacementQuestion): PlacementDecision {
  const { snapshot, exclude = new Set(), linkProtocol } = question;
  const nodes = [...snapshot.nodes].sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
  const judged = nodes.map((node) => ({ node, hard: hardReason(node, exclude, linkProtocol) }));
  const possible = judged
    .filter(({ hard }) => hard === undefined)
    .map(({ node }) => judge(node, question));
  const ranked = rank(possible, question.selector);
  const reasons = ranked.order.map((one) => why(one, ranked, question.selector));
  const candidates = [
    ...ranked.order.map(({ node }, index) => ({
      nodeId: node.record.id,
      rank: index + 1,
      verdict: index === 0 ? ('chosen' as const) : ('later' as const),
      reasons: reasons[index] ?? [],
    })),
    ...judged.flatMap(({ node, hard }) =>
      hard === undefined
        ? []
        : [{ nodeId: node.record.id, verdict: 'excluded' as const, reasons: [hard] }],
    ),
  ];
  return {
    chosen: ranked.order[0]?.node.record.id,
    candidates: candidates.map((one, index) => ({ ...one, rank: index + 1 })),
  };
}

function judge(node: RegisteredNode, question: PlacementQuestion): Possible {
  const { snapshot, selector, ledger, region } = question;
  const expected = expectedLoad(node, snapshot.recent, ledger);
  const isAware = selector.kind === 'regionaware';
  const soft = softReasons(node, expected, {
    ledger,
    cpuLoad: selector.kind === 'cpuload' ? selector.cpu_load_limit : undefined,
    // As livekit-server has it, regionaware looks at the system load too.
    sysLoad: selector.kind === 'sysload' || isAware ? selector.sysload_limit : undefined,
  });
  const distance =
    isAware && region !== undefined
      ? distanceFrom(region, selector.regions)(node.record.region)
      : 0;
  const key = keyOf(selector, expected);
  return { node, soft, tier: tierOf(soft), distance, key, chance: question.random() };
}

function keyOf({ kind, sort_by }: SelectorConfig, expected: ExpectedLoad): number {
  return kind === 'random' || sort_by === 'random' ? 0 : expected[sort_by];
}

const byClass = (a: Possible, b: Possible): number =>
  // Not a difference: two of them may be infinitely far.
  a.tier - b.tier || (a.distance === b.distance ? 0 : a.distance < b.distance ? -1 : 1);
const byKey = (a: Possible, b: Possible): number => a.key - b.key || a.chance - b.chance;

interface Ranking {
  /** The best first. */
  readonly order: readonly Possible[];
  /** Those that the chosen one was chosen from. */
  readonly drawn: ReadonlySet<Possible>;
}

function rank(possible: readonly Possible[], { algorithm }: SelectorConfig): Ranking {
  const order = [...possible].sort((a, b) => byClass(a, b) || byKey(a, b));
  const [first] = order;
  if (first === undefined) return { order, drawn: new Set() };
  const best = order.filter((one) => byClass(one, first) === 0);
  const drawn =
    algorithm === 'twochoice' ? [...best].sort((a, b) => a.chance - b.chance).slice(0, 2) : best;
  const [chosen = first] = [...drawn].sort(byKey);
  return { order: [chosen, ...order.filter((one) => one !== chosen)], drawn: new Set(drawn) };
}

function why(
  one: Possible,
  { order, drawn }: Ranking,
  selector: SelectorConfig,
): PlacementReason[] {
  const [chosen = one] = order;
  const reasons: PlacementReason[] = [...one.soft];
  if (one.distance > chosen.distance) {
    const regions = { region: one.node.record.region, chosen: chosen.node.record.region };
    reasons.push({ kind: 'farther', ...regions });
  }
  // Where it lost for another reason, its place in the order says nothing.
  if (byClass(one, chosen) === 0) {
    reasons.push(
      orderReason(one, chosen, { isDrawn: drawn.has(one), isOnly: order.length === 1 }, selector),
    );
  }
  return reasons;
}

function orderReason(
  one: Possible,
  chosen: Possible,
  { isDrawn, isOnly }: { readonly isDrawn: boolean; readonly isOnly: boolean },
  { kind, sort_by }: SelectorConfig,
): OrderReason {
  if (isOnly) return { kind: 'only' };
  if (!isDrawn) return { kind: 'not-drawn' };
  if (kind === 'random' || sort_by === 'random') return { kind: 'chance' };
  const figures = { sortBy: sort_by, value: one.key };
  if (one === chosen) return { kind: 'least', ...figures };
  return one.key > chosen.key
    ? { kind: 'more', ...figures, best: chosen.key }
    : { kind: 'equal', ...figures };
}
