import type { Logger } from 'pino';
import type { Leadership } from '../cluster/leadership';
import { isStale } from '../cluster/node-record';
import type { ClusterSnapshot, Registry } from '../cluster/registry';
import type { SluiceConfig } from '../contract';
import type { Ending } from './cloud-order';
import { isEmptied, nodesOn, orderForMachine } from './machine-nodes';
import type { MachineNotice, NoticeQueue } from './notices';

/**
 * A machine that waits and runs, and has had no node for so long, is let go, ms. Its agent knows
 * sooner whether the node is gone: from here it may only be cut off, and carry calls.
 */
const LOST_MS = 600_000;
/** A notice of an interruption that is past for longer is of an earlier life of the machine, ms. */
const LATE_MS = 60_000;
/** A recommendation that is older is heeded no more, ms. */
const OLD_RECOMMENDATION_MS = 3_600_000;
/** As many answers of the queue are worked off in one go. */
const MOST_ROUNDS = 10;

/** The machines of the cloud that wait for their nodes to be empty. */
export interface WaitingMachines {
  waiting(): Promise<readonly { readonly id: string; readonly isRunning: boolean }[]>;
  /** Whether the cloud ends this machine, or has done so. */
  isEnding(machineId: string): Promise<boolean>;
}

/** Where machines wait until somebody says go on. Both give false where it waits no more. */
export interface TerminatingHook {
  /** @returns undefined where there is no such hook. */
  times(): Promise<{ readonly heartbeatMs: number; readonly inAllMs: number } | undefined>;
  heartbeat(machineId: string): Promise<boolean>;
  complete(machineId: string, result: 'CONTINUE'): Promise<boolean>;
}

export interface NoticeDeskOptions {
  readonly nodeId: string;
  readonly registry: Registry;
  readonly leadership: Pick<Leadership, 'leads'>;
  readonly machines: WaitingMachines;
  readonly hook: TerminatingHook;
  /** @default - none is read: what waits is found by looking at the group */
  readonly queue?: NoticeQueue | undefined;
  readonly drain: SluiceConfig['sluice']['drain'];
  readonly log: Logger;
  /** How often it looks, ms. @default 5000 */
  readonly intervalMs?: number;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * The second path of a cloud's notices, on the Master Node that leads: beside the agent of each
 * machine. It orders drains, says that machines need more time, and lets those go whose node is
 * empty or that are dead. Everything may be done twice, by both, without a difference.
 */
export class NoticeDesk {
  readonly #options: NoticeDeskOptions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  /** Machines that wait, by when their node was last seen. */
  #seenAtMs = new Map<string, number>();
  #beatAtMs = new Map<string, number>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: NoticeDeskOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#timer = setInterval(() => void this.run(), options.intervalMs ?? 5000);
  }

