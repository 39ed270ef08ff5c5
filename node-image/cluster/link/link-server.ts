import { constants, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { LINK_PROTOCOL, type LinkHandlers } from './link';
import { hintOf, identityPrefix, LINK_TLS, type LinkSecret, linkKeys } from './link-key';
import { LinkStrangers } from './link-strangers';

/** What a client may send a Master Node, and what that one adds. */
const MAX_HEADER_BYTES = (1 << 20) + (64 << 10);
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than a link client keeps an idle connection, so that a request never meets its end. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

export interface LinkServerOptions extends LinkSecret {
  /** Private; a name or an address of this machine. */
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly nodeId: string;
  /** Of the program. */
  readonly version: string;
  readonly handlers: LinkHandlers;
  readonly log: Logger;
  /** @default 64 MiB */
  readonly maxBodyBytes?: number;
  /** How long a peer may take to prove itself, ms. @default 5000 */
  readonly handshakeTimeoutMs?: number;
  /**
   * Connections at a time that have not proven themselves; of more, the oldest is cut that comes
   * from where nobody has, or else the newest. Clients that come back all at once after a fault are
   * as many. @default 1024
   */
  readonly maxUnproven?: number;
  /** How long `close` waits for what is under way, ms. @default 1000 */
  readonly closeGraceMs?: number;
}

interface Unproven {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  readonly address: string;
}

/** The node link of a Media Node: HTTPS whose peers both prove that they have the cluster secret. */
export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #server: Server;
  readonly #strangers: LinkStrangers;
  /** Connections whose handshake goes on, by the peer's address and port. */
  readonly #unproven = new Map<string, Unproven>();
  readonly #proven = new Set<TLSSocket>();
  /** How many of those are proven, by the peer's address. */
  readonly #provenFrom = new Map<string, number>();
  #closing: Promise<void> | undefined;

  private constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#strangers = new LinkStrangers(options.log);
    const keys = linkKeys(options);
    const otherKey = randomBytes(keys[0].psk.length);
    const prefix = identityPrefix(options.clusterName);
    this.#server = createServer(
      {
        ...LINK_TLS,
        // Each connection has its own key exchange; a resumed one would not.
        secureOptions: constants.SSL_OP_NO_TICKET,
        pskIdentityHint: hintOf(keys),
        pskCallback: (socket, identity) => {
          const key = keys.find((one) => one.identity === identity);
          if (key !== undefined) return key.psk;
          if (!identity.startsWith(prefix)) this.#strangers.named(socket, identity);
          // It fails as a wrong secret does: whoever asks learns no names.
          return otherKey;
        },
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        connectionsCheckingInterval: 2000,
        noDelay: true,
        shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
      },
      (request, response) => this.#onRequest(request, response),
    );
    this.#server.on('connection', (socket: Socket) => this.#onConnection(socket));
    this.#server.on('secureConnection', (socket) => this.#onProven(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#strangers.failed(socket, error));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** @throws Error what listening failed with, such as EADDRINUSE, or of a secret that will not do. */
  static async listen(options: LinkServerOptions): Promise<LinkServer> {
    const link = new LinkServer(options);
    await new Promise<void>((resolve, reject) => {
      link.#server.once('error', reject);
      link.#server.listen({ host: options.address, port: options.port }, () => {
        link.#server.removeListener('error', reject);
        link.#server.on('error', (error) => options.log.error({ err: error }, 'node link error'));
        resolve();
      });
    });
    return link;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections now, by how far they have come. */
  get connections(): { readonly unproven: number; readonly proven: number } {
    return { unproven: this.#unproven.size, proven: this.#proven.size };
  }

  /** Ends idle connections at once, and all others after the grace. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #onConnection(socket: Socket): void {
    const { maxUnproven = 1024, handshakeTimeoutMs = 5000, log } = this.#options;
    const peer = peerOf(socket);
    if (this.#unproven.size >= maxUnproven) {
      log.debug({ peer }, 'too many connections to the node link have not proven themselves');
      this.#cutStranger();
    }
    if (this.#unproven.size >= maxUnproven || peer === undefined) {
      socket.destroy();
      return;
    }
    // In all, not only while it is silent: bytes that trickle in would go on for ever.
    const timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    this.#unproven.set(peer, { socket, timer, address: socket.remoteAddress ?? '' });
    socket.once('close', () => this.#settle(peer, socket));
  }

  #onProven(socket: TLSSocket): void {
    this.#settle(peerOf(socket));
    const address = socket.remoteAddress ?? '';
    this.#proven.add(socket);
    this.#provenFrom.set(address, (this.#provenFrom.get(address) ?? 0) + 1);
    socket.once('close', () => {
      this.#proven.delete(socket);
      const left = (this.#provenFrom.get(address) ?? 1) - 1;
      if (left > 0) this.#provenFrom.set(address, left);
      else this.#provenFrom.delete(address);
    });
    socket.on('error', (error) => this.#options.log.debug({ err: error }, 'node link broke off'));
  }

  /** A node takes a moment to prove itself, so the oldest is none; nodes that come all at once stay. */
  #cutStranger(): void {
    for (const [peer, { socket, address }] of this.#unproven) {
      if (this.#provenFrom.has(address)) continue;
      this.#settle(peer);
      socket.destroy();
      return;
    }
  }

  #settle(peer: string | undefined, only?: Socket): void {
    const found = peer === undefined ? undefined : this.#unproven.get(peer);
    if (peer === undefined || found === undefined || (only && found.socket !== only)) return;
    clearTimeout(found.timer);
    this.#unproven.delete(peer);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { maxBodyBytes = 64 << 20, handlers, nodeId, version, log } = this.#options;
    if (request.headers['transfer-encoding'] !== undefined) {
      refuse(response, 411, 'the body needs a Content-Length');
    } else if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
      refuse(response, 413, `the body may have ${maxBodyBytes} bytes`);
    } else if (request.url === '/link/alive') {
      const body = JSON.stringify({ nodeId, protocol: LINK_PROTOCOL, version });
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
    } else {
      try {
        handlers.request(request, response);
      } catch (error) {
        log.error({ err: error, path: pathOf(request) }, 'a request over the node link failed');
        if (response.headersSent) response.destroy();
        else refuse(response, 500, 'internal error');
      }
    }
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      this.#options.handlers.upgrade(request, socket, head);
    } catch (error) {
      this.#options.log.error({ err: error }, 'a handshake over the node link failed');
      socket.destroy();
    }
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const { socket } of this.#unproven.values()) socket.destroy();
    const force = setTimeout(() => {
      for (const socket of this.#proven) socket.destroy();
    }, this.#options.closeGraceMs ?? 1000);
    await closed;
    clearTimeout(force);
  }
}

/** Without the query, which may hold a token. */
const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';

function peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(text);
}
