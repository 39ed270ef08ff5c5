import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../registry';
import {
  addressOf,
  commandTimeoutMs,
  createClient,
  type RedisClient,
  type RedisConfig,
} from './redis-connection';
import type { Script } from './script';

/** The same trouble again within so long is not told again, ms. */
const QUIET_MS = 10_000;

export interface RedisAccessOptions {
  readonly redis: RedisConfig;
  readonly log: Logger;
  /** @default - as configured */
  readonly sentinels?: (() => readonly string[]) | undefined;
}

/**
 * Asks Redis, each time within a bound, and knows whether it is there: tells the log when it goes
 * away and when it is back.
 */
export class RedisAccess {
  readonly client: RedisClient;
  readonly #log: Logger;
  readonly #address: string;
  readonly #timeoutMs: number;
  #available = false;
  #closed = false;
  /** Of the last thing that went wrong. */
  #reason = 'not connected yet';
  #told: { readonly reason: string; readonly at: number; readonly open: boolean } | undefined;

  /** @throws Error where the configuration cannot be used. */
  constructor({ redis, log, sentinels }: RedisAccessOptions) {
    this.#log = log;
    this.#address = addressOf(redis);
    this.#timeoutMs = commandTimeoutMs(redis);
    this.client = createClient(redis, this.#timeoutMs, sentinels);
    this.client.on('ready', () => this.#isBack());
    this.client.on('error', (error: Error) => {
      this.#reason = reasonOf(error);
      if (!this.#isReady) this.#isAway();
    });
    this.client.on('close', () => {
      if (this.#available) this.#reason = 'it closed the connection';
      this.#isAway();
    });
  }

  get available(): boolean {
    return this.#available;
  }

  /** Resolves with the first connection, or once it is clear that there is none for now. */
  firstAttempt(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of ['ready', 'error', 'close']) this.client.off(event, done);
        resolve();
      };
      for (const event of ['ready', 'error', 'close']) this.client.on(event, done);
    });
  }

  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.ask(async (client) => {
      try {
        return await client.evalsha(script.sha1, keys.length, ...keys, ...args);
      } catch (error) {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
        return await client.eval(script.source, keys.length, ...keys, ...args);
      }
    });
  }

  /** @throws RegistryUnavailableError whatever goes wrong, within the bound. */
  async ask<T>(question: (client: RedisClient) => Promise<T>): Promise<T> {
    try {
      // Nothing is sent to where nothing can come back from.
      if (!this.#isReady) throw new Error(this.#reason);
      const answer = await this.#inTime(question(this.client));
      this.#isBack();
      return answer;
    } catch (error) {
      if (this.#isReady) this.#reason = reasonOf(error);
      const wrongType = messageOf(error).startsWith('WRONGTYPE');
      if (!wrongType) this.#isAway();
      throw new RegistryUnavailableError(
        `Redis (${this.#address}) does not answer: ${this.#reason}`,
        // Not the error itself: it carries the command, and that may carry a password.
        wrongType ? { cause: 'WRONGTYPE' } : {},
      );
    }
  }

  close(): void {
    this.#closed = true;
    this.#available = false;
    this.#reason = 'the registry is closed';
    this.client.disconnect();
  }

  get #isReady(): boolean {
    return this.client.status === 'ready' && !this.#closed;
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // Answers that have come while this process was busy are read first.
        setImmediate(() => {
          setImmediate(() => reject(new Error(`no answer within ${this.#timeoutMs} ms`)));
        });
      }, this.#timeoutMs);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  #isAway(): void {
    if (this.#closed || (!this.#available && this.#told?.open)) return;
    this.#available = false;
    const reason = this.#reason;
    const again = this.#told?.reason === reason && performance.now() - this.#told.at < QUIET_MS;
    if (again) return;
    this.#told = { reason, at: performance.now(), open: true };
    this.#log.warn(
      { address: this.#address, reason },
      'Redis is away: what runs goes on, new Rooms have to wait',
    );
  }

  #isBack(): void {
    if (this.#closed || this.#available) return;
    this.#available = true;
    if (!this.#told?.open) return;
    this.#told = { ...this.#told, open: false };
    this.#log.info({ address: this.#address }, 'Redis is back');
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function reasonOf(error: unknown): string {
  const message = messageOf(error);
  if (/^(WRONGPASS|NOAUTH|NOPERM)/.test(message)) {
    return `it refuses redis.username or redis.password (${message})`;
  }
  // Of a cluster, what was wrong with the node that was asked last.
  const inner =
    error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : undefined;
  return inner instanceof Error ? `${message} ${reasonOf(inner)}` : message;
}
