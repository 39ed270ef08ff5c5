import { nanoid } from 'nanoid';
import type { DrainOrder, OnDeadline } from '../../cluster/node-record';
import type { SluiceConfig } from '../../contract';
import type { ScheduledEvent } from './scheduled-events';

/** The node is to be empty so long before the event, ms. */
const MARGIN_MS = 10_000;
/** Rooms that did not end by themselves have so long to move, ms. */
const MOVING_MS = 120_000;
/** A pause that is shorter is heard as a gap, and nobody calls the node dead, s. */
const SHORT_PAUSE_S = 5;
/** Whose reasons begin so can be taken back when Azure takes back the event. */
const MAINTENANCE = 'Azure maintenance: ';

type Settings = SluiceConfig['sluice']['drain'];

interface Terms {
  readonly reason: string;
  /** Why nobody can take it back. */
  readonly final?: string;
  /** ms */
  readonly patienceMs: number;
  readonly onDeadline: OnDeadline;
}

/** Whether an event changes nothing that is worth a drain: a memory-preserving update. */
export const isShortPause = ({ type, seconds }: ScheduledEvent): boolean =>
  type === 'Freeze' && seconds >= 0 && seconds < SHORT_PAUSE_S;

/** Whether an event is the end of the machine. */
export const isEnd = ({ type }: ScheduledEvent): boolean =>
  type === 'Terminate' || type === 'Preempt';

/** Whether an order was given for an event that may pass, and the node is to serve again. */
export const isForMaintenance = ({ reason, final }: DrainOrder): boolean =>
  final === undefined && reason.startsWith(MAINTENANCE);

/**
 * The order to drain that follows from an event: it gives as much time as Azure does. What ends the
 * machine is final; a restart is not, as the node serves again afterwards.
 *
 * | event | notice | what is done |
 * |---|---|---|
 * | Terminate | 5 to 15 min | final; Rooms move in time |
 * | Preempt | 30 s | final; all Rooms move at once |
 * | Reboot, Redeploy | 15 min, 10 min | Rooms move in time, the node serves again afterwards |
 * | Freeze | 15 min | the same; nothing where it lasts less than 5 s |
 *
 * Source: learn.microsoft.com, "Azure Metadata Service: Scheduled Events for Linux VMs", "Event
 * scheduling".
 *
 * @param inMs - until the event may start
 * @param nowMs - by the registry's clock
 * @returns undefined where nothing is to be drained.
 */
export function eventOrder(
  event: ScheduledEvent,
  inMs: number,
  drain: Settings,
  nowMs: number,
): DrainOrder | undefined {
  const terms = termsOf(event, drain);
  // What has begun is over when the node is back: only an end is still worth an order.
  if (terms === undefined || (event.isStarted && !isEnd(event))) return undefined;
  const { reason, final, patienceMs, onDeadline } = terms;
  const deadlineMs = Math.max(0, Math.min(drain.deadline, inMs - MARGIN_MS));
  return {
    id: `DR_${nanoid(12)}`,
    reason,
    patienceUntilMs: nowMs + Math.max(0, Math.min(patienceMs, deadlineMs - MOVING_MS)),
    deadlineMs: nowMs + deadlineMs,
    onDeadline,
    ...(final === undefined ? {} : { final }),
  };
}

function termsOf(event: ScheduledEvent, drain: Settings): Terms | undefined {
  const { patience: patienceMs } = drain;
  switch (event.type) {
    case 'Terminate':
      return {
        reason: 'Azure deletes the machine',
        final: 'Azure deletes the machine',
        patienceMs,
        // Nobody can keep it.
        onDeadline: 'force',
      };
    case 'Preempt':
      return {
        reason: 'Azure takes the spot machine back',
        final: 'Azure takes the spot machine back',
        patienceMs: 0,
        onDeadline: 'force',
      };
    case 'Reboot':
      return { reason: `${MAINTENANCE}restart`, patienceMs, onDeadline: 'force' };
    case 'Redeploy':
      return { reason: `${MAINTENANCE}move to other hardware`, patienceMs, onDeadline: 'force' };
    case 'Freeze':
      return isShortPause(event)
        ? undefined
        : { reason: `${MAINTENANCE}pause`, patienceMs, onDeadline: 'keep' };
    default:
      return undefined;
  }
}
