import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** How long an answered socket may take to read its answer. */
const LINGER_MS = 5000;

/**
 * Answers on a socket that is not, or no longer, an HTTP exchange of Node's, and closes it.
 *
 * The CORS header lets a browser read the status: today's clients choose what to do next by it.
 */
export function answerOnSocket(
  socket: Duplex,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = Buffer.from(text);
  const lines = Object.entries({
    'Access-Control-Allow-Origin': '*',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(body.length),
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value.replace(/[\r\n]+/g, ' ')}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${lines.join('')}\r\n`;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  // What the client still sends is read and forgotten, else its answer would be lost to a reset.
  socket.resume();
  socket.end(Buffer.concat([Buffer.from(head), body]));
}