  /** Calls at the same time share one run. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Idempotent. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { leadership, log } = this.#options;
    if (!leadership.leads || this.#closed) {
      this.#seenAtMs.clear();
      this.#beatAtMs.clear();
      return;
    }
    // Each by itself: a queue that does not answer must not keep a machine waiting.
    for (const [what, work] of [
      ['machines that wait could not be looked after', () => this.#lookAfterWaiting()],
      ['the queue of notices could not be worked off', () => this.#workOffQueue()],
    ] as const) {
      await work().catch((error: unknown) => log.warn({ err: error }, `${what}; it tries again`));
    }
  }

  async #lookAfterWaiting(): Promise<void> {
    const { machines, hook, registry } = this.#options;
    const waiting = await machines.waiting();
    for (const known of [this.#seenAtMs, this.#beatAtMs]) {
      for (const id of known.keys()) {
        if (!waiting.some((machine) => machine.id === id)) known.delete(id);
      }
    }
    if (waiting.length === 0) return;
    const [snapshot, times] = await Promise.all([registry.snapshot(), hook.times()]);
    for (const machine of waiting) {
      if (!this.#options.leadership.leads) return;
      await this.#lookAfter(machine, snapshot, times);
    }
  }

  async #lookAfter(
    { id, isRunning }: { readonly id: string; readonly isRunning: boolean },
    snapshot: ClusterSnapshot,
    times: Awaited<ReturnType<TerminatingHook['times']>>,
  ): Promise<void> {
    if (!isRunning) {
      return this.#letGo(id, 'it runs no more');
    }
    await this.#order(id, { kind: 'terminate', inAllMs: times?.inAllMs }, snapshot);
    const nodes = nodesOn(snapshot, id).filter((node) => !isStale(node));
    const now = this.#now();
    if (nodes.length > 0 || !this.#seenAtMs.has(id)) this.#seenAtMs.set(id, now);
    if (nodes.length > 0 && nodes.every(isEmptied)) {
      return this.#letGo(id, 'its node is empty');
    }
    if (now - (this.#seenAtMs.get(id) ?? now) >= LOST_MS) {
      return this.#letGo(id, 'no node has run on it for 10 minutes');
    }
    const beatEveryMs = (times?.heartbeatMs ?? 0) / 3;
    if (times !== undefined && now - (this.#beatAtMs.get(id) ?? -Infinity) >= beatEveryMs) {
      this.#beatAtMs.set(id, now);
      await this.#options.hook.heartbeat(id);
    }
  }

  async #letGo(machineId: string, why: string): Promise<void> {
    const { hook } = this.#options;
    if (await hook.complete(machineId, 'CONTINUE')) {
      await this.#audit(`let the cloud end machine ${machineId}: ${why}`);
    }
  }

  async #workOffQueue(): Promise<void> {
    const { queue, log, leadership } = this.#options;
    for (let round = 0; queue !== undefined && round < MOST_ROUNDS; round += 1) {
      const messages = await queue.receive();
      for (const { notice, done } of messages) {
        if (!leadership.leads || this.#closed) return;
        try {
          await this.#heed(notice);
        } catch (error) {
          // It stays in the queue, and comes again.
          log.warn({ err: error, notice }, 'a notice could not be heeded; it comes again');
          continue;
        }
        await done();
      }
      if (messages.length === 0) return;
    }
  }

  async #heed(notice: MachineNotice): Promise<void> {
    const { machines, hook, log, registry } = this.#options;
    log.debug({ notice }, 'the cloud has said something');
    switch (notice.kind) {
      case 'terminating': {
        // A message may be late, or not what it seems: the group decides.
        if (await machines.isEnding(notice.machineId)) {
          const inAllMs = (await hook.times())?.inAllMs;
          await this.#order(notice.machineId, { kind: 'terminate', inAllMs });
        } else {
          log.warn({ notice }, 'a notice says that a machine ends, and the cloud does not end it');
        }
        return;
      }
      case 'interruption': {
        const { nowMs } = await registry.snapshot();
        if (nowMs - notice.atMs < LATE_MS) await this.#order(notice.machineId, notice);
        return;
      }
      case 'rebalance': {
        const { nowMs } = await registry.snapshot();
        if (nowMs - notice.sinceMs < OLD_RECOMMENDATION_MS) {
          await this.#order(notice.machineId, { kind: 'rebalance' });
        }
        return;
      }
      case 'gone':
        return this.#letGo(notice.machineId, 'it runs no more');
      case 'other':
        log.debug({ what: notice.what }, 'nothing follows from a notice');
    }
  }

  async #order(machineId: string, ending: Ending, seen?: ClusterSnapshot): Promise<void> {
    const { registry, drain } = this.#options;
    const snapshot = seen ?? (await registry.snapshot());
    for (const nodeId of await orderForMachine({ registry, snapshot, machineId, ending, drain })) {
      await this.#audit(`draining node ${nodeId}: ${ending.kind} of machine ${machineId}`);
    }
  }

  async #audit(text: string): Promise<void> {
    const { registry, nodeId, log } = this.#options;
    log.info({ decision: text }, 'the cloud has been answered');
    await registry.audit({ by: nodeId, text });
  }
}
