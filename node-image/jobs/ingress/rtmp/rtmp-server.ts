import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { RtmpSession, type TagSink } from './rtmp-session';

export interface RtmpServerOptions {
  /** Empty means every address. */
  readonly addresses: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
  /** As `RtmpSessionOptions.publish`. */
  readonly publish: (key: string, session: RtmpSession) => Promise<TagSink | undefined>;
  /** How long a connection has to show its key, in ms. @default 10000 */
  readonly publishTimeoutMs?: number;
  readonly log: Pick<Logger, 'info' | 'error'>;
}

const PUBLISH_MS = 10_000;
/** Connections that have shown no key yet: in all, and of one address. */
const MAX_WAITING = 256;
const MAX_WAITING_BY_ADDRESS = 16;

/** Takes encoders by RTMP. None gets further than its key does. */
export class RtmpServer {
  readonly #options: RtmpServerOptions;
  readonly #servers: Server[] = [];
  readonly #sessions = new Map<RtmpSession, string>();

  private constructor(options: RtmpServerOptions) {
    this.#options = options;
  }

  /** @throws Error of the system where an address cannot be listened on; then none is. */
  static async listen(options: RtmpServerOptions): Promise<RtmpServer> {
    const server = new RtmpServer(options);
    try {
      for (const address of options.addresses.length > 0 ? options.addresses : ['']) {
        await server.#listenOn(address);
      }
    } catch (error) {
      server.close();
      throw error;
    }
    return server;
  }

  get port(): number {
    const address = this.#servers[0]?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Ends all connections. Idempotent. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
    for (const session of [...this.#sessions.keys()]) session.close();
  }

  async #listenOn(address: string): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#connected(socket));
    this.#servers.push(server);
    const port = this.port || this.#options.port;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(address === '' ? {} : { host: address }) }, () => {
        server.removeListener('error', reject);
        server.on('error', (error) => this.#options.log.error({ err: error }, 'RTMP server error'));
        resolve();
      });
    });
  }

  #connected(socket: Socket): void {
    const { publish, log, publishTimeoutMs = PUBLISH_MS } = this.#options;
    const address = socket.remoteAddress ?? '';
    const waiting = [...this.#sessions].filter(([session]) => !session.isPublishing);
    const ofAddress = waiting.filter(([, one]) => one === address);
    if (waiting.length >= MAX_WAITING || ofAddress.length >= MAX_WAITING_BY_ADDRESS) {
      socket.destroy();
      return;
    }
    const session = new RtmpSession({
      socket,
      publish,
      onRefused: (reason) => log.info({ address, reason }, 'an RTMP sender is refused'),
    });
    this.#sessions.set(session, address);
    const timer = setTimeout(() => {
      if (!session.isPublishing) session.close();
    }, publishTimeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#sessions.delete(session);
    });
  }
}
