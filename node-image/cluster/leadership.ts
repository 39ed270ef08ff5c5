import type { Logger } from 'pino';
import type { Lease, Registry } from './registry';

/** How long a leader may be silent before another takes over, and how often it says it is there, ms. */
const LEASE_MS = 6000;
const RENEW_MS = 2000;

export interface LeadershipOptions {
  readonly registry: Registry;
  readonly nodeId: string;
  readonly log: Logger;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/** Whether this node is the one that decides for the cluster. At most one is, at any time. */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #lease: Lease | undefined;
  #validUntilMs = 0;
  #busy: Promise<void> | undefined;
  #closed = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#timer = setInterval(() => void this.renew(), RENEW_MS);
  }

  /** Counted from before it was asked for: the registry may have answered late. */
  get leads(): boolean {
    return this.#lease !== undefined && this.#now() < this.#validUntilMs;
  }

  /** Never rejects. */
  renew(): Promise<void> {
    this.#busy ??= this.#renew().finally(() => {
      this.#busy = undefined;
    });
    return this.#busy;
  }

  /** Lets another one lead at once. Idempotent. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#busy;
    if (this.#lease !== undefined) {
      await this.#options.registry.releaseLease(this.#lease).catch(() => {});
      this.#lease = undefined;
    }
  }

  async #renew(): Promise<void> {
    const { registry, nodeId, log } = this.#options;
    const askedMs = this.#now();
    const led = this.leads;
    try {
      this.#lease = await registry.acquireLease('controller', nodeId, LEASE_MS);
    } catch {
      // Without an answer it leads for as long as its lease holds, and no longer.
      return;
    }
    if (this.#lease !== undefined) {
      this.#validUntilMs = askedMs + LEASE_MS;
    }
    if (this.leads !== led) {
      log.info(this.leads ? 'this node leads the cluster now' : 'another node leads the cluster');
    }
  }
}
