import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from '../upload/storage';
import type { OutputContext } from './output';
import type { Segment } from './playlist';
import type { StoredParts } from './stored-parts';
import { UploadQueue } from './upload-queue';

export interface PartStoreOptions {
  /** Of the whole file. */
  readonly path: string;
  readonly storage: Storage;
  readonly context: OutputContext;
}

const PART = { contentType: 'video/mp4' };

/**
 * The pieces of a file that is still recorded: `FILE.parts/RUN/00000.m4s`. They are taken away when
 * the whole file is there.
 */
export class PartStore implements StoredParts {
  readonly #options: PartStoreOptions;
  readonly #queue: UploadQueue;
  readonly #keys: string[] = [];

  constructor(options: PartStoreOptions) {
    this.#options = options;
    this.#queue = new UploadQueue(options.context.failed);
  }

  get failure(): Error | undefined {
    return this.#queue.failure;
  }

  segment(segment: Segment): void {
    const { context } = this.#options;
    if (segment.index === 0) this.#store(context.retry, 'init.mp4');
    this.#store(context.retry, segment.file);
  }

  done(): Promise<void> {
    return this.#queue.done();
  }

  async before(folder: string): Promise<string[][]> {
    const runs: string[][] = [];
    for (let run = 0; run < this.#options.context.retry; run += 1) {
      const into = join(folder, String(run));
      await mkdir(into, { recursive: true });
      const files = await this.#fetch(run, into);
      // A run that ended before its first segment has left nothing.
      if (files.length > 1) runs.push(files);
    }
    return runs;
  }

  async remove(): Promise<void> {
    await this.#options.storage.remove(this.#keys);
  }

  close(): void {
    // It stores what it is told of alone.
  }

  async #fetch(run: number, folder: string): Promise<string[]> {
    const files: string[] = [];
    for (let at = -1; ; at += 1) {
      const name = at < 0 ? 'init.mp4' : `${String(at).padStart(5, '0')}.m4s`;
      const key = this.#key(run, name);
      const bytes = await this.#options.storage.get(key);
      if (bytes === undefined) return files;
      const file = join(folder, name);
      await writeFile(file, bytes);
      files.push(file);
      this.#keys.push(key);
    }
  }

  #store(run: number, name: string): void {
    const { storage, context } = this.#options;
    const key = this.#key(run, name);
    this.#keys.push(key);
    const file = join(context.folder, 'segments', name);
    this.#queue.push(() => storage.put(key, { file }, PART));
  }

  #key = (run: number, name: string): string => `${this.#options.path}.parts/${run}/${name}`;
}
