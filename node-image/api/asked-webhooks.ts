import type { EgressInfo, WebhookConfig, WebhookEvent } from '@livekit/protocol';
import type { Logger } from 'pino';
import { strangerAddressOf } from '../net/stranger-address';
import { type ApiKeys, type KeySource, keySourceOf } from './key-ring';
import { TokenMinter } from './token-minter';
import { type WebhookDelivery, type WebhookOutcome, WebhookQueue } from './webhook-queue';

export interface AskedWebhooksOptions {
  readonly keys: ApiKeys;
  /** Signs where a request names none: `webhook.api_key`. */
  readonly apiKey: string;
  readonly delivery?: WebhookDelivery | undefined;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  readonly observe?: ((outcome: WebhookOutcome, event: string) => void) | undefined;
  /** Where a host is posted to. @default strangerAddressOf */
  readonly addressOf?: ((host: string) => Promise<string>) | undefined;
}

/** Addresses that are told of something at the same time. */
const MAX_QUEUES = 1000;

/**
 * The webhooks that a single request asks for: told of its events alone, whatever the configuration
 * leaves out. Source: WebhookConfig, livekit_models.proto.
 */
export class AskedWebhooks {
  readonly #options: AskedWebhooksOptions;
  readonly #keys: KeySource;
  readonly #tokens: TokenMinter;
  /** By key and URL; those with nothing to do are let go of. */
  readonly #queues = new Map<string, WebhookQueue>();
  #closed = false;

  constructor(options: AskedWebhooksOptions) {
    this.#options = options;
    this.#keys = keySourceOf(options.keys);
    this.#tokens = new TokenMinter({ keys: this.#keys });
  }

  /** @param event - not changed */
  tell({ egressId, request }: EgressInfo, event: WebhookEvent): void {
    if (this.#closed) return;
    for (const webhook of request.value?.webhooks ?? []) {
      if (wants(webhook, event.event)) this.#queue(webhook)?.push(egressId, event);
    }
  }

  /** Delivers what waits, for at most so long. Idempotent. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#queues.values()].map((queue) => queue.close(drainMs)));
  }

  #queue({ url, signingKey }: WebhookConfig): WebhookQueue | undefined {
    const { apiKey: byDefault, delivery, log, observe, addressOf } = this.#options;
    if (signingKey !== '' && this.#keys.secretOf(signingKey) === undefined) {
      // It was there when it was asked for. Another key would say that somebody else asked.
      log.warn({ url, signingKey }, 'a webhook is not sent: its key is retired');
      return undefined;
    }
    const apiKey = signingKey || byDefault;
    const name = JSON.stringify([apiKey, url]);
    const there = this.#queues.get(name);
    if (there !== undefined) return there;
    for (const [each, queue] of this.#queues) if (queue.idle) this.#queues.delete(each);
    if (this.#queues.size >= MAX_QUEUES) {
      log.warn({ url }, 'a webhook is not sent: too many addresses are waited for');
      return undefined;
    }
    const made = new WebhookQueue({
      ...{ ...delivery, url, apiKey, tokens: this.#tokens, log },
      ...(observe && { observe }),
      addressOf: addressOf ?? strangerAddressOf,
    });
    this.#queues.set(name, made);
    return made;
  }
}

function wants({ filterParams }: WebhookConfig, event: string): boolean {
  const { includeEvents = [], excludeEvents = [] } = filterParams ?? {};
  return includeEvents.length > 0 ? includeEvents.includes(event) : !excludeEvents.includes(event);
}
