import { nanoid } from 'nanoid';
import type { DrainOrder, OnDeadline } from '../cluster/node-record';
import type { SluiceConfig } from '../contract';

/** Why a cloud wants a machine back, and by when. */
export type Ending =
  /** A lifecycle action: it waits for the drain, `inAllMs` at most. */
  | { readonly kind: 'terminate'; readonly inAllMs?: number | undefined }
  /** It is taken at that time, whatever runs on it. ms since 1970. */
  | { readonly kind: 'interruption'; readonly atMs: number; readonly action: string }
  /** It may be taken soon. */
  | { readonly kind: 'rebalance' };

/** The most urgent first. */
export const ENDING_KINDS = ['interruption', 'terminate', 'rebalance'] as const;

/** The node is to be empty so long before its machine is taken, ms. */
const MARGIN_MS = 10_000;
/** A machine at risk is emptied within so long, ms: a notice of two minutes may follow at any time. */
const REBALANCE_PATIENCE_MS = 60_000;
const REBALANCE_DEADLINE_MS = 600_000;

/**
 * The order to drain that a node is given when its cloud wants the machine back. It is final: the
 * cloud cannot be told that it shall keep the machine.
 *
 * @param nowMs - by the registry's clock
 */
export function cloudOrder(
  ending: Ending,
  drain: SluiceConfig['sluice']['drain'],
  nowMs: number,
): DrainOrder {
  const { patienceMs, deadlineMs, onDeadline, reason, final } = termsOf(ending, drain, nowMs);
  return {
    id: `DR_${nanoid(12)}`,
    reason,
    patienceUntilMs: nowMs + Math.min(patienceMs, deadlineMs),
    deadlineMs: nowMs + deadlineMs,
    onDeadline,
    final,
  };
}

interface Terms {
  readonly patienceMs: number;
  readonly deadlineMs: number;
  readonly onDeadline: OnDeadline;
  readonly reason: string;
  readonly final: string;
}

function termsOf(ending: Ending, drain: SluiceConfig['sluice']['drain'], nowMs: number): Terms {
  switch (ending.kind) {
    case 'terminate': {
      const { inAllMs = Infinity } = ending;
      return {
        patienceMs: drain.patience,
        deadlineMs: Math.max(0, Math.min(drain.deadline, inAllMs - MARGIN_MS)),
        onDeadline: drain.on_deadline,
        reason: 'AWS ends the machine',
        final: 'AWS has been told to terminate the machine',
      };
    }
    case 'interruption':
      return {
        patienceMs: 0,
        deadlineMs: Math.max(0, Math.min(drain.deadline, ending.atMs - nowMs - MARGIN_MS)),
        // Nobody can keep it.
        onDeadline: 'force',
        reason: 'spot interruption',
        final: `AWS takes the spot machine back (${ending.action})`,
      };
    case 'rebalance':
      return {
        patienceMs: Math.min(drain.patience, REBALANCE_PATIENCE_MS),
        deadlineMs: Math.min(drain.deadline, REBALANCE_DEADLINE_MS),
        onDeadline: drain.on_deadline,
        reason: 'spot rebalance recommendation',
        final: 'AWS may take the spot machine back at any time',
      };
  }
}
