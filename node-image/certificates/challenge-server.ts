import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Source: RFC 8555, section 8.3. */
export const CHALLENGE_PATH = '/.well-known/acme-challenge/';
/** No authority asks for it: by this a machine finds out whether it reaches itself. */
export const PROBE_TOKEN = 'sluice-probe';

/** Owner and group, which is that of HAProxy. */
const SOCKET_MODE = 0o660;
const TOKEN = /^[\w-]{1,256}$/;
const TIMEOUT_MS = 5000;

export interface ChallengeServerOptions {
  /** Path of the socket that HAProxy connects to. */
  readonly socket: string;
  /** @returns what the authority is to find; undefined: nothing. */
  readonly answer: (token: string) => Promise<string | undefined>;
}

/** Answers what comes to port 80 for a proof. */
export class ChallengeServer {
  readonly #server: Server;
  readonly #socket: string;

  private constructor({ socket, answer }: ChallengeServerOptions) {
    this.#socket = socket;
    this.#server = createServer(
      { requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS },
      (request, response) => {
        respond(request, response, answer).catch(() => response.destroy());
      },
    );
    this.#server.keepAliveTimeout = 1;
  }

  /** @throws Error where the socket cannot be made. */
  static async listen(options: ChallengeServerOptions): Promise<ChallengeServer> {
    // Of a process that was killed.
    await rm(options.socket, { force: true });
    const server = new ChallengeServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(options.socket, resolve);
    });
    await chmod(options.socket, SOCKET_MODE);
    return server;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#socket, { force: true });
  }
}

async function respond(
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  answer: ChallengeServerOptions['answer'],
): Promise<void> {
  const token = url.startsWith(CHALLENGE_PATH) ? url.slice(CHALLENGE_PATH.length) : '';
  const isAsked = (method === 'GET' || method === 'HEAD') && TOKEN.test(token);
  const text = isAsked ? await answer(token) : undefined;
  response.writeHead(text === undefined ? 404 : 200, {
    'content-type': text === undefined ? 'text/plain' : 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(text ?? 'There is no such proof here.\n');
}
