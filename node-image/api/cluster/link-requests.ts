import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { LinkHandlers } from '../../cluster/link/link';
import { RoomElsewhereError } from '../../room/room-ownership';

/** With this header, whatever its value, a Media Node says that the Room is not its. */
export const ELSEWHERE_HEADER = 'x-sluice-elsewhere';
/** "Misdirected Request", RFC 9110 15.5.20. */
export const ELSEWHERE_STATUS = 421;

/** What a Media Node answers under one path of its node link. */
export interface LinkPath {
  /** All that begins with it, such as `/control/`. */
  readonly prefix: string;
  /** What it throws or rejects with is answered by 421 (RoomElsewhereError) or 500, and logged. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
}

/** The body of a request is larger than is read. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** The requests that a Media Node answers on its node link: the first path that fits has it. */
export function linkRequests(
  paths: readonly LinkPath[],
  log: Pick<Logger, 'error'>,
): LinkHandlers['request'] {
  return (request, response) => {
    // A Master Node that breaks off is no error here.
    request.on('error', () => {});
    response.on('error', () => {});
    const { pathname } = urlOf(request);
    const found = paths.find(({ prefix }) => pathname.startsWith(prefix));
    if (found === undefined) {
      answerJson(response, 404, { code: 'not_found', message: `nothing is at ${pathname}` });
      return;
    }
    void answered(found, request, response, log);
  };
}

/** Path and query of a request, whatever it looks like. */
export function urlOf(request: Pick<IncomingMessage, 'url'>): URL {
  const url = request.url ?? '/';
  const base = 'http://node';
  return URL.canParse(url, base) && url.startsWith('/') ? new URL(url, base) : new URL(base);
}

/**
 * The whole body of a request.
 *
 * @param maxBytes - 0: no limit
 * @throws BodyTooLargeError; the rest is not read then, and the request stays open for an answer.
 */
export async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const parts: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of parts) {
    size += chunk.length;
    if (maxBytes > 0 && size > maxBytes) {
      throw new BodyTooLargeError(`the body is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Answers once; later answers to the same request are dropped. */
export function answerBytes(
  response: ServerResponse,
  status: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) {
    return;
  }
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  answerBytes(response, status, body, { 'content-type': 'application/json' });
}

/** Says that the Room is not this node's. */
export function answerElsewhere(response: ServerResponse, message: string): void {
  const body = Buffer.from(JSON.stringify({ code: 'elsewhere', message }));
  answerBytes(response, ELSEWHERE_STATUS, body, {
    'content-type': 'application/json',
    [ELSEWHERE_HEADER]: '1',
  });
}

async function answered(
  path: LinkPath,
  request: IncomingMessage,
  response: ServerResponse,
  log: Pick<Logger, 'error'>,
): Promise<void> {
  try {
    await path.handle(request, response);
  } catch (error) {
    if (error instanceof RoomElsewhereError) {
      answerElsewhere(response, error.message);
      return;
    }
    if (request.destroyed && !request.complete) {
      // It broke off before all of it was here: nobody waits for an answer.
      return;
    }
    log.error({ err: error, path: urlOf(request).pathname }, 'a request on the node link failed');
    answerJson(response, 500, { code: 'internal', message: 'internal error' });
  }
}
