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
    atMs: z.number(),
    told: z.boolean(),
  }),
]);

/** A decision that is under way. */
export type Asked = z.infer<typeof asked>;

const provisioning = z.object({
  format: z.literal(1),
  /** Machines that have been seen: another one is new. */
  machines: z.array(z.string()),
  asked: z.array(asked),
  /** Until then no more machines are asked for, by the registry's clock. */
  noneUntilMs: z.number().optional(),
});

/** What Master Nodes remember of what they have asked for: whoever leads next goes on with it. */
export type Provisioning = z.infer<typeof provisioning>;

export const NOTHING_ASKED: Provisioning = { format: 1, machines: [], asked: [] };

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
  const isBack = (one: Asked): boolean =>
    one.action === 'remove' && isServing(one.machine, present);
  // Made anew under its old name, before that was forgotten.
  let come = arrived.length + before.asked.filter(isBack).length;
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
  const machines = [...before.machines.filter(isThere), ...arrived];
  const { noneUntilMs, ...rest } = before;
  const isOver = noneUntilMs !== undefined && noneUntilMs <= nowMs;
  const isSame =
    !isOver &&
    arrived.length === 0 &&
    machines.length === before.machines.length &&
    after.length === before.asked.length &&
    after.every((one, index) => one === before.asked[index]);
  if (isSame) return before;
  return { ...rest, machines, asked: after, ...(isOver ? {} : { noneUntilMs }) };
}

function settledRemoval(
  one: Extract<Asked, { action: 'remove' }>,
  isThere: boolean,
  { nowMs, newId, tell }: Seen,
): Asked[] {
  if (!isThere && one.told) return [];
  if (one.told && nowMs - one.atMs > GO_MS) {
    tell({ machine: one.machine }, 'a machine that was to be removed still runs: it is told again');
    return [{ ...one, id: newId(), atMs: nowMs, told: false }];
  }
  return [one];
}

const isServing = (machine: string, present: Seen['present']): boolean =>
  (present.get(machine) ?? []).some((node) => ['starting', 'serving'].includes(stateOf(node)));
