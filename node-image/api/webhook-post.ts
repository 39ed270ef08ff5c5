import { createHash } from 'node:crypto';
import type { WebhookEvent } from '@livekit/protocol';
import { AbortError } from 'p-retry';
import type { TokenMinter } from './token-minter';

/** A type of its own, so that the receiver checks the signature before it parses. */
const CONTENT_TYPE = 'application/webhook+json';
const TOKEN_SECONDS = 5 * 60;
const MAX_REDIRECTS = 3;

export interface WebhookPostOptions {
  readonly url: string;
  readonly event: WebhookEvent;
  readonly apiKey: string;
  readonly tokens: TokenMinter;
  /** Of one request, in ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Looks at a host before it is posted to, and throws. @default - none is looked at */
  readonly addressOf?: ((host: string) => Promise<string>) | undefined;
}

/**
 * Posts one event, signed: the token in `Authorization` carries the SHA-256 of the body.
 *
 * Redirects that keep the method (307, 308) are followed, others would lose the body.
 *
 * @throws AbortError when another attempt cannot help, Error when it may.
 * Source: livekit/protocol webhook/url_notifier.go.
 */
export async function postWebhook(options: WebhookPostOptions): Promise<void> {
  const { event, apiKey, tokens, timeoutMs } = options;
  const body = event.toJsonString();
  const sha256 = createHash('sha256').update(body).digest('base64');
  const headers = {
    'content-type': CONTENT_TYPE,
    authorization: await tokens.mint(apiKey, { sha256 }, TOKEN_SECONDS),
    'user-agent': 'Sluice',
  };
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  let { url } = options;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    await options.addressOf?.(new URL(url).hostname);
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers,
      signal,
      redirect: 'manual',
    });
    // Only the status counts; what is not read would hold the connection.
    await response.body?.cancel();
    const next = redirectOf(response, url);
    if (next === undefined) return;
    url = next;
  }
  throw new AbortError(`more than ${MAX_REDIRECTS} redirects`);
}

/** @returns where to post to instead; undefined when the event has arrived. */
function redirectOf(response: Response, url: string): string | undefined {
  const { status } = response;
  if (status >= 200 && status < 300) return undefined;
  if (status >= 500 || status === 429 || status === 408) throw new Error(`status ${status}`);
  const location = response.headers.get('location');
  if (status < 300 || status >= 400 || location === null) throw new AbortError(`status ${status}`);
  const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
  if (status !== 307 && status !== 308) {
    throw new AbortError(
      `status ${status}, which does not keep a POST: set the URL of the webhook to ${location}`,
    );
  }
  if (next === undefined || !/^https?:$/.test(next.protocol)) {
    throw new AbortError(`status ${status} to an address that is not http or https`);
  }
  return next.href;
}
