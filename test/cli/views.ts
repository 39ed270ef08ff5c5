import type { NodesView, NodeView } from '../../node-image/cluster/admin-views';
import type {
  DrainOrder,
  DrainProgress,
  NodeRecord,
  NodeState,
} from '../../node-image/cluster/node-record';
import { nodeNamed } from '../cluster/placement-nodes';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

export const ORDER: DrainOrder = {
  id: 'order-1',
  reason: 'sluice drain',
  patienceUntilMs: NOW_MS + 15 * 60_000,
  deadlineMs: NOW_MS + 3_600_000,
  onDeadline: 'force',
};

export const progress = (changes: Partial<DrainProgress> = {}): DrainProgress => ({
  orderId: ORDER.id,
  roomsLeft: 0,
  participantsLeft: 0,
  turnAllocationsLeft: 0,
  roomsMoved: 0,
  obstacle: '',
  overdue: false,
  ...changes,
});

export interface ViewChanges extends Omit<Partial<NodeView>, 'record' | 'state'> {
  readonly state?: NodeState;
  readonly record?: Partial<NodeRecord>;
}

export function nodeView(id: string, changes: ViewChanges = {}): NodeView {
  const { record, state = 'serving', ...rest } = changes;
  return {
    id,
    state,
    stale: false,
    seenAgoMs: 500,
    rooms: 0,
    ...rest,
    record: {
      ...nodeNamed(id).record,
      state,
      startedAtMs: NOW_MS - 3_725_000,
      ...record,
    },
  };
}

export const nodesView = (nodes: readonly NodeView[], nowMs = NOW_MS): NodesView => ({
  nowMs,
  nodes,
});
