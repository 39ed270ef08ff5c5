import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Longer than a connection takes anywhere, in ms. */
const CONNECT_MS = 10_000;

/** A host that may not be asked, or is not there. */
export class HostRefusedError extends Error {
  override readonly name = 'HostRefusedError';
}

export interface GuardedProxyOptions {
  /**
   * The address to connect to for a host.
   *
   * @throws HostRefusedError where nothing is to be connected to.
   */
  readonly addressOf: (host: string) => Promise<string>;
  /** So many at once. @default 32 */
  readonly maxConnections?: number;
}

/**
 * An HTTP proxy on the loopback for one program that opens what a stranger named: it connects to
 * addresses that may be asked alone, whatever redirections, playlists and names lead to.
 */
export class GuardedProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #addressOf: GuardedProxyOptions['addressOf'];

  private constructor({ addressOf, maxConnections = 32 }: GuardedProxyOptions) {
    this.#addressOf = addressOf;
    this.#server = createServer((from, to) => void this.#forward(from, to));
    this.#server.maxConnections = maxConnections;
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('connect', (asked, socket) => void this.#tunnel(asked, socket));
  }

  static async listen(options: GuardedProxyOptions): Promise<GuardedProxy> {
    const proxy = new GuardedProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  /** Ends all that goes through it. Idempotent. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #forward(from: IncomingMessage, to: ServerResponse): Promise<void> {
    try {
      const url = new URL(from.url ?? '');
      if (url.protocol !== 'http:') throw new HostRefusedError('http alone is forwarded');
      const host = await this.#addressOf(url.hostname);
      const { 'proxy-connection': _, ...headers } = from.headers;
      const asked = request({
        ...{ host, port: url.port || 80, method: from.method, headers },
        path: url.pathname + url.search,
        setHost: false,
        timeout: CONNECT_MS,
      });
      asked.on('response', (answer) => this.#answer(answer, to));
      // Another protocol is not spoken here.
      asked.on('upgrade', (_, socket) => {
        socket.destroy();
        to.destroy();
      });
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => to.destroy());
      to.on('close', () => asked.destroy());
      from.pipe(asked);
    } catch (error) {
      to.writeHead(403, { 'content-type': 'text/plain' });
      to.end(error instanceof HostRefusedError ? error.message : 'not a request that is forwarded');
    }
  }

  /** Whatever a stranger's server says: what cannot be passed on ends the connection. */
  #answer(answer: IncomingMessage, to: ServerResponse): void {
    answer.on('error', () => to.destroy());
    try {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(to);
    } catch {
      answer.destroy();
      to.destroy();
    }
  }

  async #tunnel(asked: IncomingMessage, client: Duplex): Promise<void> {
    client.on('error', () => {});
    try {
      const { hostname, port } = new URL(`http://${asked.url ?? ''}`);
      const host = await this.#addressOf(hostname);
      const upstream = connect({ host, port: Number(port || 443), timeout: CONNECT_MS });
      this.#keep(upstream);
      upstream.on('error', () => client.destroy());
      upstream.once('timeout', () => upstream.destroy());
      upstream.once('connect', () => {
        upstream.setTimeout(0);
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
    } catch {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    }
  }

  #keep(socket: Duplex | Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
