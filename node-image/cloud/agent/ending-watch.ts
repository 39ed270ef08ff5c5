import type { Logger } from 'pino';
import { isStale } from '../../cluster/node-record';
import type { ClusterSnapshot, Registry } from '../../cluster/registry';
import type { SluiceConfig } from '../../contract';
import type { Ending } from '../cloud-order';
import { isEmptied, nodesOn, orderForMachine } from '../machine-nodes';
import type { TerminatingHook } from '../notice-desk';
import { HookKeeper } from './hook-keeper';

/** A notice is seen within this, ms. */
const INTERVAL_MS = 2000;
/** The process of a node that does not answer for so long will not come back, ms: its machine restarts it sooner. */
const GONE_MS = 30_000;
/** A hook that did not wait when it was to be completed is tried again after so long, ms, then longer. */
const FIRST_RETRY_MS = 2000;
const LAST_RETRY_MS = 60_000;

/** What a cloud tells a machine about its end. Methods reject where there is no answer. */
export interface EndingNotices {
  targetLifecycleState(): Promise<string | undefined>;
  spotAction(): Promise<{ readonly action: string; readonly atMs: number } | undefined>;
  rebalanceSince(): Promise<number | undefined>;
}

export interface EndingWatchOptions {
  readonly machineId: string;
  readonly notices: EndingNotices;
  readonly hook: TerminatingHook;
  readonly registry: Registry;
  readonly drain: SluiceConfig['sluice']['drain'];
  /** Whether the process of the node answers on this machine. Never rejects. */
  readonly isNodeAlive: () => Promise<boolean>;
  /** Done before the machine may end, in bounded time. Never rejects. @default - nothing */
  readonly beforeEnd?: (() => Promise<void>) | undefined;
  readonly log: Logger;
  /** ms; a notice is to be seen within 5 s. @default 2000 */
  readonly intervalMs?: number;
  /** @default 30000 */
  readonly goneMs?: number;
  /** Between two attempts to tell the hook, where one failed, ms. @default 3000 */
  readonly retryMs?: number;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * The first path of a cloud's notices, on the machine itself: sees that the machine is to end, orders
 * the drain of its node, holds the end back until the node is empty or gone, and lets it happen then.
 *
 * Remembers nothing that it could not find out anew: it may be restarted at any time.
 */
export class EndingWatch {
  readonly #options: EndingWatchOptions;
  readonly #now: () => number;
  readonly #keeper: HookKeeper;
  readonly #timer: NodeJS.Timeout;
  readonly #failing = new Set<string>();
  #running: Promise<void> | undefined;
  #aliveAtMs: number;
  #retryAtMs = 0;
  #retryMs = FIRST_RETRY_MS;
  #isCompleted = false;
  #closed = false;

  constructor(options: EndingWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#aliveAtMs = this.#now();
    this.#keeper = new HookKeeper(options);
    this.#timer = setInterval(() => void this.look(), options.intervalMs ?? INTERVAL_MS);
  }

  /** Whether the hook was told by this process that the machine may end. */
  get isCompleted(): boolean {
    return this.#isCompleted;
  }

  /** Looks now. Calls at the same time share one look. Never rejects. */
  look(): Promise<void> {
    this.#running ??= this.#look()
      .catch((error: unknown) => {
        this.#options.log.warn(
          { err: error },
          'the end of this machine is not prepared; once more',
        );
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Idempotent. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#keeper.close();
    await this.#running;
  }

  async #look(): Promise<void> {
    if (this.#isCompleted || this.#closed) return;
    const { notices } = this.#options;
    const [target, spot, rebalanceSince] = await Promise.all([
      this.#read('target-lifecycle-state', notices.targetLifecycleState()),
      this.#read('spot/instance-action', notices.spotAction()),
      this.#read('rebalance', notices.rebalanceSince()),
    ]);
    const isTerminated = target === 'Terminated';
    // Before anything that may hang: from here on the machine is held.
    if (isTerminated) this.#keeper.start();
    const endings: Ending[] = [
      ...(spot === undefined ? [] : [{ kind: 'interruption' as const, ...spot }]),
      ...(isTerminated ? [{ kind: 'terminate' as const, inAllMs: this.#keeper.inAllMs }] : []),
      ...(rebalanceSince === undefined ? [] : [{ kind: 'rebalance' as const }]),
    ];
    if (endings.length > 0) await this.#prepare(endings, isTerminated);
  }

  async #prepare(endings: readonly Ending[], isTerminated: boolean): Promise<void> {
    const isAlive = await this.#options.isNodeAlive();
    const now = this.#now();
    if (isAlive) this.#aliveAtMs = now;
    const { goneMs = GONE_MS } = this.#options;
    if (isTerminated && now - this.#aliveAtMs >= goneMs) {
      return this.#complete('the process of its node is gone');
    }
    for (const ending of endings) await this.#order(ending);
    const snapshot = await this.#options.registry.snapshot();
    if (isTerminated && this.#isEmpty(snapshot)) await this.#complete('its node is empty');
  }

  async #order(ending: Ending): Promise<void> {
    const { registry, machineId, drain, log } = this.#options;
    const snapshot = await registry.snapshot();
    for (const nodeId of await orderForMachine({ registry, snapshot, machineId, ending, drain })) {
      const text = `draining node ${nodeId}: ${ending.kind} of machine ${machineId}`;
      log.info({ ending }, text);
      await registry.audit({ by: `agent of ${machineId}`, text });
    }
  }

  #isEmpty(snapshot: ClusterSnapshot): boolean {
    const nodes = nodesOn(snapshot, this.#options.machineId).filter((node) => !isStale(node));
    return nodes.length > 0 && nodes.every(isEmptied);
  }

  async #complete(why: string): Promise<void> {
    const { hook, machineId, beforeEnd, log } = this.#options;
    if (this.#now() < this.#retryAtMs) return;
    log.info({ machineId, why }, 'this machine is ready to end');
    await beforeEnd?.();
    this.#retryAtMs = this.#now() + this.#retryMs;
    this.#retryMs = Math.min(LAST_RETRY_MS, 2 * this.#retryMs);
    if (await hook.complete(machineId, 'CONTINUE')) {
      this.#isCompleted = true;
      this.#keeper.close();
      log.info({ machineId, why }, 'the cloud may end this machine');
    }
  }

  /** One that does not answer must not keep the others from being heeded. */
  async #read<T>(what: string, asked: Promise<T>): Promise<T | undefined> {
    try {
      const answer = await asked;
      this.#failing.delete(what);
      return answer;
    } catch (error) {
      if (!this.#failing.has(what)) {
        this.#options.log.warn({ err: error }, `the cloud does not say ${what}; it is asked again`);
      }
      this.#failing.add(what);
      return undefined;
    }
  }
}
