/** What an object is stored with. */
export interface ObjectFacts {
  readonly contentType: string;
  /** Of HTTP. Empty: none. */
  readonly cacheControl?: string;
}

/** Where what an Egress makes is kept: a bucket, a container, a folder. */
export interface Storage {
  /**
   * Whether it can be written to, without leaving anything there: asked before anything is recorded.
   *
   * @throws StorageError with what is wrong
   */
  check(key: string): Promise<void>;
  /** Stores what is in a file, or these bytes. Tried several times. @throws StorageError */
  put(key: string, from: StoredFrom, facts: ObjectFacts): Promise<void>;
  /** @returns undefined where there is none. @throws StorageError */
  get(key: string): Promise<Buffer | undefined>;
  /** Takes objects away; those that are not there are none. @throws StorageError */
  remove(keys: readonly string[]): Promise<void>;
  /** Where it is, for people. */
  location(key: string): string;
  /** Whether what is stored goes to the backup by now. @default false */
  readonly isBackup?: boolean;
  /** Idempotent. */
  close(): void;
}

export type StoredFrom = { readonly file: string } | { readonly bytes: Buffer };

/** Tries of one object, and the longest time between two, in ms. Source: livekit/egress, uploader. */
export const MAX_TRIES = 5;
export const MAX_WAIT_MS = 5000;

/** Storage refuses, or is not there. Its text names no secret. */
export class StorageError extends Error {
  override readonly name = 'StorageError';

  constructor(what: string, location: string, cause: unknown) {
    super(`${what} ${location} failed: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Clients name the kind of error (NoSuchBucket), which says more than their text.
  const { name, message } = cause;
  const kind = name === 'Error' || message.includes(name) ? '' : `${name}: `;
  return `${kind}${message || 'no reason given'}`.replace(/\s+/g, ' ').slice(0, 300);
}

/** A year: what never changes under its name. */
export const FOR_EVER = 'public, max-age=31536000, immutable';
/** Short, but not none: a cache before the bucket then asks once for all viewers. */
export const FOR_A_MOMENT = 'public, max-age=1';
