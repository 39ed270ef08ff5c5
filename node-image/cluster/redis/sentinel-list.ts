import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { RedisConfig } from './redis-connection';
import { askSentinel, type KnownToSentinel } from './sentinel-question';

const stored = z.object({ format: z.literal(1), sentinels: z.array(z.string().min(3).max(300)) });
/** In the state folder of a node: those it knew last. */
export const SENTINELS_FILE = 'sentinels.json';
/** More than anybody runs. */
const MOST = 32;

/**
 * Where Sentinels are: those of the configuration, and those that these have told of since. Masters are
 * added and replaced while nodes run, and a node that is restarted later has to find the newer ones.
 */
export class SentinelList {
  readonly #configured: readonly string[];
  readonly #file: string | undefined;
  #found: readonly string[] = [];

  /** @param file - where what was found is kept. @default - it is not */
  constructor({ configured, file }: { configured: readonly string[]; file?: string | undefined }) {
    this.#configured = configured;
    this.#file = file;
    this.#found = file === undefined ? [] : readFound(file);
  }

  /** `host:port` of each: first those that answer, at the end those that only the configuration names. */
  get addresses(): readonly string[] {
    return [...new Set([...this.#found, ...this.#configured])];
  }

  /** What a Sentinel said last: what it knows no more is no more. */
  found(addresses: readonly string[]): void {
    const next = addresses.slice(0, MOST);
    if (next.join() === this.#found.join()) return;
    this.#found = next;
    if (this.#file === undefined) return;
    const fresh = `${this.#file}.new`;
    writeFileSync(fresh, `${JSON.stringify({ format: 1, sentinels: next })}\n`, { mode: 0o600 });
    renameSync(fresh, this.#file);
  }
}

function readFound(file: string): readonly string[] {
  try {
    return parseSentinels(readFileSync(file, 'utf8'));
  } catch {
    // None yet: the configuration names some, and they tell of the others.
    return [];
  }
}

/** What SENTINELS_FILE holds. @returns none where it is damaged */
export function parseSentinels(text: string): readonly string[] {
  try {
    return stored.parse(JSON.parse(text)).sentinels;
  } catch {
    return [];
  }
}

/** Sentinels that are new are known so much later, ms. */
const EVERY_MS = 10_000;

export interface SentinelWatchOptions {
  readonly redis: RedisConfig;
  readonly list: SentinelList;
  readonly log: Pick<Logger, 'warn'>;
}

/** Asks a Sentinel now and then which others there are. */
export class SentinelWatch {
  readonly #options: SentinelWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #asking = false;
  #complained = false;

  constructor(options: SentinelWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), EVERY_MS);
    this.#timer.unref();
    void this.look();
  }

  /** Never rejects: who does not answer now is asked again later. */
  async look(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const { redis, list, log } = this.#options;
    try {
      for (const address of list.addresses) {
        const others = await askSentinel({ redis, address }, (sentinel) => sentinel.others()).catch(
          () => undefined,
        );
        if (others === undefined) continue;
        list.found(inOrder(address, others));
        break;
      }
      this.#complained = false;
    } catch (error) {
      // The disk is full, or so: the list in memory is right all the same.
      if (!this.#complained) log.warn({ err: error }, 'what Sentinels there are cannot be kept');
      this.#complained = true;
    } finally {
      this.#asking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** Those that answer first. By name among themselves, so that the list changes only where it does. */
export function inOrder(asked: string, others: readonly KnownToSentinel[]): string[] {
  const up = others.filter(({ isDown }) => !isDown).map(({ address }) => address);
  const down = others.filter(({ isDown }) => isDown).map(({ address }) => address);
  return [...[asked, ...up].sort(), ...down.sort()];
}
