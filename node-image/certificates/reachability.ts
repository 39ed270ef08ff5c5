import { request } from 'node:http';
import { isIPv6, type LookupFunction } from 'node:net';
import { CHALLENGE_PATH, PROBE_TOKEN } from './challenge-server';

const TIMEOUT_MS = 5000;
const PORT = 80;
const MOST_BYTES = 1000;

export interface ReachOptions {
  readonly domain: string;
  /** What machines of this entry answer to the probe. */
  readonly expected: string;
  /** @default 80 */
  readonly port?: number | undefined;
  /** @default - of the system */
  readonly lookup?: LookupFunction | undefined;
}

/**
 * Asks for the name on port 80, as the authority will: orders that cannot succeed are not placed, as
 * it counts them.
 *
 * @returns undefined where this entry answers; else why not, and what to do. Never rejects.
 */
export async function whyNotReached(options: ReachOptions): Promise<string | undefined> {
  const { domain, expected } = options;
  const answer = await ask(options);
  if (answer.text === expected) return undefined;
  if (answer.code === 'ENOTFOUND' || answer.code === 'EAI_AGAIN' || answer.code === 'ENODATA') {
    return `The name ${domain} does not resolve (${answer.code}): make an A record that points to this machine, and see that its zone is delegated.`;
  }
  if (answer.code !== undefined) {
    return `Port 80 of ${domain} does not answer (${answer.code}): open TCP 80 from anywhere to this machine in firewall and router, and point the name to this machine.`;
  }
  return `Another server than this one answers on port 80 of ${domain} (HTTP ${answer.status}): point the name to this machine alone, or let what stands before it pass ${CHALLENGE_PATH} on.`;
}

interface Answer {
  readonly code?: string;
  readonly status?: number;
  readonly text?: string;
}

function ask({ domain, port = PORT, lookup }: ReachOptions): Promise<Answer> {
  return new Promise((resolve) => {
    const asked = request(
      {
        host: domain,
        port,
        path: `${CHALLENGE_PATH}${PROBE_TOKEN}`,
        headers: { host: isIPv6(domain) ? `[${domain}]` : domain },
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(lookup && { lookup }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MOST_BYTES) asked.destroy();
        });
        const end = (): void => resolve({ status: response.statusCode ?? 0, text });
        response.on('end', end);
        response.on('close', end);
      },
    );
    asked.on('error', (error: Error & { code?: string }) =>
      resolve({ code: error.name === 'AbortError' ? 'ETIMEDOUT' : (error.code ?? 'no answer') }),
    );
    asked.end();
  });
}
