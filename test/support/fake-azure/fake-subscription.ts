import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AzureFault } from './azure-fault';
import { selfSigned } from './self-signed';

/** An answer: an array is a list, that comes in pages; a `bare` one does not. */
export type SubscriptionAnswer = object | AzureFault | undefined;

/** By path, as the REST reference has it; undefined: it is not there. */
export type SubscriptionAnswers = Readonly<Record<string, SubscriptionAnswer>>;

/** A list that Azure answers without a page around it. */
export class BareList {
  constructor(readonly items: readonly object[]) {}
}

const PAGE = 2;

/**
 * A subscription that is only looked at: the resource manager over HTTPS. What each answer follows is
 * in README.md.
 */
export class FakeSubscription {
  /** Method and path of each call. */
  readonly calls: string[] = [];
  readonly url: string;
  /** Who has signed for it, PEM. */
  readonly ca: string;
  /** The token that counts. */
  readonly token = 'token of a reader';
  readonly #server: Server;
  readonly #answers: ReadonlyMap<string, SubscriptionAnswer>;

  private constructor(server: Server, ca: string, answers: SubscriptionAnswers) {
    this.#server = server;
    this.ca = ca;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // Source: "Resource naming rules": names and types are the same in any case.
    this.#answers = new Map(
      Object.entries(answers).map(([path, answer]) => [path.toLowerCase(), answer]),
    );
  }

  static async start(answers: SubscriptionAnswers): Promise<FakeSubscription> {
    const { cert, key } = await CERTIFICATE;
    const server = createServer({ cert, key });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const fake = new FakeSubscription(server, cert, answers);
    server.on('request', (request, response) => {
      const { status, json } = fake.#answer(request);
      response.statusCode = status;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(json));
    });
    return fake;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage): { readonly status: number; readonly json: object } {
    try {
      return { status: 200, json: this.#route(request) };
    } catch (error) {
      if (!(error instanceof AzureFault)) throw error;
      const { code, message, status } = error;
      return { status, json: { error: { code, message } } };
    }
  }

  #route({ method = '', url = '', headers }: IncomingMessage): object {
    const asked = new URL(url, this.url);
    const path = decodeURIComponent(asked.pathname);
    this.calls.push(`${method} ${path}`);
    if (headers.authorization !== `Bearer ${this.token}`) {
      throw new AzureFault('AuthenticationFailed', 'Authentication failed', 401);
    }
    if (!asked.searchParams.has('api-version')) {
      throw new AzureFault('MissingApiVersionParameter', 'The api-version is required', 400);
    }
    if (method !== 'GET') throw new AzureFault('AuthorizationFailed', 'you only read', 403);
    const found = this.#answers.get(path.toLowerCase());
    if (found === undefined) {
      throw new AzureFault('ResourceNotFound', `The Resource '${path}' was not found.`, 404);
    }
    if (found instanceof AzureFault) throw found;
    if (found instanceof BareList) return found.items;
    return Array.isArray(found) ? this.#page(found, asked) : found;
  }

  /** Source: "Async operations, throttling and paging" of the REST reference. */
  #page(items: readonly object[], asked: URL): object {
    const from = Number(asked.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(asked);
    next.searchParams.set('$skiptoken', String(from + PAGE));
    return {
      value: items.slice(from, from + PAGE),
      ...(from + PAGE < items.length && { nextLink: String(next) }),
    };
  }
}

/** One for all of a process: making it takes a while. */
const CERTIFICATE = selfSigned();
