import { RateLimiterMemory } from 'rate-limiter-flexible';
import { addressGroup } from './client-address';

export type JoinRefusal = 'address' | 'key' | 'pending' | 'descriptors';

/** Connections end when people leave, which takes longer than a second. */
const DESCRIPTORS_RETRY_S = 5;

/**
 * A join was refused for now.
 *
 * What clients do: livekit-client then asks `/rtc/validate`, and unless that says 401, 403 or 404
 * it reports an error and, when it was reconnecting, tries again with growing delays for about 45 s;
 * Rust and Go treat every status but 404 so. A 401 or 403 would be final, hence 429 and 503.
 */
export class JoinRefusedError extends Error {
  override readonly name = 'JoinRefusedError';

  constructor(
    readonly reason: JoinRefusal,
    readonly status: 429 | 503,
    message: string,
    /** For the header Retry-After, in s. */
    readonly retryAfterSeconds: number,
  ) {
    super(message);
  }
}

export interface JoinLimitsOptions {
  /** `sluice.joins_per_second_by_address`; an IPv6 /64 is one address. 0: no limit. */
  readonly perSecondByAddress: number;
  /** `sluice.joins_per_second_by_key`. 0: no limit. */
  readonly perSecondByKey: number;
  /** `sluice.pending_handshakes`: joins worked on at a time. 0: no limit. */
  readonly pendingHandshakes: number;
  /** Whether the node has hardly any file descriptors left. @default - it always has */
  readonly isOutOfDescriptors?: (() => boolean) | undefined;
  /** Told of each refusal, for metrics. */
  readonly observe?: (reason: JoinRefusal) => void;
}

/**
 * How many may join, and how fast. Remembers an address for a second, so that memory is bounded
 * by the connections of one second.
 */
export class JoinLimits {
  readonly #options: JoinLimitsOptions;
  readonly #byAddress: RateLimiterMemory | undefined;
  readonly #byKey: RateLimiterMemory | undefined;
  #pending = 0;

  constructor(options: JoinLimitsOptions) {
    this.#options = options;
    this.#byAddress = limiterOf(options.perSecondByAddress);
    this.#byKey = limiterOf(options.perSecondByKey);
  }

  /** Joins being worked on. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * The first thing done with a handshake, before its token is looked at.
   *
   * @returns to be called when the handshake is over, however it ended; more often does no harm.
   * @throws JoinRefusedError
   */
  async begin(address: string): Promise<() => void> {
    const { pendingHandshakes, isOutOfDescriptors } = this.#options;
    if (isOutOfDescriptors?.() === true) {
      const message = 'too many connections are open on this node, try again in a few seconds';
      throw this.#refused('descriptors', 503, message, DESCRIPTORS_RETRY_S);
    }
    if (pendingHandshakes > 0 && this.#pending >= pendingHandshakes) {
      throw this.#refused('pending', 503, 'too many joins are under way, try again in a second');
    }
    this.#pending += 1;
    let open = true;
    const release = (): void => {
      if (open) this.#pending -= 1;
      open = false;
    };
    if (!(await takes(this.#byAddress, addressGroup(address)))) {
      release();
      throw this.#refused(
        'address',
        429,
        'too many joins from this address, try again in a second',
      );
    }
    return release;
  }

  /**
   * Once the token is verified: nobody else's key can be used up.
   *
   * @throws JoinRefusedError
   */
  async countKey(apiKey: string): Promise<void> {
    if (await takes(this.#byKey, apiKey)) return;
    throw this.#refused('key', 429, 'too many joins with this API key, try again in a second');
  }

  #refused(
    reason: JoinRefusal,
    status: 429 | 503,
    message: string,
    retryAfterSeconds = 1,
  ): JoinRefusedError {
    this.#options.observe?.(reason);
    return new JoinRefusedError(reason, status, message, retryAfterSeconds);
  }
}

const limiterOf = (perSecond: number): RateLimiterMemory | undefined =>
  perSecond > 0 ? new RateLimiterMemory({ points: perSecond, duration: 1 }) : undefined;

async function takes(limiter: RateLimiterMemory | undefined, key: string): Promise<boolean> {
  if (limiter === undefined) return true;
  try {
    await limiter.consume(key);
    return true;
  } catch {
    return false;
  }
}
