import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { afterProxyHeader, countedAddress } from './proxy-header';
import { RtmpSession, type TagSink } from './rtmp-session';

export interface RtmpServerOptions {
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

/** A connection that has shown no key yet. */
interface Waiting {
  /** Those of one are counted together. */
  readonly from: string;
  readonly hangUp: () => void;
}

/** Takes encoders by RTMP. None gets further than its key does. */
export class RtmpServer {
  readonly #options: RtmpServerOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<RtmpSession>();
  readonly #waiting = new Set<Waiting>();

  constructor(options: RtmpServerOptions) {
    this.#options = options;
  }

  /**
   * @param addresses - empty means every one
   * @param port - 0 takes a free one
   * @returns the port
   * @throws Error of the system where an address cannot be listened on.
   */
  async listen(addresses: readonly string[], port: number): Promise<number> {
    let taken = port;
    for (const host of addresses.length > 0 ? addresses : ['']) {
      taken = await this.#listenOn(host, taken, (socket) => {
        this.#connected(socket, socket.remoteAddress ?? '');
      });
    }
    return taken;
  }

  /**
   * Takes encoders too that somebody on this machine passes on, who has ended TLS and says by a PROXY
   * header (v2) who they are.
   *
   * @param port - on 127.0.0.1; 0 takes a free one
   * @returns the port
   * @throws Error of the system where it cannot be listened on.
   */
  async listenBehindProxy(port: number): Promise<number> {
    return await this.#listenOn('127.0.0.1', port, (socket) => this.#passedOn(socket));
  }

  /** Ends all connections. Idempotent. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
    for (const session of this.#sessions) session.close();
    for (const { hangUp } of [...this.#waiting]) hangUp();
    for (const socket of this.#sockets) socket.destroySoon();
  }

  async #listenOn(host: string, port: number, take: (socket: Socket) => void): Promise<number> {
    const { log } = this.#options;
    const server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
      take(socket);
    });
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
        server.removeListener('error', reject);
        server.on('error', (error) => log.error({ err: error }, 'RTMP server error'));
        resolve();
      });
    });
    return portOf(server);
  }

  #passedOn(socket: Socket): void {
    const untilSaid = this.#wait('', socket, () => socket.destroy());
    afterProxyHeader(
      socket,
      ({ address, rest }) => {
        untilSaid();
        if (address === undefined) {
          socket.destroy();
          return;
        }
        this.#connected(socket, address);
        if (rest.length > 0) socket.emit('data', rest);
      },
      (error) => {
        this.#refused('', error instanceof Error ? error.message : String(error));
        socket.destroy();
      },
    );
  }

  #connected(socket: Socket, address: string): void {
    const from = countedAddress(address);
    const ofAddress = [...this.#waiting].filter((one) => one.from === from);
    if (ofAddress.length >= MAX_WAITING_BY_ADDRESS) {
      socket.destroy();
      return;
    }
    const session = new RtmpSession({
      socket,
      publish: async (key, one) => {
        const sink = await this.#options.publish(key, one);
        if (sink !== undefined) shown();
        return sink;
      },
      onRefused: (reason) => this.#refused(address, reason),
    });
    const shown = this.#wait(from, socket, () => session.close());
    this.#sessions.add(session);
    socket.once('close', () => this.#sessions.delete(session));
  }

  /**
   * Has a connection wait for its key, for so long and no longer. Where too many do, that of whoever
   * has most gives way: strangers who open many do not keep encoders out.
   *
   * @returns ends the waiting
   */
  #wait(from: string, socket: Socket, hangUp: () => void): () => void {
    const { publishTimeoutMs = PUBLISH_MS } = this.#options;
    if (this.#waiting.size >= MAX_WAITING) this.#oldestOfMost()?.hangUp();
    const timer = setTimeout(() => waiting.hangUp(), publishTimeoutMs);
    const over = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    };
    const waiting: Waiting = {
      from,
      hangUp: () => {
        over();
        hangUp();
      },
    };
    this.#waiting.add(waiting);
    socket.once('close', over);
    return over;
  }

  #oldestOfMost(): Waiting | undefined {
    const counts = new Map<string, number>();
    for (const { from } of this.#waiting) counts.set(from, (counts.get(from) ?? 0) + 1);
    const most = Math.max(...counts.values());
    return [...this.#waiting].find(({ from }) => counts.get(from) === most);
  }

  #refused(address: string, reason: string): void {
    this.#options.log.info({ address, reason }, 'an RTMP sender is refused');
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
