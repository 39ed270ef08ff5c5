import { request } from 'node:http';

/** What a server answers to the WebSocket handshake of a client. */
export interface HandshakeAnswer {
  /** 101 where it takes the client. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly afterMs: number;
}

/** Knocks as a client that wants to join, and goes away again. @param timeoutMs - @default 20000 */
export function handshake(
  httpUrl: string,
  token: string,
  timeoutMs = 20_000,
): Promise<HandshakeAnswer> {
  const url = new URL('/rtc', httpUrl);
  url.search = `${new URLSearchParams({ access_token: token, protocol: '16', auto_subscribe: '1' })}`;
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const begunMs = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, timeout: timeoutMs });
    const answer = (status = 0, retryAfter?: string): void => {
      resolve({ status, retryAfter, afterMs: Math.round(performance.now() - begunMs) });
      asked.destroy();
    };
    asked.once('upgrade', (response) => answer(response.statusCode));
    asked.once('response', ({ statusCode, headers: got }) =>
      answer(statusCode, got['retry-after']),
    );
    asked.once('timeout', () => reject(new Error(`no answer to a handshake in ${timeoutMs} ms`)));
    asked.once('error', reject);
    asked.end();
  });
}
