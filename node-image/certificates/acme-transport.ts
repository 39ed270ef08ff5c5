import { axios } from 'acme-client';
import { AcmeUnreachableError, acmeProblem, retryAfterMs } from './acme-problem';

type Adapter = Extract<
  NonNullable<typeof axios.defaults.adapter>,
  (...args: never[]) => Promise<unknown>
>;

const TIMEOUT_MS = 30_000;
const BAD_NONCE = 'urn:ietf:params:acme:error:badNonce';

/**
 * Lets acme-client speak HTTP by Node's fetch. By itself it waits as long as Retry-After says, which
 * may be hours, and tells neither the type of a problem nor why a server is not reached; both are
 * thrown from here, past it.
 */
export function setOwnTransport(): void {
  axios.defaults.adapter = ask;
}

const ask: Adapter = async (config) => {
  const url = config.url ?? '';
  const answer = await request(url, {
    method: (config.method ?? 'get').toUpperCase(),
    headers: { ...config.headers.toJSON() } as Record<string, string>,
    ...(typeof config.data === 'string' && { body: config.data }),
  });
  const data = parsed(answer.text);
  const isBadNonce =
    typeof data === 'object' && data !== null && 'type' in data && data.type === BAD_NONCE;
  if (answer.status >= 400 && !isBadNonce) {
    // Others than authorities answer with pages.
    if (typeof data !== 'object') throw new AcmeUnreachableError(url, `HTTP ${answer.status}`);
    throw acmeProblem(data, retryAfterMs(answer.headers.get('retry-after'), Date.now()));
  }
  return {
    data: answer.text,
    status: answer.status,
    statusText: '',
    headers: Object.fromEntries(answer.headers),
    config,
  };
};

async function request(url: string, init: RequestInit) {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  } catch (error) {
    throw new AcmeUnreachableError(url, codeOf(error), { cause: error });
  }
}

function codeOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && typeof one.code === 'string') return one.code;
    if (one.name === 'TimeoutError') return 'ETIMEDOUT';
  }
  return 'no answer';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
