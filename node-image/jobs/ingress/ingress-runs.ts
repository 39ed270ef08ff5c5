import type { IngressInfo } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { Ledger } from '../../cluster/ledger';
import { type IngressObserver, IngressRun } from './ingress-run';
import type { IngressStore } from './ingress-store';

export interface IngressRunsOptions {
  readonly store: IngressStore;
  readonly ledger: Pick<Ledger, 'reserve' | 'release'>;
  /** Share of the node's CPU that stays free besides. `ingress.cpu_cost.min_idle_ratio`. @default 0 */
  readonly idleRatio?: number;
  readonly observer: IngressObserver;
  readonly log: Logger;
  /** How often it is looked whether each Ingress is still there, and its run the newest, ms. @default 2000 */
  readonly watchMs?: number;
}

/** Why a run has to end that goes well. */
export type StopReason = 'deleted' | 'replaced' | 'drained' | 'closed';

interface Entry {
  readonly run: IngressRun;
  readonly stop: (reason: StopReason) => void;
}

/** The node has no room for one more. */
export class IngressRefusedError extends Error {
  override readonly name = 'IngressRefusedError';
}

/** The Ingress is not there any more. */
export class IngressGoneError extends Error {
  override readonly name = 'IngressGoneError';
}

const WATCH_MS = 2000;

/** The runs of this node, from when somebody is about to send until nobody does. */
export class IngressRuns {
  readonly #options: IngressRunsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;
  #looking = false;
  #closed = false;

  constructor(options: IngressRunsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), options.watchMs ?? WATCH_MS);
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Begins a run: reserves what it takes, ends the one before on this node, and says so.
   *
   * @param stop - has it end: called by whoever wants that, perhaps several times.
   * @throws IngressRefusedError, IngressGoneError
   */
  async begin(options: {
    readonly info: IngressInfo;
    readonly resourceId: string;
    readonly cpus: number;
    readonly stop: (reason: StopReason) => void;
  }): Promise<IngressRun> {
    const { info, resourceId, cpus, stop } = options;
    const { store, ledger, idleRatio = 0, observer, log } = this.#options;
    if (this.#closed) {
      throw new IngressRefusedError('the node is closing, try again');
    }
    // Its place is free for the new one: it is the same sender who comes back, most often.
    this.stopIngress(info.ingressId, 'replaced');
    if (!ledger.reserve({ id: resourceId, kind: 'ingress', cost: { cpus }, idleRatio })) {
      throw new IngressRefusedError(
        `this node has no ${cpus} cores left, which is what this Ingress takes, try again later`,
      );
    }
    const run = new IngressRun({
      store,
      info,
      resourceId,
      observer,
      log,
      onEnded: () => {
        ledger.release(resourceId);
        this.#entries.delete(resourceId);
      },
    });
    this.#entries.set(resourceId, { run, stop });
    if (!(await run.buffering())) {
      await run.ended();
      throw new IngressGoneError('ingress does not exist');
    }
    return run;
  }

  /** Ends the runs of one Ingress on this node. */
  stopIngress(ingressId: string, reason: StopReason): void {
    for (const { run, stop } of [...this.#entries.values()]) {
      if (run.ingressId === ingressId) {
        stop(reason);
      }
    }
  }

  /** Ends all of them: their senders find another node. */
  stopAll(reason: StopReason): void {
    for (const { stop } of [...this.#entries.values()]) {
      stop(reason);
    }
  }

  /** Idempotent. Resolves when it is written down that nobody sends. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const runs = [...this.#entries.values()].map(({ run }) => run);
    this.stopAll('closed');
    await Promise.all(runs.map((run) => run.ended()));
  }

  /** An Ingress may be deleted while nobody can say so here; its sender may have gone elsewhere. */
  async #look(): Promise<void> {
    if (this.#looking) {
      return;
    }
    this.#looking = true;
    try {
      for (const { run, stop } of [...this.#entries.values()]) {
        const stored = await this.#options.store.get(run.ingressId);
        if (stored === undefined) {
          stop('deleted');
        } else if (stored.info.state?.resourceId !== run.resourceId) {
          stop('replaced');
        }
      }
    } catch {
      // What is not known ends nothing: the next look tells.
    } finally {
      this.#looking = false;
    }
  }
}
