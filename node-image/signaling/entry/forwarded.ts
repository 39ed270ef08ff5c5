import type { IncomingMessage } from 'node:http';

/** In which a Master Node tells a Media Node whose handshake it is. */
export const CLIENT_HEADER = 'x-sluice-client';

/** Of one connection only, or of a body, which a handshake does not have. */
const NOT_PASSED_ON = new Set(['content-length', 'transfer-encoding', 'expect', 'te', 'trailer']);

type Request = Pick<IncomingMessage, 'url' | 'headers' | 'rawHeaders'>;

/** The headers of a handshake as the client wrote them, and whose it is. */
export function forwardedHeaders({ rawHeaders }: Request, address: string): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const lower = name.toLowerCase();
    // What begins so is said by nodes, never by a client.
    if (!lower.startsWith('x-sluice-') && !NOT_PASSED_ON.has(lower)) kept.push(name, value);
  }
  return [...kept, CLIENT_HEADER, address];
}

/** What `GET /rtc/validate` needs to know of a request. */
export function validateHeaders({ headers }: Request, address: string): Record<string, string> {
  const { authorization, 'user-agent': agent } = headers;
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(agent === undefined ? {} : { 'user-agent': agent }),
    [CLIENT_HEADER]: address,
  };
}

/** The path with the client's query, without what stands before the path in the client's URL. */
export function forwardedPath(path: string, { url = '' }: Request): string {
  const start = url.indexOf('?');
  return start < 0 ? path : `${path}${url.slice(start)}`;
}

/** The beginning of the answer that lets a client in. */
export function switchingProtocols(rawHeaders: readonly string[]): string {
  let text = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  }
  return `${text}\r\n`;
}
