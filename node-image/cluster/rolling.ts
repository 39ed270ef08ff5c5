import type { GroupDescription } from './node-group';
import { isStale, type RegisteredNode, stateOf } from './node-record';
import { nextToRoll } from './shared-config';

export interface RollingQuestion {
  readonly nodes: readonly RegisteredNode[];
  /** Of the announced configuration. */
  readonly version: number;
  /** The machines of Media Nodes; undefined: people start and stop them. */
  readonly group?: GroupDescription | undefined;
  /** How many Media Nodes served when the roll began, and were started for load since. */
  readonly size: number;
  /** Who decides; it leaves last. */
  readonly self: string;
}

export type RollingStep =
  | { readonly step: 'done' }
  | { readonly step: 'wait'; readonly why: string }
  /** Start one more machine first, so that those who leave have somewhere to go. */
  | { readonly step: 'grow'; readonly why: string }
  /** `inPlace`: it ends when it is empty, and its machine starts it anew. */
  | { readonly step: 'drain'; readonly node: RegisteredNode; readonly inPlace: boolean };

/**
 * How a new configuration, or a new kind of machine, reaches the nodes: one more machine, an old one drained, the next. Where
 * there is no group, a node that is empty ends and is started again by its machine. Pure.
 */
export function rollingStep({ nodes, version, group, size, self }: RollingQuestion): RollingStep {
  const outdated = outdatedMachines(group);
  const isOutdated = ({ record }: RegisteredNode): boolean =>
    record.role === 'media' && outdated.has(record.machineId);
  const next = nextToRoll({ nodes, version, self, isOutdated });
  if (next.step !== 'roll') {
    return next;
  }
  const { node, isOnly } = next;
  const { role, machineId } = node.record;
  if (role !== 'media') {
    return { step: 'drain', node, inPlace: true };
  }
  if (group?.machines.some(({ id }) => id === machineId) !== true) {
    return isOnly
      ? { step: 'wait', why: `node ${node.record.id} is the only Media Node: start another one` }
      : { step: 'drain', node, inPlace: true };
  }
  const live = group.machines.filter((machine) => machine.state !== 'stopping').length;
  const serving = nodes.filter(
    (one) => one.record.role === 'media' && stateOf(one) === 'serving' && !isStale(one),
  ).length;
  // One more than before, or where there may be no more, the others take over.
  const enough = Math.min(size + 1, group.limits?.max ?? Infinity);
  if (Math.max(live, group.wanted) < enough) {
    return { step: 'grow', why: rollWhy(isOutdated(node), version) };
  }
  if (isOnly) {
    const why =
      enough > size
        ? 'the machine that takes over is starting'
        : `node ${node.record.id} is the only Media Node, and the group may have no other one: raise its maximum`;
    return { step: 'wait', why };
  }
  return serving >= enough
    ? { step: 'drain', node, inPlace: false }
    : { step: 'wait', why: 'the machine that takes over is starting' };
}

/** Ids of the machines that newer ones are to take the place of. */
export const outdatedMachines = (group: GroupDescription | undefined): ReadonlySet<string> =>
  new Set((group?.machines ?? []).flatMap(({ id, isOutdated }) => (isOutdated ? [id] : [])));

export const rollWhy = (isOutdated: boolean, version: number): string =>
  isOutdated ? 'new machines are made otherwise' : `version ${version} of the configuration`;
