import { copyFile, link, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { nanoid } from 'nanoid';
import { checkedPath } from '../file-names';
import { type ObjectFacts, type Storage, StorageError, type StoredFrom } from './storage';

/** A folder of the node. Nothing is written outside of it, also not by links that are in it. */
export class LocalStorage implements Storage {
  readonly #root: string;

  /** @param root - absolute */
  constructor(root: string) {
    this.#root = root;
  }

  async check(key: string): Promise<void> {
    await this.#folderOf(key);
  }

  async put(key: string, from: StoredFrom, _facts: ObjectFacts): Promise<void> {
    const folder = await this.#folderOf(key);
    const fresh = join(folder, `.${nanoid(10)}.part`);
    try {
      if ('file' in from) await linkOrCopy(from.file, fresh);
      else await writeFile(fresh, from.bytes);
      // Seen whole or not at all.
      await rename(fresh, this.#path(key));
    } catch (error) {
      await rm(fresh, { force: true });
      throw new StorageError('Writing of', this.location(key), error);
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    try {
      await this.#folderOf(key);
      return await readFile(this.#path(key));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw new StorageError('Reading of', this.location(key), error);
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#folderOf(key);
      await rm(this.#path(key), { force: true });
    }
  }

  location(key: string): string {
    return this.#path(key);
  }

  close(): void {}

  #path(key: string): string {
    return join(this.#root, checkedPath(key));
  }

  async #folderOf(key: string): Promise<string> {
    try {
      const folder = dirname(this.#path(key));
      await mkdir(folder, { recursive: true });
      const [real, root] = await Promise.all([realpath(folder), realpath(this.#root)]);
      if (real !== root && !real.startsWith(root + sep)) {
        throw new Error(`a link leads out of ${this.#root}`);
      }
      return folder;
    } catch (error) {
      throw new StorageError('Writing of', this.location(key), error);
    }
  }
}

/** On one disk it is there twice without being there twice. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to);
  }
}
