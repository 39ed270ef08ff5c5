/** What there is at the stand-in for Azure: a file, as each deployment starts the provider anew. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';

export type Values = Readonly<Record<string, unknown>>;

/** A resource as it was sent last. */
export interface Existing {
  readonly type: string;
  readonly name: string;
  readonly inputs: Values;
}

/** Milliseconds; a change takes one or two. */
const PATIENCE = 60_000;

export class AzureFile {
  constructor(readonly path: string) {}

  /** By id. */
  read(): Record<string, Existing> {
    return existsSync(this.path) ? JSON.parse(readFileSync(this.path, 'utf8')) : {};
  }

  /** Whole, and one after the other: two providers, each a process, write into it. */
  change(apply: (all: Record<string, Existing>) => void): void {
    const lock = `${this.path}.lock`;
    this.#lock(lock);
    try {
      const all = this.read();
      apply(all);
      writeFileSync(`${this.path}.new`, JSON.stringify(all));
      renameSync(`${this.path}.new`, this.path);
    } finally {
      rmdirSync(lock);
    }
  }

  /** A folder is made by one process only. */
  #lock(folder: string): void {
    const end = Date.now() + PATIENCE;
    for (;;) {
      try {
        mkdirSync(folder);
        return;
      } catch (error) {
        const isTaken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
        if (!isTaken || Date.now() > end) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    }
  }
}
