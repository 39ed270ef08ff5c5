import type { Logger } from 'pino';
import { askSentinel, type KnownToSentinel } from '../../cluster/redis/sentinel-question';
import type { Registry } from '../../cluster/registry';
import type { SluiceConfig } from '../../contract';
import { ownSentinel } from './own-sentinel';

/** How often it is looked, ms. */
const EVERY_MS = 10_000;
/** One that was down at so many looks after each other is gone, not restarted. */
const LOOKS = 3;
/** Sentinels find each other again within 2 s, replicas within 10 s: only then the next one may forget. */
const TURN_MS = 20_000;
/** With so many that live, each can be lost. */
const ENOUGH = 3;
const LEASE = 'sentinel-forget';

export interface SentinelCareOptions {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly registry: Pick<Registry, 'acquireLease' | 'audit'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Has the Sentinel of this machine forget machines that were replaced. Sentinel never does by itself,
 * and a fail-over needs more than half of all that it knows: each replaced machine would count as one
 * that says nothing for ever.
 */
export class SentinelCare {
  readonly #options: SentinelCareOptions;
  readonly #own: string;
  readonly #timer: NodeJS.Timeout;
  /** By address: at how many looks in a row it was down. */
  #down = new Map<string, number>();
  #looking = false;

  private constructor(options: SentinelCareOptions, own: string) {
    this.#options = options;
    this.#own = own;
    this.#timer = setInterval(() => void this.look(), EVERY_MS);
    this.#timer.unref();
  }

  /** @returns undefined where this machine has no Sentinel of its own */
  static start(options: SentinelCareOptions): SentinelCare | undefined {
    const own = ownSentinel(options.config);
    return own === undefined ? undefined : new SentinelCare(options, own);
  }

  /** Never rejects: it is looked again. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { config, nodeId, registry, log } = this.#options;
    try {
      const { redis } = config;
      await askSentinel({ redis, address: this.#own }, async (sentinel) => {
        const others = await sentinel.others();
        this.#down = countDown(this.#down, others);
        const gone = toForget(this.#down, others);
        if (gone.length === 0) return;
        // One Sentinel at a time, so that the others hold the cluster meanwhile. Not given back.
        const lease = await registry.acquireLease(LEASE, nodeId, TURN_MS);
        if (lease === undefined) return;
        await sentinel.forgetAll();
        this.#down.clear();
        log.info({ gone }, 'Sentinel forgets machines that were replaced');
        await registry.audit({
          by: nodeId,
          text: `the Sentinel ${this.#own} forgets ${gone.join(', ')}, gone and replaced`,
        });
      });
    } catch (error) {
      log.warn({ err: error }, 'the Sentinel of this machine cannot be asked; it is tried again');
    } finally {
      this.#looking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** At how many looks in a row each has been down, with this one. */
export function countDown(
  before: ReadonlyMap<string, number>,
  others: readonly KnownToSentinel[],
): Map<string, number> {
  return new Map(
    others
      .filter(({ isDown }) => isDown)
      .map(({ address }) => [address, (before.get(address) ?? 0) + 1]),
  );
}

/**
 * Those that are gone and were replaced. While fewer than three live nothing would be won: a fail-over
 * needs two of three, and two of two.
 */
export function toForget(
  down: ReadonlyMap<string, number>,
  others: readonly KnownToSentinel[],
): string[] {
  const live = 1 + others.filter(({ isDown }) => !isDown).length;
  if (live < ENOUGH) return [];
  return [...down].filter(([, looks]) => looks >= LOOKS).map(([address]) => address);
}
