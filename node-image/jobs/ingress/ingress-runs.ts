import type { IngressInfo } from '@livekit/protocol';
import type { Logger } from 'pino';
import { type IngressObserver, IngressRun } from './ingress-run';
import type { IngressStore } from './ingress-store';

export interface IngressRunsOptions {
  readonly store: IngressStore;
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

  /**
   * Begins a run, ends the one before on this node, and says so.
   *
   * @param stop - has it end: called by whoever wants that, perhaps several times.
   * @param ended - it has ended, or is somebody else's: called once
   * @throws IngressRefusedError, IngressGoneError
   */
  async begin(options: {
    readonly info: IngressInfo;
    readonly resourceId: string;
    readonly stop: (reason: StopReason) => void;
    readonly ended?: ((run: IngressRun) => void) | undefined;
  }): Promise<IngressRun> {
    const { info, resourceId, stop, ended } = options;
    const { store, observer, log } = this.#options;
    if (this.#closed) {
      throw new IngressRefusedError('the node is closing, try again');
    }
    this.stopIngress(info.ingressId, 'replaced');
    const run: IngressRun = new IngressRun({
      store,
      info,
      resourceId,
      observer,
      log,
      onEnded: () => {
        this.#entries.delete(resourceId);
        ended?.(run);
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

  /** Idempotent. Resolves when it is written down that nobody sends. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const runs = [...this.#entries.values()].map(({ run }) => run);
    for (const { stop } of [...this.#entries.values()]) stop('closed');
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
