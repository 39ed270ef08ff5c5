import type { WebhookEvent } from '@livekit/protocol';
import pRetry from 'p-retry';
import type { Logger } from 'pino';
import type { TokenMinter } from './token-minter';
import { postWebhook } from './webhook-post';

const TIMEOUT_MS = 10_000;
const RETRIES = 4;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;
const MAX_DEPTH = 200;
const MAX_AGE_MS = 30_000;
const MAX_QUEUED = 10_000;

export type WebhookOutcome = 'sent' | 'failed' | 'dropped';

export interface WebhookDelivery {
  /** Waiting events of one resource; above it the oldest is dropped. @default 200 */
  readonly maxDepth?: number;
  /** An event that waited longer is dropped, in ms. @default 30000 */
  readonly maxAgeMs?: number;
  /** Waiting events of all resources together. @default 10000 */
  readonly maxQueued?: number;
  /** Of one request, in ms. @default 10000 */
  readonly timeoutMs?: number;
  /** After the first attempt. @default 4 */
  readonly retries?: number;
  /** Before the first retry; doubles with each, up to 30 s. @default 1000 */
  readonly retryMinMs?: number;
}

export interface WebhookQueueOptions extends WebhookDelivery {
  readonly url: string;
  readonly apiKey: string;
  readonly tokens: TokenMinter;
  /** Looks at a host before it is posted to, and throws. @default - none is looked at */
  readonly addressOf?: (host: string) => Promise<string>;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  readonly observe?: (outcome: WebhookOutcome, event: string) => void;
}

interface Queued {
  readonly event: WebhookEvent;
  readonly queuedAtMs: number;
}

/**
 * The events on their way to one URL: in order for each resource, side by side for different ones.
 */
export class WebhookQueue {
  readonly #options: WebhookQueueOptions;
  readonly #waiting = new Map<string, Queued[]>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  #queued = 0;
  /** Since an event arrived: told to the receiver with the next. */
  #dropped = 0;
  #closed = false;

  constructor(options: WebhookQueueOptions) {
    this.#options = options;
  }

  /** @param event not changed, so that queues can share it. */
  push(resource: string, event: WebhookEvent): void {
    if (this.#closed) return;
    const { maxDepth = MAX_DEPTH, maxQueued = MAX_QUEUED } = this.#options;
    const waiting = this.#waiting.get(resource) ?? [];
    this.#waiting.set(resource, waiting);
    if (waiting.length >= maxDepth) this.#dropOldest(waiting);
    else if (this.#queued >= maxQueued) this.#dropOldest(this.#anyWaiting());
    waiting.push({ event, queuedAtMs: performance.now() });
    this.#queued += 1;
    if (!this.#running.has(resource)) this.#running.set(resource, this.#run(resource));
  }

  /** Nothing waits, and nothing is on its way. */
  get idle(): boolean {
    return this.#running.size === 0;
  }

  /** Delivers what waits, for at most so long, and drops the rest. Idempotent. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true;
    const timer = setTimeout(() => this.#abort.abort(new Error('closing')), drainMs);
    await Promise.all(this.#running.values());
    clearTimeout(timer);
  }

  async #run(resource: string): Promise<void> {
    // A turn of the event loop later, so that `push` has put this promise into the map.
    await Promise.resolve();
    for (let next = this.#take(resource); next !== undefined; next = this.#take(resource)) {
      await this.#deliver(next);
    }
    this.#waiting.delete(resource);
    this.#running.delete(resource);
  }

  #take(resource: string): Queued | undefined {
    const next = this.#waiting.get(resource)?.shift();
    if (next !== undefined) this.#queued -= 1;
    return next;
  }

  async #deliver({ event, queuedAtMs }: Queued): Promise<void> {
    const { maxAgeMs = MAX_AGE_MS, log, url } = this.#options;
    if (performance.now() - queuedAtMs > maxAgeMs || this.#abort.signal.aborted) {
      this.#drop(event);
      return;
    }
    const numDropped = this.#dropped;
    this.#dropped = 0;
    try {
      await this.#post(event, numDropped);
      log.debug({ url, event: event.event, id: event.id }, 'webhook sent');
      this.#options.observe?.('sent', event.event);
    } catch (error) {
      this.#dropped += numDropped + 1;
      log.warn({ url, event: event.event, id: event.id, err: error }, 'webhook failed');
      this.#options.observe?.('failed', event.event);
    }
  }

  #post(event: WebhookEvent, numDropped: number): Promise<void> {
    const { url, apiKey, tokens, addressOf } = this.#options;
    const { timeoutMs = TIMEOUT_MS, retries = RETRIES, retryMinMs = RETRY_MIN_MS } = this.#options;
    const { signal } = this.#abort;
    const copy = event.clone();
    copy.numDropped = numDropped;
    const post = { url, event: copy, apiKey, tokens, timeoutMs, signal, addressOf };
    return pRetry(() => postWebhook(post), {
      retries,
      minTimeout: retryMinMs,
      maxTimeout: RETRY_MAX_MS,
      randomize: true,
      signal,
    });
  }

  #anyWaiting(): Queued[] {
    for (const waiting of this.#waiting.values()) if (waiting.length > 0) return waiting;
    return [];
  }

  #dropOldest(waiting: Queued[]): void {
    const oldest = waiting.shift();
    if (oldest === undefined) return;
    this.#queued -= 1;
    this.#drop(oldest.event);
  }

  #drop(event: WebhookEvent): void {
    this.#dropped += 1;
    const { log, url } = this.#options;
    log.warn({ url, event: event.event, id: event.id }, 'webhook dropped: too many or too old');
    this.#options.observe?.('dropped', event.event);
  }
}
