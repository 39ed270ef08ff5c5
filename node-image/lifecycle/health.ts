/** LiveKit calls a node not ready when its statistics are older than this. */
const STALE_AFTER_MS = 4000;
const INTERVAL_MS = 2000;

export interface HealthOptions {
  /** What must be well for the node to be ready: a name, and what is wrong, if anything is. */
  readonly checks: Readonly<Record<string, () => string | undefined>>;
  /** @default 2000 */
  readonly intervalMs?: number;
  /** @default Date.now */
  readonly now?: () => number;
}

/**
 * Whether this node is ready, for load balancers: it looked at itself within the last 4 s and
 * found nothing wrong. A blip shorter than that changes nothing.
 */
export class Health {
  readonly #checks: HealthOptions['checks'];
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #wellAtMs: number;
  #reasons: readonly string[] = [];

  constructor({ checks, intervalMs = INTERVAL_MS, now = Date.now }: HealthOptions) {
    this.#checks = checks;
    this.#now = now;
    this.#wellAtMs = 0;
    this.check();
    this.#timer = setInterval(() => this.check(), intervalMs);
    this.#timer.unref();
  }

  /** Not ready from now on, whatever else is well: for a node that ends. */
  fail(reason: string): void {
    clearInterval(this.#timer);
    this.#reasons = [reason];
    this.#wellAtMs = 0;
  }

  /** Looks now, instead of at the next interval. */
  check(): void {
    this.#reasons = Object.entries(this.#checks).flatMap(([name, check]) => {
      const reason = reasonOf(check);
      return reason === undefined ? [] : [`${name}: ${reason}`];
    });
    if (this.#reasons.length === 0) this.#wellAtMs = this.#now();
  }

  /** The answer to `GET /`: 200 "OK", or 406 "Not Ready" and why. */
  report(): { status: number; text: string } {
    if (this.#now() - this.#wellAtMs <= STALE_AFTER_MS) return { status: 200, text: 'OK' };
    const lines = [
      'Not Ready',
      `Node Updated At ${new Date(this.#wellAtMs).toISOString()}`,
      ...this.#reasons,
    ];
    return { status: 406, text: lines.join('\n') };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function reasonOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return String(error);
  }
}
