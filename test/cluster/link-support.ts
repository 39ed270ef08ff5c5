import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pino } from 'pino';
import { type LinkAnswer, LinkError, type LinkUpgrade } from '../../node-image/cluster/link/link';
import { TlsLinkClient } from '../../node-image/cluster/link/link-client';
import { LinkServer, type LinkServerOptions } from '../../node-image/cluster/link/link-server';

export const SECRET = 'a secret of the cluster, long enough';
const HANDSHAKE = ['Host', 'x', 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'X-Twice', 'a'];

export const closers: (() => unknown)[] = [];
const lines: { level: number; msg: string; peer?: string; identity?: string }[] = [];
const log = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) });
export const warnings = () => lines.filter(({ level }) => level >= 40);

/** Closes what the test has opened. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
  lines.length = 0;
}

export async function answering(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  response.writeHead(200, { 'X-Path': request.url ?? '' });
  response.end(Buffer.concat([Buffer.from(`${request.method} `), body]));
}

/** Accepts each handshake and sends back what comes. */
export function echoing(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => undefined);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Told: ${request.headers['x-twice']}\r\n\r\nhello `,
  );
  socket.write(head);
  socket.pipe(socket);
}

export async function serve(changes: Partial<LinkServerOptions> = {}): Promise<LinkServer> {
  const server = await LinkServer.listen({
    secret: SECRET,
    clusterName: 'test',
    address: '127.0.0.1',
    port: 0,
    nodeId: 'ND_a',
    version: '1.2.3',
    handlers: { request: (...call) => void answering(...call), upgrade: echoing },
    log,
    closeGraceMs: 50,
    ...changes,
  });
  closers.push(() => server.close());
  return server;
}

export function client(changes: Partial<ConstructorParameters<typeof TlsLinkClient>[0]> = {}) {
  const link = new TlsLinkClient({ secret: SECRET, clusterName: 'test', ...changes });
  closers.push(() => link.close());
  return link;
}

export const at = ({ port }: { port: number }) => ({ host: '127.0.0.1', port });
export const get = (path: string) => ({ method: 'GET' as const, path, timeoutMs: 5000 });
export const handshake = { path: '/rtc?a=b', rawHeaders: HANDSHAKE, timeoutMs: 5000 };

export const failsAs = (reason: LinkError['reason']) => (error: unknown) => {
  assert.ok(error instanceof LinkError, String(error));
  assert.equal(error.reason, reason, error.message);
  return true;
};

export function accepted(answer: LinkUpgrade | LinkAnswer): LinkUpgrade {
  assert.ok('socket' in answer);
  return answer;
}

/** A port on which `onSocket` is all that happens. */
export async function tcp(onSocket: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
}

export async function freePort(): Promise<{ port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { port };
}
