import { nanoid } from 'nanoid';
import { isStale, stateOf } from '../../cluster/node-record';
import type { Registry } from '../../cluster/registry';
import { nodesOn } from '../machine-nodes';

/** Not longer than a launching hook waits, ms. */
const DEADLINE_MS = 300_000;

/** Whether a machine is to wait in a warm pool, by its target lifecycle state. */
export const isForWarmPool = (target: string | undefined): boolean =>
  target?.startsWith('Warmed:') === true;

/**
 * Empties the node of a machine that is about to be stopped for a warm pool: it serves already, and
 * may have been given Rooms. The order is gone with the node: when the machine starts again, another
 * one does.
 *
 * @returns whether it is empty by now. To be called again until it is.
 * @throws RegistryUnavailableError
 */
export async function emptyForWarmPool(
  registry: Pick<Registry, 'snapshot' | 'order'>,
  machineId: string,
): Promise<boolean> {
  const snapshot = await registry.snapshot();
  const nodes = nodesOn(snapshot, machineId).filter((node) => !isStale(node));
  for (const { record, order } of nodes) {
    if (order !== undefined) continue;
    await registry.order(record.id, {
      id: `DR_${nanoid(12)}`,
      reason: 'its machine waits in the warm pool',
      patienceUntilMs: snapshot.nowMs,
      deadlineMs: snapshot.nowMs + DEADLINE_MS,
      onDeadline: 'force',
    });
  }
  return nodes.length > 0 && nodes.every((node) => stateOf(node) === 'drained');
}
