import { z } from 'zod';
import { type RegisteredNode, stateOf } from '../node-record';

/** Machines that were asked for have so long to come, ms; then others are asked for. */
export const COME_MS = 600_000;
/** A machine that was to be removed, and still is there after so long, is told again, ms. */
export const GO_MS = 600_000;

const asked = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('add'),
    id: z.string(),
    count: z.int().min(1),
    /** How many of them have not come yet. */
    left: z.int().min(0),
    /** When it was decided, by the registry's clock. */
    atMs: z.number(),
    /** Whether the provisioner has taken it. */
    told: z.boolean(),
  }),
  z.object({
    action: z.literal('remove'),
    id: z.string(),
    node: z.string(),
    machine: z.string(),
    reason: z.enum(['empty', 'dead']).default('empty'),
    atMs: z.number(),
    told: z.boolean(),
  }),
]);

const nodeOfMachine = z.object({ machine: z.string(), node: z.string() });

/** A decision that is under way. */
export type Asked = z.infer<typeof asked>;
type Removal = Extract<Asked, { action: 'remove' }>;

const provisioning = z.object({
  format: z.literal(1),
  /** Machines that have been seen: another one is new. */
  machines: z.array(z.string()),
  asked: z.array(asked),
  /** The node of each machine that has one. */
  nodes: z.array(nodeOfMachine).default([]),
  /** Machines whose node died, with that node, until it is asked for their end or they are back. */
  gone: z.array(nodeOfMachine).default([]),
  /** Until then no more machines are asked for, by the registry's clock. */
  noneUntilMs: z.number().optional(),
});

/** What Master Nodes remember of what they have asked for: whoever leads next goes on with it. */
export type Provisioning = z.infer<typeof provisioning>;

export const NOTHING_ASKED: Provisioning = {
  format: 1,
  machines: [],
  asked: [],
  nodes: [],
  gone: [],
};

/** @returns undefined where it is not one that this version can read. */
export function parseProvisioning(text: string): Provisioning | undefined {
  try {
    return provisioning.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export interface Seen {
  /** Media Nodes by their machines, those included that were there a moment ago. */
  readonly present: ReadonlyMap<string, readonly RegisteredNode[]>;
  /** Machines without a node, for a moment only: it may be restarting. */
  readonly waiting: ReadonlySet<string>;
  /** Ids of the nodes that have left because they were told to. */
  readonly departed: ReadonlySet<string>;
  /** Whether a machine has been without a node for so long that it is to be removed. */
  readonly isLost: (machine: string) => boolean;
  /** The registry's clock. */
  readonly nowMs: number;
  readonly newId: () => string;
  readonly tell: (what: object, message: string) => void;
}

/** What has come and what has gone since. @returns the same object where nothing has changed. */
export function settle(before: Provisioning, seen: Seen): Provisioning {
  const { present, waiting, nowMs } = seen;
  const isThere = (machine: string): boolean => present.has(machine) || waiting.has(machine);
  const arrived = [...present.keys()].filter((machine) => !before.machines.includes(machine));
  const isBack = (one: Asked): boolean => one.action === 'remove' && hasComeBack(one, present);
  // Made anew under its old name, before that was forgotten.
  const anew = before.asked.filter(
    (one) => one.action === 'remove' && isBack(one) && before.machines.includes(one.machine),
  );
  let come = arrived.length + anew.length;
  const after = before.asked.flatMap((one): Asked[] => {
    if (isBack(one)) return [];
    if (one.action === 'remove') return settledRemoval(one, isThere(one.machine), seen);
    const taken = Math.min(come, one.left);
    come -= taken;
    const left = one.left - taken;
    if (left === 0) return [];
    if (nowMs - one.atMs > COME_MS) {
      seen.tell({ id: one.id, missing: left }, 'machines that were asked for have not come');
      return [];
    }
    return [taken === 0 ? one : { ...one, left }];
  });
  const { nodes, gone, lost } = settledNodes(before, seen);
  const asked = [...after, ...lost.map((one) => removalOfDead(one, seen))];
  const machines = [...before.machines.filter(isThere), ...arrived];
  const { noneUntilMs, ...rest } = before;
  const isOver = noneUntilMs !== undefined && noneUntilMs <= nowMs;
  const isSame =
    !isOver &&
    arrived.length === 0 &&
    machines.length === before.machines.length &&
    isSameList(asked, before.asked) &&
    isSameList(nodes, before.nodes) &&
    isSameList(gone, before.gone);
  if (isSame) return before;
  return { ...rest, machines, asked, nodes, gone, ...(isOver ? {} : { noneUntilMs }) };
}

/** Machines with a node, those whose node died, and those of them that are to be removed now. */
function settledNodes(before: Provisioning, { present, departed, isLost }: Seen) {
  const nodes = [...present].map(([machine, there]) => {
    const node = newestOf(there);
    const known = before.nodes.find((one) => one.machine === machine);
    return known?.node === node ? known : { machine, node };
  });
  // Whose end was asked for has died of that.
  const isEnded = (machine: string): boolean =>
    before.asked.some((one) => one.action === 'remove' && one.machine === machine);
  const dead = [...before.gone, ...before.nodes].filter(
    ({ machine, node }) => !present.has(machine) && !departed.has(node) && !isEnded(machine),
  );
  return {
    nodes,
    gone: dead.filter(({ machine }) => !isLost(machine)),
    lost: dead.filter(({ machine }) => isLost(machine)),
  };
}

const removalOfDead = (
  { machine, node }: Provisioning['gone'][number],
  { nowMs, newId }: Seen,
): Asked => ({
  action: 'remove',
  id: newId(),
  node,
  machine,
  reason: 'dead',
  atMs: nowMs,
  told: false,
});

function settledRemoval(one: Removal, isThere: boolean, { nowMs, newId, tell }: Seen): Asked[] {
  if (one.told && (!isThere || one.reason === 'dead')) return [];
  if (one.told && nowMs - one.atMs > GO_MS) {
    tell({ machine: one.machine }, 'a machine that was to be removed still runs: it is told again');
    return [{ ...one, id: newId(), atMs: nowMs, told: false }];
  }
  return [one];
}

/** Nothing is asked of a machine that is back. */
function hasComeBack({ machine, reason }: Removal, present: Seen['present']): boolean {
  const nodes = present.get(machine) ?? [];
  return reason === 'dead'
    ? nodes.length > 0
    : nodes.some((node) => ['starting', 'serving'].includes(stateOf(node)));
}

const newestOf = (nodes: readonly RegisteredNode[]): string =>
  nodes.reduce((a, b) => (b.record.startedAtMs > a.record.startedAtMs ? b : a)).record.id;

const isSameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);
