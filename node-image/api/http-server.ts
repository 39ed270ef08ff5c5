import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { createApp, type HttpAnswer } from './app';
import { listenErrorOf } from './listen-error';
import { answerOnSocket } from './raw-answer';
import { withoutDoubleSlash } from './request-path';

/** Go's default, which LiveKit has: metadata of 512 KiB travels in tokens in the URL. */
const MAX_HEADER_BYTES = 1 << 20;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than a load balancer keeps an idle connection (60 s), so that it closes first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const CLOSE_GRACE_MS = 3000;

export interface HttpServerOptions {
  /** Empty means every address. */
  readonly bindAddresses: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
  /** `limit.max_api_request_body_size`; 0 means no limit. @default 10 MiB */
  readonly maxBodyBytes?: number;
  /** What `GET /` answers. */
  readonly health: () => HttpAnswer;
  /** What `GET /rtc/validate` answers. What it rejects with becomes a 500. */
  readonly validate: (request: IncomingMessage) => Promise<HttpAnswer>;
  /**
   * Takes the WebSocket handshakes of `/rtc`. It owns the socket from then on; what it throws
   * ends the socket with a 500.
   */
  readonly upgrade: (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ) => void | Promise<void>;
  /** Takes those of `/agent`, as `upgrade` does. @default - they are answered with 404 */
  readonly upgradeAgent?: HttpServerOptions['upgrade'];
  /** Further routes: the server API, the console. */
  readonly routes?: readonly FastifyPluginAsync[];
  readonly log: Pick<Logger, 'debug' | 'error'>;
  /** @default 10000 */
  readonly headersTimeoutMs?: number;
  /** @default 60000 */
  readonly requestTimeoutMs?: number;
  /** How long `close` waits for requests under way. @default 3000 */
  readonly closeGraceMs?: number;
}

/** The one HTTP server of a node: server API, signaling handshakes, health. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** Servers that take no more connections, and when the last of those they have is gone. */
  readonly #ended = new Map<Server, Promise<void>>();
  #app: FastifyInstance | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** The port listened on; 0 before `listen`. */
  get port(): number {
    const address = this.#servers[0]?.address();
    return isAddressInfo(address) ? address.port : 0;
  }

  /**
   * @throws ListenError when an address cannot be listened on; then none is.
   * @throws Error where it is closed already.
   */
  async listen(): Promise<void> {
    const app = await createApp(this.#options);
    this.#app = app;
    await this.#endIfClosed();
    const { bindAddresses, port } = this.#options;
    for (const address of bindAddresses.length > 0 ? bindAddresses : ['']) {
      try {
        await this.#listenOn(app, address, port === 0 ? this.port : port);
      } catch (error) {
        await this.close();
        throw listenErrorOf(error, { address, port });
      }
      await this.#endIfClosed();
    }
  }

  /** Takes no more connections, and ends those that are idle; the others go on. Idempotent. */
  stopListening(): void {
    for (const server of this.#servers) {
      if (!this.#ended.has(server)) {
        this.#ended.set(server, new Promise((resolve) => server.close(() => resolve())));
      }
    }
  }

  /** Ends idle connections at once, and all others after the grace. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** `close` has not seen what was opened after it. */
  async #endIfClosed(): Promise<void> {
    if (this.#closing !== undefined) {
      await this.#close();
      throw new Error('the HTTP server was closed before it listened');
    }
  }

  async #listenOn(app: FastifyInstance, address: string, port: number): Promise<void> {
    const server = createServer(this.#serverOptions(), (request, response) =>
      app.routing(request, response),
    );
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    server.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(address === '' ? {} : { host: address }) }, () => {
        server.removeListener('error', reject);
        server.on('error', (error) => this.#options.log.error({ err: error }, 'http server error'));
        resolve();
      });
    });
  }

  #serverOptions(): ServerOptions {
    const { headersTimeoutMs = HEADERS_TIMEOUT_MS, requestTimeoutMs = REQUEST_TIMEOUT_MS } =
      this.#options;
    return {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: Math.min(2000, headersTimeoutMs),
      noDelay: true,
      // Some HTTP clients offer h2c with every request; that is no handshake of ours.
      shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
    };
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', (error) => this.#options.log.debug({ err: error }, 'socket error'));
    const upgrade = this.#upgradeOf(request.url ?? '');
    if (upgrade === undefined) {
      answerOnSocket(socket, 404, '404 page not found\n');
      return;
    }
    try {
      await upgrade(request, socket, head);
    } catch (error) {
      this.#options.log.error({ err: error }, 'handshake failed');
      answerOnSocket(socket, 500, 'internal error');
    }
  }

  #upgradeOf(url: string): HttpServerOptions['upgrade'] | undefined {
    const [path = ''] = withoutDoubleSlash(url).split('?', 1);
    if (path.endsWith('/rtc')) return this.#options.upgrade;
    return path.endsWith('/agent') ? this.#options.upgradeAgent : undefined;
  }

  #onClientError(error: Error, socket: Duplex): void {
    const code = 'code' in error ? error.code : undefined;
    if (code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (code === 'HPE_HEADER_OVERFLOW') answerOnSocket(socket, 431, 'request header too large');
    else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') answerOnSocket(socket, 408, 'request timeout');
    else answerOnSocket(socket, 400, 'bad request');
  }

  async #close(): Promise<void> {
    const { closeGraceMs = CLOSE_GRACE_MS } = this.#options;
    this.stopListening();
    for (const server of this.#servers) server.closeIdleConnections();
    const force = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, closeGraceMs);
    await Promise.all(this.#ended.values());
    clearTimeout(force);
    await this.#app?.close();
  }
}

function isAddressInfo(address: AddressInfo | string | null | undefined): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
