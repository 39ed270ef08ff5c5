import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pino } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerBytes } from '../../node-image/api/cluster/link-requests';
import { HttpServer } from '../../node-image/api/http-server';
import { TokenVerifier } from '../../node-image/api/tokens';
import type { LinkError, LinkHandlers } from '../../node-image/cluster/link/link';
import { TlsLinkClient } from '../../node-image/cluster/link/link-client';
import { LinkServer } from '../../node-image/cluster/link/link-server';
import type { RoomRoutes, RouteTarget } from '../../node-image/cluster/room-routes';
import { ClientAddresses } from '../../node-image/signaling/client-address';
import { JoinLimits, type JoinLimitsOptions } from '../../node-image/signaling/client-limits';
import { EntryEndpoint } from '../../node-image/signaling/entry/entry-endpoint';
import { JoinGate } from '../../node-image/signaling/join-gate';

const LINK = { secret: 'the secret of a cluster in a test', clusterName: 'test' };
export const SIGNER = { apiKey: 'devkey', apiSecret: 'secret' };
const log = pino({ level: 'silent' });

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** A Media Node of which only the link is real: it says back what it is told. */
export class EntryNode {
  readonly sockets: WebSocket[] = [];
  readonly requests: IncomingMessage[] = [];
  /** In place of accepting a handshake. */
  instead: Upgrade | undefined;
  /** What it says first; empty: nothing. */
  greeting: string;
  /** In place of answering with `validation`. */
  answer: LinkHandlers['request'] | undefined;
  validation = { status: 200, text: 'success' };
  readonly #ws = new WebSocketServer({ noServer: true });
  readonly #streams = new Set<Duplex>();
  #server: LinkServer | undefined;

  constructor(readonly id: string) {
    this.greeting = `this is ${id}`;
  }

  get target(): RouteTarget {
    return { nodeId: this.id, link: { host: '127.0.0.1', port: this.server.port }, epoch: 1 };
  }

  get server(): LinkServer {
    if (this.#server === undefined) throw new Error('the node is not started');
    return this.#server;
  }

  async start(): Promise<this> {
    this.#server = await LinkServer.listen({
      ...LINK,
      address: '127.0.0.1',
      port: 0,
      nodeId: this.id,
      version: '1',
      closeGraceMs: 0,
      handlers: {
        request: (request, response) => {
          this.requests.push(request);
          if (this.answer !== undefined) {
            this.answer(request, response);
            return;
          }
          const { status, text } = this.validation;
          answerBytes(response, status, Buffer.from(text));
        },
        upgrade: (request, socket, head) => {
          this.requests.push(request);
          this.#streams.add(socket);
          (this.instead ?? this.#accept)(request, socket, head);
        },
      },
      log,
    });
    return this;
  }

  /** As a kill does it: nothing more is said, and nobody listens. */
  async kill(): Promise<void> {
    const closed = this.server.close();
    for (const stream of this.#streams) stream.destroy();
    await closed;
  }

  readonly #accept: Upgrade = (request, socket, head) => {
    this.#ws.handleUpgrade(request, socket, head, (webSocket) => {
      this.sockets.push(webSocket);
      webSocket.on('error', () => undefined);
      webSocket.on('message', (data, binary) => webSocket.send(data, { binary }));
      if (this.greeting !== '') webSocket.send(this.greeting);
    });
  };
}

/** Where Rooms are, as the test says. */
export class FakeRoutes implements RoomRoutes {
  readonly found = new Map<string, RouteTarget>();
  readonly placings: string[] = [];
  readonly failures: string[] = [];
  /** Where Rooms that are nowhere are placed. */
  next: RouteTarget | Error = new Error('the test places nothing');
  nodes: RouteTarget[] = [];
  onFailed: (room: string, target: RouteTarget) => void | Promise<void> = () => undefined;

  async find(room: string): Promise<RouteTarget | undefined> {
    return this.found.get(room);
  }

  async findOrPlace(room: string, _signal?: AbortSignal): Promise<RouteTarget> {
    const found = this.found.get(room);
    if (found !== undefined) return found;
    if (this.next instanceof Error) throw this.next;
    this.placings.push(room);
    this.found.set(room, this.next);
    return this.next;
  }

  async failed(room: string, target: RouteTarget, why: LinkError | 'elsewhere'): Promise<void> {
    this.failures.push(`${target.nodeId} ${why === 'elsewhere' ? why : why.reason}`);
    await this.onFailed(room, target);
  }

  async placed(): Promise<ReadonlyMap<string, RouteTarget>> {
    return this.found;
  }

  all(): RouteTarget[] {
    return this.nodes;
  }
}

export interface EntryMasterOptions {
  readonly autoCreate?: boolean;
  readonly holdMs?: number;
  readonly attemptMs?: number;
  /** @default none */
  readonly limits?: Partial<JoinLimitsOptions>;
}

/** A Master Node of which the entry, the link and the HTTP server are real. */
export class EntryMaster {
  readonly routes = new FakeRoutes();
  readonly link = new TlsLinkClient(LINK);
  readonly joined: string[] = [];
  readonly entry: EntryEndpoint;
  readonly #http: HttpServer;

  constructor({ limits, ...options }: EntryMasterOptions = {}) {
    this.entry = new EntryEndpoint({
      gate: new JoinGate({
        tokens: new TokenVerifier({ keys: { [SIGNER.apiKey]: SIGNER.apiSecret } }),
        addresses: new ClientAddresses({ trustedProxies: ['127.0.0.1'] }),
        limits: new JoinLimits({
          perSecondByAddress: 0,
          perSecondByKey: 0,
          pendingHandshakes: 0,
          ...limits,
        }),
        lengths: { identity: 100, roomName: 100 },
      }),
      routes: this.routes,
      link: this.link,
      metrics: { joined: (state) => void this.joined.push(state) },
      log,
      autoCreate: true,
      ...options,
    });
    this.#http = new HttpServer({
      bindAddresses: ['127.0.0.1'],
      port: 0,
      health: () => ({ status: 200, text: 'OK' }),
      validate: (request) => this.entry.validate(request),
      upgrade: (request, socket, head) => this.entry.upgrade(request, socket, head),
      log,
      closeGraceMs: 0,
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return this.#http.port;
  }

  async start(): Promise<this> {
    await this.#http.listen();
    return this;
  }

  async close(): Promise<void> {
    await this.entry.close();
    await this.#http.close();
    this.link.close();
  }
}
