import type { Logger } from 'pino';
import type { Registry } from './registry';
import { type OpenedCopies, SealedCopies } from './sealed-copies';
import { SealedKeysError } from './sealed-keys';
import {
  isSameKeys,
  mergeKeys,
  NO_KEYS,
  type SharedKey,
  type SharedKeySet,
} from './shared-key-set';

/** The document of the registry that the keys are in. */
export const KEYS_DOCUMENT = 'keys';

export interface SharedKeysOptions {
  readonly registry: Pick<Registry, 'document' | 'writeDocument' | 'onEvent'>;
  /** `sluice.cluster.secret`: encrypts the secrets of the keys. */
  readonly clusterSecret: string;
  /** `sluice.cluster.previous_secret`: the keys are kept for nodes with this one as well. @default - none */
  readonly previousSecret?: string | undefined;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How often they are looked at without being told to, ms. @default 10000 */
  readonly pollMs?: number | undefined;
  /** @default Date.now */
  readonly now?: () => number;
}

const POLL_MS = 10_000;
/** How often a change is tried again that another node was faster than. */
const ATTEMPTS = 8;

/**
 * The API keys that the nodes of a cluster share, in the registry, encrypted.
 *
 * Keys are only ever added, and once retired stay so. That is why two versions can always be put
 * together: where the registry has lost the newest writing, the nodes that know of it write it anew.
 */
export class SharedKeys {
  readonly #options: SharedKeysOptions;
  readonly #sealer: SealedCopies;
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #current = NO_KEYS;
  #problem = '';
  #hasLooked = false;
  #refreshing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: SharedKeysOptions) {
    const { registry, clusterSecret, previousSecret, pollMs = POLL_MS } = options;
    this.#options = options;
    this.#sealer = new SealedCopies(clusterSecret, previousSecret);
    this.#timer = setInterval(() => void this.refresh(), pollMs);
    this.#timer.unref();
    this.#stopListening = registry.onEvent((event) => {
      if (event.type === 'document' && event.name === KEYS_DOCUMENT) void this.refresh();
    });
  }

  /** What is known; after start, only once `refresh` has answered. */
  get current(): SharedKeySet {
    return this.#current;
  }

  /** Why the document cannot be used, as the end of a sentence; empty: it can. */
  get problem(): string {
    return this.#problem;
  }

  /** @returns to be called when no more is wanted. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks at the registry now. Never rejects: without it, what is known stays. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /**
   * Adds a key for all nodes.
   *
   * @throws RegistryUnavailableError, SealedKeysError
   */
  add(apiKey: string, secret: string): Promise<void> {
    const addedAtMs = this.#now();
    return this.#change(({ keys, retired }) => ({
      keys: new Map([...keys, [apiKey, { secret, addedAtMs }]]),
      retired,
    }));
  }

  /**
   * Retires a key on all nodes, wherever they have it from. That cannot be taken back.
   *
   * @param mayRetire - throws where the newest there is to know forbids it
   * @throws RegistryUnavailableError, SealedKeysError, and what `mayRetire` throws
   */
  retire(apiKey: string, mayRetire: (known: SharedKeySet) => void = () => {}): Promise<void> {
    const retiredAtMs = this.#now();
    return this.#change((known) => {
      mayRetire(known);
      return {
        keys: without(known.keys, apiKey),
        retired: new Map([[apiKey, retiredAtMs], ...known.retired]),
      };
    });
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#stopListening();
    this.#listeners.clear();
  }

  async #refresh(): Promise<void> {
    const { registry, log } = this.#options;
    try {
      const document = await registry.document(KEYS_DOCUMENT);
      const written = this.#open(document?.value);
      const merged = mergeKeys(written.keys, this.#current);
      const isLost = !isSameKeys(merged, written.keys);
      if (!this.#isClosed && (isLost || this.#isToReseal(written))) {
        if (isLost) {
          log.warn('the registry has lost API keys that this node knows; it writes them anew');
        } else {
          log.info('the API keys of the cluster are written for the cluster secrets in use');
        }
        await this.#write(merged, document?.version ?? 0);
      }
      this.#hasLooked = true;
      this.#take(merged);
      this.#problem = '';
    } catch (error) {
      if (error instanceof SealedKeysError) this.#distrust(error);
      // Otherwise the registry is away, which others tell of: what is known stays.
    }
  }

  /**
   * Nodes that have the newest secret alone must find all keys. Copies for others go when a node comes
   * that has one secret; once, as nodes that still need them write them again.
   */
  #isToReseal({ isForNewest, hasOthers }: OpenedCopies): boolean {
    return !isForNewest || (hasOthers && !this.#hasLooked);
  }

  async #change(changed: (known: SharedKeySet) => SharedKeySet): Promise<void> {
    const { registry } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const document = await registry.document(KEYS_DOCUMENT);
      const next = changed(mergeKeys(this.#open(document?.value).keys, this.#current));
      if (await this.#write(next, document?.version ?? 0)) {
        this.#take(next);
        return;
      }
    }
    throw new Error('Other nodes change the API keys at this moment. Try again.');
  }

  async #write(keys: SharedKeySet, ifVersion: number): Promise<boolean> {
    const { registry } = this.#options;
    const text = this.#sealer.seal(keys);
    return (await registry.writeDocument(KEYS_DOCUMENT, text, ifVersion)) !== undefined;
  }

  #open(text: string | undefined): OpenedCopies {
    return text === undefined
      ? { keys: NO_KEYS, isForNewest: true, hasOthers: false }
      : this.#sealer.open(text);
  }

  #take(news: SharedKeySet): void {
    // Once more, as something may have changed while the registry was waited for.
    const keys = mergeKeys(news, this.#current);
    if (isSameKeys(keys, this.#current) || this.#isClosed) return;
    this.#current = keys;
    const { log } = this.#options;
    log.info({ keys: keys.keys.size, retired: keys.retired.size }, 'API keys of the cluster');
    for (const listener of [...this.#listeners]) listener();
  }

  #distrust({ message }: SealedKeysError): void {
    if (message === this.#problem) return;
    this.#problem = message;
    this.#options.log.error(
      `the API keys that the cluster shares cannot be used: ${message}; those known before, and the configured ones, go on`,
    );
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

function without(keys: ReadonlyMap<string, SharedKey>, apiKey: string): Map<string, SharedKey> {
  return new Map([...keys].filter(([each]) => each !== apiKey));
}
