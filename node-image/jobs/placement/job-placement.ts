import { isLate, type RegisteredNode } from '../../cluster/node-record';
import type { LedgerConfig } from '../../cluster/placement-load';
import { hardReason } from '../../cluster/placement-reasons';
import type { JobKind } from '../job';
import type { JobCost } from '../job-runner';
import type { JobReason } from './job-reasons';

/** Above this share of its memory a node is near its end. */
const MEMORY_LIMIT = 0.95;
/** Ten times a tenth is not quite one. */
const ROUNDING = 1e-9;

/** Kinds that are placed on nodes. Agents are placed on workers. */
export type PlacedKind = Exclude<JobKind, 'agent'>;

export interface JobPlacementQuestion {
  readonly nodes: readonly RegisteredNode[];
  readonly kind: PlacedKind;
  readonly cost: JobCost;
  readonly ledger: Pick<LedgerConfig, 'disk_limit'>;
  /** Nodes that it is not to go to. @default none */
  readonly exclude?: ReadonlySet<string> | undefined;
  /** That is spoken here; nodes of another one are not used. */
  readonly linkProtocol: number;
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number;
}

export interface JobCandidate {
  readonly nodeId: string;
  /** `excluded`: never, as it is now. */
  readonly verdict: 'chosen' | 'later' | 'excluded';
  /** Never empty. */
  readonly reasons: readonly JobReason[];
}

/**
 * Where a job goes, as OpenVidu's documentation of load distribution has it: to a node with enough free
 * CPU for its kind. An Egress goes to one that has Egresses already, so that others stay free for large
 * ones; an Ingress to any, by chance. A node that missed a heartbeat comes last.
 *
 * @returns every node, those that can be asked first, in the order in which they are to be asked. What
 * they say of themselves is up to 2 s old: a node's own ledger has the last word.
 */
export function placeJob(question: JobPlacementQuestion): JobCandidate[] {
  const nodes = [...question.nodes].sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
  const judged = nodes.map((node) => ({
    node,
    ...figuresOf(node, question.kind),
    chance: question.random(),
    excluded: whyNot(node, question),
  }));
  const possible = judged
    .filter(({ excluded }) => excluded.length === 0)
    .sort(
      (a, b) =>
        Number(isLate(a.node)) - Number(isLate(b.node)) ||
        b.packed - a.packed ||
        a.chance - b.chance,
    );
  return [
    ...possible.map(({ node, hosts }, index) => ({
      nodeId: node.record.id,
      verdict: index === 0 ? ('chosen' as const) : ('later' as const),
      reasons: [
        ...(isLate(node) ? [{ kind: 'late' as const, seenAgoMs: node.seenAgoMs }] : []),
        { kind: 'fits' as const, free: freeOf(node), needed: question.cost.cpus ?? 0 },
        question.kind === 'egress'
          ? { kind: 'hosts' as const, egress: hosts }
          : { kind: 'chance' as const },
      ],
    })),
    ...judged
      .filter(({ excluded }) => excluded.length > 0)
      .map(({ node, excluded }) => ({
        nodeId: node.record.id,
        verdict: 'excluded' as const,
        reasons: excluded,
      })),
  ];
}

function whyNot(node: RegisteredNode, question: JobPlacementQuestion): JobReason[] {
  const { kind, cost, ledger, exclude = new Set(), linkProtocol } = question;
  const { load, role } = node.record;
  const hard = hardReason(node, exclude, linkProtocol);
  if (hard !== undefined) return [hard];
  if (load.jobs === undefined || !load.jobs.kinds.includes(kind)) {
    return [{ kind: 'no-runner', job: kind, role }];
  }
  const reasons: JobReason[] = [];
  const { cpus: needed = 0, idleRatio = 0, records } = cost;
  const missing = records === undefined ? [] : (load.jobs.lacks?.[records] ?? []);
  if (missing.length > 0) reasons.push({ kind: 'programs', missing });
  const free = freeOf(node);
  const kept = idleRatio * load.cpus;
  if (needed > free - kept + ROUNDING) reasons.push({ kind: 'cpu', needed, free, kept });
  const disk = shareOf(load.disk);
  // Whatever it writes: what others write as well has no room either.
  if (kind === 'egress' && disk > ledger.disk_limit) {
    reasons.push({ kind: 'disk', share: disk, limit: ledger.disk_limit });
  }
  const memory = shareOf(load.memory);
  if (memory > MEMORY_LIMIT) {
    reasons.push({ kind: 'memory', share: memory, limit: MEMORY_LIMIT });
  }
  return reasons;
}

function figuresOf({ record }: RegisteredNode, kind: PlacedKind) {
  const hosts = record.load.jobs?.egress ?? 0;
  return { hosts, packed: kind === 'egress' && hosts > 0 ? 1 : 0 };
}

const freeOf = ({ record }: RegisteredNode): number => record.load.jobs?.freeCpus ?? 0;
const shareOf = ({ used, limit }: { readonly used: number; readonly limit: number }): number =>
  limit > 0 ? used / limit : 0;
