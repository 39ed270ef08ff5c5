import type {
  DrainResult,
  NodesView,
  NodeView,
  RemoveResult,
  RoomView,
  UndrainResult,
} from '../../cluster/admin-views';
import type { RoomExplanation } from '../../cluster/explain';
import type { OnDeadline } from '../../cluster/node-record';
import type { AuditEntry } from '../../cluster/registry';
import type { AgentExplanation } from '../../jobs/agents/agent-explain';
import type { JobExplanation } from '../../jobs/placement/job-explain';
import { TokenMinter } from '../token-minter';

export interface AdminClientOptions {
  /** Of any Master Node or of what stands before them, such as http://127.0.0.1:7880. */
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Until the whole answer is there, ms. @default 10000 */
  readonly timeoutMs?: number | undefined;
}

/** A text with a unit, such as "15m", or a number of ms. */
export type Duration = string | number;

/** What `drain` may be told; the rest is as the cluster's configuration says. */
export interface DrainOptions {
  readonly reason?: string | undefined;
  /** How long Rooms may end by themselves. */
  readonly patience?: Duration | undefined;
  /** How long it may take in all. */
  readonly deadline?: Duration | undefined;
  readonly onDeadline?: OnDeadline | undefined;
}

/** The cluster refused, or was not reached. The text is for people, and has no secret in it. */
export class AdminClientError extends Error {
  override readonly name = 'AdminClientError';

  constructor(
    /** The HTTP status; 0: nobody answered. */
    readonly status: number,
    /**
     * The server's: `unauthenticated`, `permission_denied`, `not_found`, `invalid`, `conflict`,
     * `unavailable`, `internal`. Ours: `unreachable`, `not_sluice`.
     */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const TOKEN_SECONDS = 60;
const TIMEOUT_MS = 10_000;

/**
 * The admin API of a cluster. Nodes may be named by their id, the start of it, or their machine's.
 * Every method rejects with AdminClientError.
 */
export class AdminClient {
  readonly #options: AdminClientOptions;
  readonly #minter: TokenMinter;
  readonly #base: string;

  /** @throws TypeError where the URL is none of http or https. */
  constructor(options: AdminClientOptions) {
    this.#options = options;
    this.#minter = new TokenMinter({ keys: { [options.apiKey]: options.apiSecret } });
    this.#base = baseOf(options.url);
  }

  nodes(): Promise<NodesView> {
    return this.call('GET', 'nodes');
  }

  node(node: string): Promise<NodeView> {
    return this.call('GET', `nodes/${encodeURIComponent(node)}`);
  }

  drain(node: string, options: DrainOptions = {}): Promise<DrainResult> {
    return this.call('POST', `nodes/${encodeURIComponent(node)}/drain`, options);
  }

  undrain(node: string, options: { readonly reason?: string } = {}): Promise<UndrainResult> {
    return this.call('POST', `nodes/${encodeURIComponent(node)}/undrain`, options);
  }

  remove(
    node: string,
    { force = false, reason = '' }: { readonly force?: boolean; readonly reason?: string } = {},
  ): Promise<RemoveResult> {
    const query = new URLSearchParams({ force: String(force), ...(reason && { reason }) });
    return this.call('DELETE', `nodes/${encodeURIComponent(node)}?${query}`);
  }

  async rooms(): Promise<RoomView[]> {
    return (await this.call<{ rooms: RoomView[] }>('GET', 'rooms')).rooms;
  }

  explain(room: string): Promise<RoomExplanation> {
    return this.call('GET', `rooms/${encodeURIComponent(room)}/explain`);
  }

  /** @param type - such as room-composite or rtmp */
  explainJob(kind: 'egress' | 'ingress', type: string): Promise<JobExplanation> {
    return this.call('GET', `jobs/explain?${new URLSearchParams({ kind, type })}`);
  }

  /** @param agent - @default - those that the Room is to have */
  explainAgent(room: string, agent?: string): Promise<AgentExplanation> {
    const query = new URLSearchParams({ room, ...(agent !== undefined && { agent }) });
    return this.call('GET', `agents/explain?${query}`);
  }

  /** The newest first. @param limit - @default 100 */
  async audit(limit = 100): Promise<AuditEntry[]> {
    return (await this.call<{ entries: AuditEntry[] }>('GET', `audit?limit=${limit}`)).entries;
  }

  /** For the parts of the API that are not here: @param path - behind `/sluice/v1/` */
  async call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<T> {
    const response = await this.#send(method, path, body);
    const text = await response.text().catch((error: unknown) => this.#unreachable(error));
    const json = parseJson(text);
    if (response.ok && json !== undefined) {
      // Written by the same version's admin-routes.ts, which answers with these very types.
      return json as T;
    }
    throw this.#refusal(response.status, json);
  }

  async #send(method: string, path: string, body: unknown): Promise<Response> {
    const { apiKey, timeoutMs = TIMEOUT_MS } = this.#options;
    const claims = { sluice: { clusterAdmin: true } };
    const token = await this.#mint(apiKey, claims);
    return fetch(`${this.#base}/sluice/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    }).catch((error: unknown) => this.#unreachable(error));
  }

  #mint(apiKey: string, claims: Record<string, unknown>): Promise<string> {
    return this.#minter.mint(apiKey, claims, TOKEN_SECONDS).catch((error: unknown) => {
      const text = 'The API key has no secret: give both, as the configuration has them.';
      throw new AdminClientError(0, 'unauthenticated', text, { cause: error });
    });
  }

  #unreachable(error: unknown): never {
    const { timeoutMs = TIMEOUT_MS } = this.#options;
    const why =
      error instanceof Error && error.name === 'TimeoutError'
        ? `no answer within ${timeoutMs} ms`
        : reasonOf(error);
    const text = `No Master Node answers at ${this.#base}: ${why}. Is it running, and is the URL right?`;
    throw new AdminClientError(0, 'unreachable', text, { cause: error });
  }

  #refusal(status: number, json: unknown): AdminClientError {
    const { code, message } = (json ?? {}) as { code?: unknown; message?: unknown };
    if (status >= 400 && typeof code === 'string' && typeof message === 'string') {
      return new AdminClientError(status, code, message);
    }
    const text =
      `What answers at ${this.#base} (status ${status}) has no admin API of Sluice. ` +
      'Give the URL of a Master Node.';
    return new AdminClientError(status, 'not_sluice', text);
  }
}

function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  // Clients know the WebSocket's URL; both are served at one address.
  const protocol = parsed?.protocol.replace(/^ws/, 'http');
  if (parsed === undefined || (protocol !== 'http:' && protocol !== 'https:')) {
    throw new TypeError(
      `Not the URL of a Master Node: ${JSON.stringify(url)}. Give one such as http://127.0.0.1:7880.`,
    );
  }
  return `${protocol}//${parsed.host}${parsed.pathname.replace(/\/+$/, '')}`;
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** fetch hides what went wrong in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) {
    return cause.errors[0].message;
  }
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
