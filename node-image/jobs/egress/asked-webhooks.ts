import type { WebhookConfig } from '@livekit/protocol';
import { EgressError } from './egress-error';
import type { EgressRequest } from './from-request';

const MAX_WEBHOOKS = 10;
const MAX_URL = 2048;

/**
 * Whether a request may have its events sent where it says.
 *
 * @param knowsKey - whether this is one of the API keys of the cluster
 * @throws EgressError
 */
export function checkWebhooks(
  { value }: EgressRequest,
  knowsKey: (apiKey: string) => boolean,
): void {
  if (value.webhooks.length > MAX_WEBHOOKS) {
    throw invalid(`there are ${value.webhooks.length} webhooks; ${MAX_WEBHOOKS} are allowed`);
  }
  for (const webhook of value.webhooks) checkWebhook(webhook, knowsKey);
}

function checkWebhook(
  { url, signingKey }: WebhookConfig,
  knowsKey: (apiKey: string) => boolean,
): void {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || url.length > MAX_URL) {
    throw invalid(`its url has to be http(s)://…, of at most ${MAX_URL} characters`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw invalid('its url has a user or a password, which webhooks do not send');
  }
  if (signingKey !== '' && !knowsKey(signingKey)) {
    const shown = signingKey.slice(0, 64);
    throw invalid(`signing_key ${shown} is none of the API keys here: name one of "keys", or none`);
  }
}

const invalid = (why: string): EgressError =>
  new EgressError('invalid_argument', `request has missing or invalid field: webhooks: ${why}`);
