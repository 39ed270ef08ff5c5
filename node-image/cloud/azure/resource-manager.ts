import { isRestError } from '@azure/arm-compute';

/** Until the whole answer is there, ms. */
const ANSWER_MS = 20_000;
/** Where Azure says 429 and not how long, ms. */
const WAIT_MS = 10_000;

/** Azure does not do what was asked. The text is for people. */
export class AzureError extends Error {
  override readonly name = 'AzureError';
  /** Of the answer; undefined: there was none, or nothing was asked. */
  readonly status: number | undefined;
  /** As Azure names it: "OperationNotAllowed". */
  readonly code: string;

  constructor(
    text: string,
    options: ErrorOptions & { status?: number | undefined; code?: string },
  ) {
    super(text, options);
    this.status = options.status;
    this.code = options.code ?? '';
  }
}

/** Azure counts what it is asked by kind, and throttles each by itself. */
export type CallKind = 'read' | 'write' | 'delete';

export interface CallWords {
  readonly kind: CallKind;
  /** "read the scale set media" */
  readonly what: string;
  /** The action of a role that it takes: "Microsoft.Compute/virtualMachines/delete". */
  readonly action: string;
}

export interface ResourceManagerOptions {
  /** Monotonic, ms. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Calls of Azure's resource manager: each ends in bounded time, says in words why it failed, and none
 * is sent while Azure has asked to wait.
 *
 * Source: learn.microsoft.com, "Understand how Azure Resource Manager throttles requests".
 */
export class ResourceManager {
  readonly #now: () => number;
  readonly #waitUntilMs = new Map<CallKind, number>();

  constructor({ now = () => performance.now() }: ResourceManagerOptions = {}) {
    this.#now = now;
  }

  /** @throws AzureError */
  async call<T>(words: CallWords, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { kind, what } = words;
    const waitMs = (this.#waitUntilMs.get(kind) ?? 0) - this.#now();
    if (waitMs > 0) throw throttled(what, waitMs);
    try {
      return await ask(AbortSignal.timeout(ANSWER_MS));
    } catch (error) {
      if (isRestError(error) && error.statusCode === 429) {
        const pauseMs = retryAfterMs(error.response?.headers.get('retry-after'));
        this.#waitUntilMs.set(kind, this.#now() + pauseMs);
        throw throttled(what, pauseMs, error);
      }
      throw inWords(words, error);
    }
  }
}

const throttled = (what: string, waitMs: number, cause?: unknown): AzureError =>
  new AzureError(
    `Azure has had too many requests, and cannot be asked to ${what} for ${Math.ceil(waitMs / 1000)} s more; it is asked again then`,
    { cause, status: 429, code: 'TooManyRequests' },
  );

/** Source: RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header);
  if (header !== undefined && Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const atMs = Date.parse(header ?? '');
  return Number.isNaN(atMs) ? WAIT_MS : Math.max(0, atMs - Date.now());
}

function inWords({ what, action }: CallWords, error: unknown): AzureError {
  const { statusCode: status, code = '' } = isRestError(error) ? error : {};
  const said = error instanceof Error ? error.message : String(error);
  const options = { cause: error, status, code };
  if (status === 401 || status === 403) {
    return new AzureError(
      `Azure does not let this machine ${what} (${code || status}): give its identity a role with ${action}; a role that was given just now takes minutes to be known everywhere`,
      options,
    );
  }
  if (status === undefined) {
    return new AzureError(
      `Azure cannot be asked to ${what} (${said}): see that the machine has an identity (sluice.cloud.identity), a way out to sluice.cloud.resource_manager_url, and the right time`,
      options,
    );
  }
  return new AzureError(`Azure does not ${what}: it answers ${status} ${code} (${said})`, options);
}
