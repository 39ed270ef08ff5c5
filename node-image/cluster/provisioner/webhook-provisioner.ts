import { createHash } from 'node:crypto';
import {
  inOneLine,
  type ProvisionAnswer,
  type Provisioner,
  type ProvisionRequest,
} from './provisioner';

export interface WebhookProvisionerOptions {
  /** sluice.scaling.group_url */
  readonly url: string;
  /** sluice.scaling.group_timeout: until the whole answer is there, ms. */
  readonly timeoutMs: number;
  /** sluice.cluster.name */
  readonly clusterName: string;
  /**
   * A token for `Authorization`, which carries this SHA-256 (base64) of the body. Rejects where
   * there is no key to sign with.
   */
  readonly sign: (sha256: string) => Promise<string>;
}

/** As LiveKit's webhooks have it, so that the receivers of its SDKs check the signature. */
const CONTENT_TYPE = 'application/webhook+json';
/** Of an answer so much is read, bytes: it is for people. */
const MOST_ANSWER = 4096;
const SHORTEST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 3_600_000;

/** Asks a web server for machines: a POST, signed as LiveKit's webhooks are. */
export class WebhookProvisioner implements Provisioner {
  readonly name: string;
  readonly #options: WebhookProvisionerOptions;

  constructor(options: WebhookProvisionerOptions) {
    this.#options = options;
    // What stands behind the host may be a secret.
    this.name = `webhook ${new URL(options.url).origin}`;
  }

  async ask(request: ProvisionRequest, signal: AbortSignal): Promise<ProvisionAnswer> {
    const { url, timeoutMs, clusterName, sign } = this.#options;
    const { id, action, ...what } = request;
    const body = JSON.stringify({ id, action, cluster: clusterName, ...what });
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': CONTENT_TYPE,
          authorization: await sign(createHash('sha256').update(body).digest('base64')),
          'idempotency-key': id,
          'user-agent': 'Sluice',
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        redirect: 'manual',
      });
      return answerOf(request, response, await beginningOf(response));
    } catch (error) {
      return { outcome: 'failed', why: reasonOf(error, timeoutMs) };
    }
  }
}

function answerOf({ action }: ProvisionRequest, response: Response, text: string): ProvisionAnswer {
  const { status, headers } = response;
  if (status >= 200 && status < 300) return { outcome: 'done' };
  // There is no such machine: it is as it should be.
  if (action === 'remove' && (status === 404 || status === 410)) return { outcome: 'done' };
  const words = inOneLine(text);
  const why = `it answers ${status}${words === '' ? '' : `: ${words}`}`;
  if (status >= 300 && status < 400) {
    const to = headers.get('location') ?? 'somewhere else';
    return { outcome: 'no', why: `${why}; set sluice.scaling.group_url to ${inOneLine(to)}` };
  }
  const isFailure = status === 408 || status === 429 || (status >= 500 && status !== 507);
  if (isFailure) return { outcome: 'failed', why };
  return { outcome: 'no', why, retryAfterMs: retryAfterMs(headers.get('retry-after')) };
}

/** In seconds; a date, or nonsense, is left aside. */
function retryAfterMs(text: string | null): number | undefined {
  if (text === null || !/^\d{1,9}$/.test(text)) return undefined;
  return Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, Number(text) * 1000));
}

async function beginningOf(response: Response): Promise<string> {
  const { body } = response;
  if (body === null) return '';
  const parts: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop gives up the connection.
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size >= MOST_ANSWER) break;
  }
  return Buffer.concat(parts).subarray(0, MOST_ANSWER).toString();
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return inOneLine(String(error));
  if (error.name === 'TimeoutError') return `it does not answer within ${timeoutMs / 1000} s`;
  const { cause } = error;
  return inOneLine(cause instanceof Error ? cause.message : error.message);
}
