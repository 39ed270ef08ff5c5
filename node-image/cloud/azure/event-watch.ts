import type { Logger } from 'pino';
import { isStale, type RegisteredNode } from '../../cluster/node-record';
import type { ClusterSnapshot, Registry } from '../../cluster/registry';
import type { SluiceConfig } from '../../contract';
import { isEmptied, nodesOn } from '../machine-nodes';
import { eventOrder, isEnd, isForMaintenance, isShortPause } from './event-order';
import type { ScheduledEvent, ScheduledEvents } from './scheduled-events';

/** As often as Azure recommends, ms. */
const INTERVAL_MS = 1000;
/** The process of a node that does not answer for so long will not come back, ms. */
const GONE_MS = 30_000;
/** An approval that changed nothing yet is sent again after so long, ms. */
const AGAIN_MS = 10_000;
/** An order that would end so little earlier is the same one, ms. */
const SAME_MS = 2000;

export interface EventWatchOptions {
  /** Name of this machine, as events have it. */
  readonly machineId: string;
  readonly events: Pick<ScheduledEvents, 'list' | 'approve'>;
  readonly registry: Registry;
  readonly drain: SluiceConfig['sluice']['drain'];
  /** Whether the process of the node answers on this machine. Never rejects. */
  readonly isNodeAlive: () => Promise<boolean>;
  /** Waited for before the machine is given up: its last lines of log. @default - nothing */
  readonly beforeEnd?: () => Promise<void>;
  readonly log: Logger;
  /** ms. @default 1000 */
  readonly intervalMs?: number;
  /** @default 30000 */
  readonly goneMs?: number;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * Sees what Azure is about to do to this machine, orders the drain of its node in time, and lets it
 * happen as soon as the node is empty or gone.
 *
 * Remembers nothing that it could not find out anew: it may be restarted at any time.
 */
export class EventWatch {
  readonly #options: EventWatchOptions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** When events were approved. */
  readonly #approvedAtMs = new Map<string, number>();
  #running: Promise<void> | undefined;
  #aliveAtMs: number;
  #isFailing = false;
  /** Whether there may be an order that an event was the reason of. */
  #mayBeOrdered = true;
  #closed = false;

  constructor(options: EventWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#aliveAtMs = this.#now();
    this.#timer = setInterval(() => void this.look(), options.intervalMs ?? INTERVAL_MS);
  }

  /** Looks now. Calls at the same time share one look. Never rejects. */
  look(): Promise<void> {
    this.#running ??= this.#look()
      .then(() => {
        this.#isFailing = false;
      })
      .catch((error: unknown) => {
        if (!this.#isFailing) {
          this.#options.log.warn({ err: error }, 'events of Azure are not looked after; once more');
        }
        this.#isFailing = true;
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Idempotent. Never rejects. A look that hangs is not waited for. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const listed = await this.#options.events.list();
    if (this.#closed) return;
    const mine = listed.filter((event) => event.machines.some((name) => this.#isMine(name)));
    for (const id of this.#approvedAtMs.keys()) {
      if (!mine.some((event) => event.id === id)) this.#approvedAtMs.delete(id);
    }
    const isWorth = mine.some((event) => !isShortPause(event));
    if (this.#mayBeOrdered && !isWorth) await this.#serveAgain();
    this.#mayBeOrdered = isWorth;
    if (mine.length === 0) {
      this.#aliveAtMs = this.#now();
      return;
    }
    if (await this.#options.isNodeAlive()) this.#aliveAtMs = this.#now();
    for (const event of mine) await this.#order(event);
    const snapshot = await this.#options.registry.snapshot();
    for (const event of mine) await this.#approve(event, snapshot);
  }

  async #order(event: ScheduledEvent): Promise<void> {
    const { registry, machineId, drain, log } = this.#options;
    const snapshot = await registry.snapshot();
    // Both ends of this span by the same clock, as the registry's may be another one.
    const inMs = event.notBeforeMs === undefined ? 0 : event.notBeforeMs - Date.now();
    const wanted = eventOrder(event, inMs, drain, snapshot.nowMs);
    if (wanted === undefined) return;
    for (const { record, order } of nodesOn(snapshot, machineId)) {
      const isSooner = wanted.deadlineMs < (order?.deadlineMs ?? Infinity) - SAME_MS;
      const isFinal = order?.final === undefined && wanted.final !== undefined;
      if (!isSooner && !isFinal) continue;
      const holds = await registry.order(record.id, wanted);
      if (holds.id !== wanted.id) continue;
      const text = `draining node ${record.id}: ${event.type} of machine ${machineId}`;
      log.info({ event }, text);
      await registry.audit({ by: `agent of ${machineId}`, text });
    }
  }

  async #approve(event: ScheduledEvent, snapshot: ClusterSnapshot): Promise<void> {
    const { events, machineId, beforeEnd, log } = this.#options;
    if (event.isStarted || !this.#mayStart(event, snapshot)) return;
    const approvedAtMs = this.#approvedAtMs.get(event.id);
    if (approvedAtMs !== undefined && this.#now() - approvedAtMs < AGAIN_MS) return;
    if (approvedAtMs === undefined) {
      log.info(
        { event, machineId },
        'Azure may begin: nothing is left on this machine to be moved',
      );
      if (isEnd(event)) await beforeEnd?.();
    }
    await events.approve(event.id);
    this.#approvedAtMs.set(event.id, this.#now());
  }

  /** An approval counts for all machines of the event: each of them is to be ready. */
  #mayStart(event: ScheduledEvent, snapshot: ClusterSnapshot): boolean {
    if (isShortPause(event)) return true;
    const isEmpty = isEnd(event)
      ? isEmptied
      : ({ record, order }: RegisteredNode) => record.state === 'drained' && order !== undefined;
    return event.machines.every((name) => {
      const nodes = nodesOn(snapshot, this.#isMine(name) ? this.#options.machineId : name).filter(
        (node) => !isStale(node),
      );
      if (nodes.length > 0 && nodes.every(isEmpty)) return true;
      const { goneMs = GONE_MS } = this.#options;
      return this.#isMine(name) && this.#now() - this.#aliveAtMs >= goneMs;
    });
  }

  /** What Azure had announced is over, or does not come: nodes that were drained for it are wanted. */
  async #serveAgain(): Promise<void> {
    const { registry, machineId, log } = this.#options;
    for (const { record, order } of nodesOn(await registry.snapshot(), machineId)) {
      if (order === undefined || !isForMaintenance(order)) continue;
      if (!(await registry.cancelOrder(record.id))) continue;
      const text = `node ${record.id} serves again: ${order.reason} is over`;
      log.info(text);
      await registry.audit({ by: `agent of ${machineId}`, text });
    }
  }

  #isMine(name: string): boolean {
    return name.toLowerCase() === this.#options.machineId.toLowerCase();
  }
}
