import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImagesInfo } from '@livekit/protocol';
import { utcOf } from '../file-names';
import type { ImagesSpec } from '../spec';
import { FOR_A_MOMENT, type Storage } from '../upload/storage';
import type { OutputContext, RunningOutput } from './output';
import { UploadQueue } from './upload-queue';

export interface ImagesOutputOptions {
  readonly spec: ImagesSpec;
  readonly prefix: string;
  /** Where the encoder writes them. */
  readonly folder: string;
  readonly storage: Storage;
  readonly context: OutputContext;
}

const LOOK_MS = 500;

/** A picture every few seconds. */
export class ImagesOutput implements RunningOutput {
  readonly info: ImagesInfo;
  readonly #options: ImagesOutputOptions;
  readonly #queue: UploadQueue;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  readonly #seen = new Set<string>();

  constructor(options: ImagesOutputOptions, info: ImagesInfo) {
    this.#options = options;
    this.info = info;
    info.filenamePrefix = options.prefix;
    this.#queue = new UploadQueue(options.context.failed);
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  get failure(): Error | undefined {
    return this.#queue.failure;
  }

  async open(): Promise<void> {
    await this.#options.storage.check(`${this.#options.prefix}.jpeg`);
  }

  settle(): Promise<void> {
    return this.finish();
  }

  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look();
    await this.#queue.done();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#options.storage.close();
  }

  #look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      // Its folder is gone where the run has ended meanwhile.
      const there = await readdir(this.#options.folder).catch((): string[] => []);
      const names = there.filter((name) => /^\d+\.jpg$/.test(name));
      for (const name of names.sort()) {
        if (this.#seen.has(name)) continue;
        this.#seen.add(name);
        this.#queue.push(() => this.#store(name));
      }
    });
    return this.#looking;
  }

  async #store(name: string): Promise<void> {
    const { folder, storage, context, prefix, spec } = this.#options;
    const file = join(folder, name);
    const { mtimeMs } = await stat(file);
    const index = String(this.info.imageCount).padStart(5, '0');
    const suffix = { index: `_${index}`, timestamp: `_${utcOf(mtimeMs)}`, overwrite: '' }[
      spec.suffix
    ];
    const cacheControl = spec.suffix === 'overwrite' ? { cacheControl: FOR_A_MOMENT } : {};
    const facts = { contentType: 'image/jpeg', ...cacheControl };
    await storage.put(`${prefix}${suffix}.jpeg`, { file }, facts);
    await rm(file, { force: true });
    this.info.imageCount += 1n;
    context.changed();
  }
}
