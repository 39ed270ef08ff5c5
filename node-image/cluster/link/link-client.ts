import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { LinkAddress } from '../node-record';
import {
  type LinkAnswer,
  type LinkClient,
  LinkError,
  type LinkRequest,
  type LinkUpgrade,
  type ProbeResult,
} from './link';
import { linkErrorOf, linkName } from './link-failure';
import { chooseKey, LINK_TLS, type LinkSecret, linkKeys } from './link-key';

/** Shorter than the server keeps them, so that no request meets a connection's end. */
const IDLE_MS = 30_000;

export interface TlsLinkClientOptions extends LinkSecret {
  /** Largest answer, in bytes. @default 64 MiB */
  readonly maxAnswerBytes?: number;
  /** Requests to one node at a time; more wait. @default 64 */
  readonly maxRequestsPerNode?: number;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders | readonly string[];
  readonly body?: Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly agent: Agent;
}

/** Speaks to Media Nodes over TLS by the cluster secret. */
export class TlsLinkClient implements LinkClient {
  readonly #maxAnswerBytes: number;
  readonly #requests: Agent;
  /** Of their own: a probe never waits behind requests. */
  readonly #probes: Agent;
  /** A connection for each. */
  readonly #upgrades: Agent;
  readonly #sockets = new Map<string, Set<Socket>>();
  /** Whose other side has shown that it has the secret. */
  readonly #proven = new WeakSet<Socket>();
  #closed = false;

  /** @throws Error where the secret will not do. */
  constructor({
    maxAnswerBytes = 64 << 20,
    maxRequestsPerNode = 64,
    ...secret
  }: TlsLinkClientOptions) {
    this.#maxAnswerBytes = maxAnswerBytes;
    const keys = linkKeys(secret);
    const tls = {
      secureContext: createSecureContext(LINK_TLS),
      pskCallback: (hint: string | null) => chooseKey(keys, hint),
      // There is no certificate to look at: the key has proven the server.
      checkServerIdentity: () => undefined,
      maxCachedSessions: 0,
      noDelay: true,
    };
    this.#requests = new Agent({
      ...tls,
      keepAlive: true,
      maxSockets: maxRequestsPerNode,
      timeout: IDLE_MS,
    });
    this.#probes = new Agent({ ...tls, keepAlive: true, maxFreeSockets: 1, timeout: IDLE_MS });
    this.#upgrades = new Agent({ ...tls, keepAlive: false });
  }

  async request(to: LinkAddress, request: LinkRequest): Promise<LinkAnswer> {
    const { headers = {}, body, ...rest } = request;
    const answer = await this.#call(to, {
      ...rest,
      body,
      headers: body === undefined ? headers : { ...headers, 'Content-Length': body.length },
      agent: this.#requests,
    });
    return asAnswer(answer, to);
  }

  upgrade(
    to: LinkAddress,
    { path, rawHeaders, timeoutMs, signal }: Parameters<LinkClient['upgrade']>[1],
  ): Promise<LinkUpgrade | LinkAnswer> {
    const agent = this.#upgrades;
    return this.#call(to, { method: 'GET', path, headers: rawHeaders, timeoutMs, signal, agent });
  }

  async probe(to: LinkAddress, nodeId: string, timeoutMs: number): Promise<ProbeResult> {
    const startedMs = performance.now();
    const call = { method: 'GET', path: '/link/alive', headers: {} };
    try {
      const first = { ...call, timeoutMs, agent: this.#probes };
      const answer = await this.#call(to, first).catch((error: unknown) => {
        const leftMs = timeoutMs - (performance.now() - startedMs);
        // The connection kept from before may be what is gone, so a new one decides.
        if (!(error instanceof LinkError) || error.reason !== 'reset' || leftMs <= 0) throw error;
        return this.#call(to, { ...call, timeoutMs: leftMs, agent: this.#upgrades });
      });
      const { status, body } = asAnswer(answer, to);
      // Another process has taken the place of the one that is asked for.
      return status === 200 && nodeIdIn(body) !== nodeId ? 'refused' : 'alive';
    } catch (error) {
      const reason = error instanceof LinkError ? error.reason : 'reset';
      return reason === 'reset' ? 'silent' : reason;
    }
  }

  destroyAll(to: LinkAddress): void {
    for (const socket of [...(this.#sockets.get(linkName(to)) ?? [])]) socket.destroy();
  }

  /** Connections now, to all nodes. */
  get connections(): number {
    return [...this.#sockets.values()].reduce((sum, sockets) => sum + sockets.size, 0);
  }

  close(): void {
    this.#closed = true;
    for (const sockets of [...this.#sockets.values()]) {
      for (const socket of [...sockets]) socket.destroy();
    }
    for (const agent of [this.#requests, this.#probes, this.#upgrades]) agent.destroy();
  }

  #call(to: LinkAddress, call: Call): Promise<LinkUpgrade | LinkAnswer> {
    const { method, path, headers, body, timeoutMs, signal, agent } = call;
    return new Promise((resolve, reject) => {
      let request: ClientRequest | undefined;
      const timer = setTimeout(() => {
        fail(new LinkError('silent', `${linkName(to)} did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const fail = (error: unknown): void => {
        settle();
        const socket = request?.socket;
        reject(linkErrorOf(error, to, socket ? this.#proven.has(socket) : false));
        request?.destroy();
      };
      const abort = (): void => fail(new LinkError('reset', 'nobody waits for it any more'));
      if (this.#closed || signal?.aborted) {
        fail(new LinkError('reset', this.#closed ? 'the node link is closed' : 'given up'));
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      try {
        request = httpsRequest({ host: to.host, port: to.port, method, path, headers, agent });
      } catch (error) {
        // Node refuses bytes in a path or a header that its own server has let in.
        fail(error);
        return;
      }
      request.on('error', fail);
      request.once('socket', (socket) => this.#track(to, socket));
      request.once('upgrade', (response, socket, head) => {
        settle();
        // What breaks it off also closes it, and that is what whoever has it looks at.
        socket.on('error', () => undefined);
        resolve({ rawHeaders: response.rawHeaders, socket, head });
      });
      request.once('response', (response) => {
        this.#read(response).then((answer) => {
          settle();
          resolve(answer);
        }, fail);
      });
      request.end(body);
    });
  }

  async #read(response: IncomingMessage): Promise<LinkAnswer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      length += bytes.length;
      if (length > this.#maxAnswerBytes) {
        throw new LinkError('reset', `an answer has more than ${this.#maxAnswerBytes} bytes`);
      }
      chunks.push(bytes);
    }
    const { statusCode: status = 0, headers } = response;
    return { status, headers, body: Buffer.concat(chunks) };
  }

  #track(to: LinkAddress, socket: Socket): void {
    const name = linkName(to);
    const sockets = this.#sockets.get(name) ?? new Set();
    this.#sockets.set(name, sockets);
    if (sockets.has(socket)) return;
    if (this.#closed || socket.destroyed) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('secureConnect', () => this.#proven.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && this.#sockets.get(name) === sockets) this.#sockets.delete(name);
    });
  }
}

function asAnswer(answer: LinkUpgrade | LinkAnswer, to: LinkAddress): LinkAnswer {
  if ('status' in answer) return answer;
  answer.socket.destroy();
  throw new LinkError('reset', `${linkName(to)} changed the protocol without being asked`);
}

function nodeIdIn(body: Buffer): string | undefined {
  try {
    const told: unknown = JSON.parse(body.toString());
    return typeof told === 'object' && told !== null && 'nodeId' in told
      ? String(told.nodeId)
      : undefined;
  } catch {
    return undefined;
  }
}
