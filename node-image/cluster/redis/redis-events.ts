import { z } from 'zod';
import type { ClusterEvent } from '../registry';
import { createEventClient, type RedisClient, type RedisConfig } from './redis-connection';

/** How often it is said again what is listened to: finds out about a dead connection, ms. */
const AGAIN_MS = 5000;

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('node'), nodeId: z.string() }),
  z.object({ type: z.literal('room'), room: z.string() }),
  z.object({ type: z.literal('document'), name: z.string() }),
]) satisfies z.ZodType<ClusterEvent>;

export interface RedisEventsOptions {
  readonly redis: RedisConfig;
  /** @default - as configured */
  readonly sentinels?: (() => readonly string[]) | undefined;
  /** ms. */
  readonly commandTimeoutMs: number;
  readonly channel: string;
  /** Of what was heard, but is no event. */
  readonly onGarbage: (reason: string) => void;
}

/** Hears what the nodes tell each other, over a connection of its own, whenever Redis is there. */
export class RedisEvents {
  readonly #client: RedisClient;
  readonly #channel: string;
  readonly #onGarbage: (reason: string) => void;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: RedisEventsOptions) {
    this.#channel = options.channel;
    this.#onGarbage = options.onGarbage;
    const { redis, commandTimeoutMs, sentinels } = options;
    this.#client = createEventClient(redis, commandTimeoutMs, sentinels);
    this.#client.on('error', () => {
      // The connection that commands go over has the same trouble, and says so.
    });
    this.#client.on('ready', () => this.#subscribe());
    this.#client.on('message', (_channel: string, text: string) => this.#hear(text));
    this.#timer = setInterval(() => this.#subscribe(), AGAIN_MS);
    this.#timer.unref();
  }

  listen(listener: (event: ClusterEvent) => void): () => void {
    // A function of its own, so that one listener can be given twice.
    const own = (event: ClusterEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
    this.#client.disconnect();
  }

  #subscribe(): void {
    if (this.#client.status !== 'ready') return;
    this.#client.subscribe(this.#channel).catch(() => {
      // Tried again after a while, and with each new connection.
    });
  }

  #hear(text: string): void {
    let event: ClusterEvent;
    try {
      event = eventSchema.parse(JSON.parse(text));
    } catch (error) {
      this.#onGarbage(error instanceof Error ? error.message : String(error));
      return;
    }
    for (const listener of this.#listeners) listener(event);
  }
}
