import type { GroupDescription } from './node-group';
import { isStale, type RegisteredNode, stateOf } from './node-record';
import { nextToRoll } from './shared-config';

export interface RollingQuestion {
  readonly nodes: readonly RegisteredNode[];
  /** Of the announced configuration. */
  readonly version: number;
  /** The machines of Media Nodes; undefined: people start and stop them. */
  readonly group?: GroupDescription | undefined;
  /** How many Media Nodes served when the roll began. */
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
 * How a new configuration reaches the nodes: one more machine, an old one drained, the next. Where
 * there is no group, a node that is empty ends and is started again by its machine. Pure.
 */
export function rollingStep({ nodes, version, group, size, self }: RollingQuestion): RollingStep {
  const next = nextToRoll({ nodes, version, self });
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
  if (Math.max(live, group.wanted) <= size) {
    return { step: 'grow', why: `version ${version} of the configuration` };
  }
  return serving > size
    ? { step: 'drain', node, inPlace: false }
    : { step: 'wait', why: 'the machine that takes over is starting' };
}
