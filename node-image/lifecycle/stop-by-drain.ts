import type { Logger } from 'pino';
import type { DrainOrder } from '../cluster/node-record';
import type { Registry } from '../cluster/registry';
import type { SluiceConfig } from '../contract';
import { newId } from '../room/ids';
import type { Seat } from './seat';

/** Leaves in order: by a drain like any other, after which the node ends. */
export function stopByDrain(options: {
  readonly registry: Registry;
  readonly seat: Seat;
  readonly drain: SluiceConfig['sluice']['drain'];
  readonly close: () => Promise<void>;
  readonly log: Logger;
}): (reason: string) => Promise<void> {
  const { registry, seat, drain, close, log } = options;
  let stopping: Promise<void> | undefined;
  const stop = async (reason: string): Promise<void> => {
    const now = seat.nowMs();
    const before = seat.drain.order;
    const order: DrainOrder = {
      id: newId('DR_'),
      reason,
      // Who has ordered a drain before may be in more of a hurry, never in less.
      patienceUntilMs: Math.min(now + drain.patience, before?.patienceUntilMs ?? Infinity),
      deadlineMs: Math.min(now + drain.deadline, before?.deadlineMs ?? Infinity),
      // A process that was told to stop cannot stay.
      onDeadline: 'force',
      final: `its process was told to stop (${reason})`,
    };
    const standing = await registry.order(seat.record().id, order).catch(() => {
      log.warn('the registry cannot be told of the drain; it begins all the same');
      return order;
    });
    seat.drain.obey(standing);
    await seat.drain.whenDrained();
    await close();
  };
  return (reason) => {
    if (stopping !== undefined) {
      log.info({ reason }, 'this node drains already; being asked again changes nothing');
    }
    stopping ??= stop(reason);
    return stopping;
  };
}
