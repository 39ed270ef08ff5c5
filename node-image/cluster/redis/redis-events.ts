import { createEventClient, type RedisClient, type RedisConfig } from './redis-connection';

/** How often it is said again what is listened to: finds out about a dead connection, ms. */
const AGAIN_MS = 5000;

export interface RedisEventsOptions {
  readonly redis: RedisConfig;
  /** @default - as configured */
  readonly sentinels?: (() => readonly string[]) | undefined;
  /** ms. */
  readonly commandTimeoutMs: number;
}

/** Hears what the nodes tell each other, over a connection of its own, whenever Redis is there. */
export class RedisEvents {
  readonly #client: RedisClient;
  /** By channel; one that was listened to once stays subscribed to. */
  readonly #listeners = new Map<string, Set<(bytes: Buffer) => void>>();
  readonly #timer: NodeJS.Timeout;

  constructor({ redis, commandTimeoutMs, sentinels }: RedisEventsOptions) {
    this.#client = createEventClient(redis, commandTimeoutMs, sentinels);
    this.#client.on('error', () => {
      // The connection that commands go over has the same trouble, and says so.
    });
    this.#client.on('ready', () => this.#subscribe());
    this.#client.on('messageBuffer', (channel: Buffer, bytes: Buffer) => {
      this.#hear(channel.toString(), bytes);
    });
    this.#timer = setInterval(() => this.#subscribe(), AGAIN_MS);
    this.#timer.unref();
  }

  /** @returns ends it */
  listen(channel: string, listener: (text: string) => void): () => void {
    return this.listenToBytes(channel, (bytes) => listener(bytes.toString()));
  }

  /** @returns ends it */
  listenToBytes(channel: string, listener: (bytes: Buffer) => void): () => void {
    let listeners = this.#listeners.get(channel);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(channel, listeners);
      this.#subscribe();
    }
    // A function of its own, so that one listener can be given twice.
    const own = (bytes: Buffer): void => listener(bytes);
    listeners.add(own);
    return () => listeners.delete(own);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
    this.#client.disconnect();
  }

  #subscribe(): void {
    const channels = [...this.#listeners.keys()];
    if (this.#client.status !== 'ready' || channels.length === 0) return;
    this.#client.subscribe(...channels).catch(() => {
      // Tried again after a while, and with each new connection.
    });
  }

  #hear(channel: string, bytes: Buffer): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(bytes);
  }
}
