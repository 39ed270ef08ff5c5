import type { RegisteredNode } from '../cluster/node-record';
import type { ClusterSnapshot, Registry } from '../cluster/registry';
import type { SluiceConfig } from '../contract';
import { cloudOrder, type Ending } from './cloud-order';

/** The Media Nodes that run on a machine: one, but for the moments of a restart. */
export const nodesOn = ({ nodes }: ClusterSnapshot, machineId: string): RegisteredNode[] =>
  nodes.filter(({ record }) => record.role === 'media' && record.machineId === machineId);

/** Whether it is empty, and nothing will be placed on it again. */
export const isEmptied = ({ record, order }: RegisteredNode): boolean =>
  record.state === 'drained' && order?.final !== undefined;

export interface OrderForMachine {
  readonly registry: Registry;
  readonly snapshot: ClusterSnapshot;
  readonly machineId: string;
  readonly ending: Ending;
  readonly drain: SluiceConfig['sluice']['drain'];
}

/**
 * Orders the drain of what runs on a machine. Where a final order stands that ends as early, nothing
 * changes: a notice may come twice, or on two ways.
 *
 * @returns the nodes that have been given an order by this call.
 * @throws RegistryUnavailableError
 */
export async function orderForMachine({
  registry,
  snapshot,
  machineId,
  ending,
  drain,
}: OrderForMachine): Promise<string[]> {
  const ordered: string[] = [];
  for (const node of nodesOn(snapshot, machineId)) {
    const wanted = cloudOrder(ending, drain, snapshot.nowMs);
    const { order } = node;
    // Only what is taken at a fixed time may shorten what was promised before.
    const isUrgent = ending.kind === 'interruption' && wanted.deadlineMs < (order?.deadlineMs ?? 0);
    if (order?.final !== undefined && !isUrgent) continue;
    const holds = await registry.order(node.record.id, wanted);
    if (holds.id === wanted.id || order?.final === undefined) ordered.push(node.record.id);
  }
  return ordered;
}
