import { AdminError, type NodeView } from './admin-views';
import { isStale, type RegisteredNode, stateOf } from './node-record';
import type { ClusterSnapshot, RoomPlacement } from './registry';

/** So many names are given where none fits. */
const NAMES_SHOWN = 10;

/**
 * The node that somebody means: by its id, by its machine, or by the start of its id.
 *
 * @throws AdminError `not_found`, or `invalid` where several fit.
 */
export function findNode({ nodes }: ClusterSnapshot, wanted: string): RegisteredNode {
  const byId = nodes.find(({ record }) => record.id === wanted);
  if (byId !== undefined) {
    return byId;
  }
  const onMachine = nodes.filter(({ record }) => wanted !== '' && record.machineId === wanted);
  // The record of a process that died may still be there beside that of the next one.
  const fresh = onMachine.filter((node) => !isStale(node));
  const found = [
    ...(fresh.length > 0 ? fresh : onMachine),
    ...nodes.filter(({ record }) => wanted !== '' && record.id.startsWith(wanted)),
  ];
  const [first] = found;
  const others = new Set(found);
  if (first !== undefined && others.size === 1) {
    return first;
  }
  const what = JSON.stringify(wanted);
  if (first !== undefined) {
    const text = `${what} may be any of ${namesOf([...others])}: give more of the id.`;
    throw new AdminError('invalid', text);
  }
  const known = nodes.length === 0 ? 'The cluster has none.' : `There are ${namesOf(nodes)}.`;
  throw new AdminError('not_found', `No node has the id or the machine ${what}. ${known}`);
}

export function nodeView(node: RegisteredNode, rooms: readonly RoomPlacement[]): NodeView {
  const { record, seenAgoMs, order } = node;
  return {
    id: record.id,
    state: stateOf(node),
    stale: isStale(node),
    seenAgoMs,
    rooms: roomsOn(record.id, rooms).length,
    record,
    order,
  };
}

export const roomsOn = (nodeId: string, rooms: readonly RoomPlacement[]): string[] =>
  rooms.filter((one) => one.nodeId === nodeId).map(({ room }) => room);

function namesOf(nodes: readonly RegisteredNode[]): string {
  const names = nodes.map(({ record: { id, machineId } }) =>
    machineId === '' ? id : `${id} (${machineId})`,
  );
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown;
}
