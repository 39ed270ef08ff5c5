import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';

/** Longer answers are of no use here, bytes. */
const LONGEST = 8 * 1024 * 1024;

export interface HttpQuestion {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** @default "/" */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether to speak TLS; certificates are for others to judge. @default false */
  readonly tls?: boolean;
  /** Of TLS; an address is not sent, as RFC 6066 has it. @default - none */
  readonly serverName?: string | undefined;
}

/** `nobody`: the port is closed; `other`: no HTTP is spoken there; `silent`: no answer in time. */
export type HttpAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  | { readonly kind: 'nobody' | 'other' | 'silent' };

/** Never rejects. */
export function askHttp(question: HttpQuestion): Promise<HttpAnswer> {
  const { host, port, timeoutMs, path = '/', headers = {}, tls = false, serverName } = question;
  return new Promise((resolve) => {
    const common = {
      host,
      port,
      path,
      headers,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    };
    const asked = tls
      ? tlsRequest({
          ...common,
          rejectUnauthorized: false,
          ...(serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName }),
        })
      : plainRequest(common);
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > LONGEST) response.destroy();
      });
      response.on('error', () => undefined);
      response.on('close', () =>
        resolve({ kind: 'answer', status: response.statusCode ?? 0, text }),
      );
    });
    asked.on('error', (error: NodeJS.ErrnoException) => resolve({ kind: kindOf(error) }));
    asked.end();
  });
}

function kindOf({ code, name }: NodeJS.ErrnoException): 'nobody' | 'other' | 'silent' {
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ETIMEDOUT') return 'silent';
  const isClosed = ['ECONNREFUSED', 'EADDRNOTAVAIL', 'EHOSTUNREACH', 'ENETUNREACH'];
  return isClosed.includes(code ?? '') ? 'nobody' : 'other';
}
