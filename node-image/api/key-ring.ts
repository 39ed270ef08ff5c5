import type { SharedKeySet } from '../cluster/shared-key-set';

/** What signs a token. */
export interface SigningKey {
  readonly apiKey: string;
  readonly secret: Uint8Array;
}

/** The API keys that count now. What is asked later may be answered otherwise. */
export interface KeySource {
  /** @returns undefined where there is no such key, or it is retired. */
  secretOf(apiKey: string): Uint8Array | undefined;
  /** The preferred key where it is usable, else the first that is; undefined: there is none. */
  signingKey(preferred: string): SigningKey | undefined;
  /** @returns to be called when no more is wanted. */
  onChange(listener: () => void): () => void;
}

/** API keys and their secrets, that stay as they are or that change. */
export type ApiKeys = KeySource | Readonly<Record<string, string>>;

/** A key, without its secret. */
export interface KeyInfo {
  readonly apiKey: string;
  /** `configuration`: of this node's file or environment. `cluster`: added while it ran. */
  readonly source: 'configuration' | 'cluster';
  readonly state: 'usable' | 'retired';
  /** ms since 1970; of keys of the cluster. */
  readonly addedAtMs?: number | undefined;
  /** ms since 1970; of retired keys. */
  readonly retiredAtMs?: number | undefined;
}

/** The keys that the nodes of a cluster share. `SharedKeys` is one. */
export interface SharedKeySource {
  readonly current: SharedKeySet;
  onChange(listener: () => void): () => void;
}

export interface KeyRingOptions {
  /** `keys` of the configuration. The first signs where the wanted one is gone. */
  readonly configured: Readonly<Record<string, string>>;
  /** @default - none: only the configured ones */
  readonly shared?: SharedKeySource | undefined;
}

/** Keys that never change. */
export const fixedKeys = (keys: Readonly<Record<string, string>>): KeySource =>
  new KeyRing({ configured: keys });

export const keySourceOf = (keys: ApiKeys): KeySource => (isSource(keys) ? keys : fixedKeys(keys));

// The values of a record are texts, so a record with a key of this name is none.
const isSource = (keys: ApiKeys): keys is KeySource => typeof keys.secretOf === 'function';

/**
 * The API keys of a node: the configured ones, and those of its cluster over them, less what was
 * retired. Changes while it runs.
 */
export class KeyRing implements KeySource {
  readonly #shared: SharedKeySource | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #forget: (() => void) | undefined;
  #configured: ReadonlyMap<string, string>;
  // A Map, so that an `iss` such as "__proto__" finds nothing.
  #usable: ReadonlyMap<string, Uint8Array> = new Map();

  constructor({ configured, shared }: KeyRingOptions) {
    this.#configured = new Map(Object.entries(configured));
    this.#shared = shared;
    this.#forget = shared?.onChange(() => this.#changed());
    this.#usable = this.#gather();
  }

  secretOf(apiKey: string): Uint8Array | undefined {
    return this.#usable.get(apiKey);
  }

  signingKey(preferred: string): SigningKey | undefined {
    const [first] = this.#usable.keys();
    const apiKey = this.#usable.has(preferred) ? preferred : first;
    const secret = apiKey === undefined ? undefined : this.#usable.get(apiKey);
    return apiKey === undefined || secret === undefined ? undefined : { apiKey, secret };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes what the configuration says now in place of what it said. */
  setConfigured(keys: Readonly<Record<string, string>>): void {
    this.#configured = new Map(Object.entries(keys));
    this.#changed();
  }

  /** All keys that are known, retired ones too. */
  list(): KeyInfo[] {
    const { keys, retired } = this.#shared?.current ?? NO_SHARED_KEYS;
    const names = new Set([...this.#configured.keys(), ...keys.keys(), ...retired.keys()]);
    return [...names].map((apiKey) => ({
      apiKey,
      source: this.#configured.has(apiKey) ? 'configuration' : 'cluster',
      state: this.#usable.has(apiKey) ? 'usable' : 'retired',
      addedAtMs: keys.get(apiKey)?.addedAtMs,
      retiredAtMs: retired.get(apiKey),
    }));
  }

  /** Whether any key but this one can be used, where these are the shared ones. */
  hasOtherThan(apiKey: string, shared = this.#shared?.current): boolean {
    return [...this.#gather(shared).keys()].some((each) => each !== apiKey);
  }

  /** Hears of no more changes. Idempotent. */
  close(): void {
    this.#forget?.();
    this.#listeners.clear();
  }

  #changed(): void {
    this.#usable = this.#gather();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Keys with an empty secret are left out: nobody can sign with them. */
  #gather(shared = this.#shared?.current): ReadonlyMap<string, Uint8Array> {
    const { keys, retired } = shared ?? NO_SHARED_KEYS;
    const encoder = new TextEncoder();
    const all = [
      ...this.#configured,
      ...[...keys].map(([apiKey, { secret }]) => [apiKey, secret] as const),
    ];
    return new Map(
      all
        .filter(([apiKey, secret]) => secret !== '' && !retired.has(apiKey))
        .map(([apiKey, secret]) => [apiKey, encoder.encode(secret)]),
    );
  }
}

const NO_SHARED_KEYS: SharedKeySet = { keys: new Map(), retired: new Map() };
