import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { SluiceConfig } from '../contract';

export interface MetricsServerOptions {
  readonly registry: Registry;
  /** Port 0 lets the system choose: do not start one where the configuration says 0. */
  readonly prometheus: SluiceConfig['prometheus'];
  /** `bind_addresses` of the configuration. @default - all addresses */
  readonly addresses?: readonly string[];
  readonly log: Logger;
}

/** A scraper takes moments; who takes longer is no scraper. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Answers Prometheus, on any path, as LiveKit does. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #servers: Server[] = [];
  #closing: Promise<void> | undefined;

  private constructor(options: MetricsServerOptions) {
    this.#options = options;
  }

  /** @throws the error of the system where it cannot listen, such as EADDRINUSE. */
  static async listen(options: MetricsServerOptions): Promise<MetricsServer> {
    const { addresses = [], prometheus } = options;
    const started = new MetricsServer(options);
    try {
      for (const host of addresses.length === 0 ? [undefined] : addresses) {
        await started.#listenOn(started.port || prometheus.port, host);
      }
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  /** The port it listens on; 0 where it does not. */
  get port(): number {
    const [first] = this.#servers;
    return (first?.address() as AddressInfo | null | undefined)?.port ?? 0;
  }

  /** Stops at once. May be called again. */
  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#servers.map(stop)).then(() => {});
    return this.#closing;
  }

  async #listenOn(port: number, host: string | undefined): Promise<void> {
    const { log } = this.#options;
    const server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'metrics could not be collected');
        response.destroy();
      });
    });
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.headersTimeout = REQUEST_TIMEOUT_MS;
    server.listen({ port, host });
    await once(server, 'listening');
    server.on('error', (error) => log.error({ err: error }, 'the metrics server failed'));
    this.#servers.push(server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prometheus, registry } = this.#options;
    if (!isAllowed(request.headers.authorization, prometheus)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="metrics"' }).end();
      return;
    }
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(text);
  }
}

/** As in LiveKit, a user name and a password have to be set both before anybody is asked. */
function isAllowed(
  authorization: string | undefined,
  { username, password }: SluiceConfig['prometheus'],
): boolean {
  if (username === '' || password === '') {
    return true;
  }
  const [, encoded = ''] = /^Basic (.+)$/i.exec(authorization ?? '') ?? [];
  const given = Buffer.from(encoded, 'base64').toString('utf8');
  return isSame(given, `${username}:${password}`);
}

/** Takes the same time wherever the two differ, and however long they are. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
