import type { ObjectFacts, Storage, StoredFrom } from './storage';

/**
 * Storage with another one behind it: what the first refuses for good goes to the second, and so does
 * all that comes after. Source: livekit/egress, pkg/pipeline/sink/uploader.
 */
export class BackupStorage implements Storage {
  readonly #first: Storage;
  readonly #openSecond: () => Storage;
  readonly #onBackup: (error: unknown) => void;
  #second: Storage | undefined;

  /** @param onBackup - told once, with why */
  constructor(first: Storage, openSecond: () => Storage, onBackup: (error: unknown) => void) {
    this.#first = first;
    this.#openSecond = openSecond;
    this.#onBackup = onBackup;
  }

  get isBackup(): boolean {
    return this.#second !== undefined;
  }

  check(key: string): Promise<void> {
    return this.#either((storage) => storage.check(key));
  }

  put(key: string, from: StoredFrom, facts: ObjectFacts): Promise<void> {
    return this.#either((storage) => storage.put(key, from, facts));
  }

  /** What an earlier run has stored may be in either. */
  async get(key: string): Promise<Buffer | undefined> {
    const there = await this.#first.get(key).catch((error: unknown) => {
      if (this.#second === undefined) throw error;
      return undefined;
    });
    return there ?? this.#second?.get(key);
  }

  async remove(keys: readonly string[]): Promise<void> {
    const from = [this.#first, ...(this.#second ? [this.#second] : [])];
    const removed = await Promise.allSettled(from.map((storage) => storage.remove(keys)));
    const failed = removed.find((one) => one.status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  location(key: string): string {
    return (this.#second ?? this.#first).location(key);
  }

  close(): void {
    this.#first.close();
    this.#second?.close();
  }

  async #either(work: (storage: Storage) => Promise<void>): Promise<void> {
    if (this.#second !== undefined) return work(this.#second);
    try {
      await work(this.#first);
    } catch (error) {
      this.#second = this.#openSecond();
      await work(this.#second);
      this.#onBackup(error);
    }
  }
}
