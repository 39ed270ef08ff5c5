import { type FileHandle, open } from 'node:fs/promises';
import type { Storage } from '../upload/storage';
import type { OutputContext } from './output';
import { fetchParts, type StoredParts } from './stored-parts';
import { UploadQueue } from './upload-queue';

export interface GrowingPartsOptions {
  /** Of the whole file, as the storage calls it. */
  readonly path: string;
  /** What the encoder writes: it grows at its end alone. */
  readonly file: string;
  readonly storage: Storage;
  readonly context: OutputContext;
  /** @default 2 s */
  readonly everyMs?: number;
}

/** So much of a recording may be lost with its node, in ms. */
const EVERY_MS = 2000;
/** Of one piece: what is behind is caught up with in several. */
const MOST_BYTES = 16 * 1024 * 1024;
const PART = { contentType: 'application/octet-stream' };

/**
 * The pieces of a file that is recorded in one (OGG, WebM, MP3): every few seconds what has been added
 * is stored as `FILE.parts/RUN/00000.part`. All of a run, one after the other, are its file as far as it
 * got, which every player of such files can read.
 */
export class GrowingParts implements StoredParts {
  readonly #options: GrowingPartsOptions;
  readonly #queue: UploadQueue;
  readonly #timer: NodeJS.Timeout;
  readonly #keys: string[] = [];
  #offset = 0;
  #index = 0;
  #isWaiting = false;

  constructor(options: GrowingPartsOptions) {
    this.#options = options;
    this.#queue = new UploadQueue(options.context.failed);
    this.#timer = setInterval(() => this.#look(), options.everyMs ?? EVERY_MS);
  }

  get failure(): Error | undefined {
    return this.#queue.failure;
  }

  segment(): void {
    // It is none that has segments.
  }

  async done(): Promise<void> {
    clearInterval(this.#timer);
    this.#queue.push(() => this.#storeNew());
    await this.#queue.done();
  }

  /** @returns of each run before this one its file, as far as it got */
  async before(folder: string): Promise<string[][]> {
    const { storage, context } = this.#options;
    const names = (run: number) => (at: number) => this.#key(run, at);
    const files = await fetchParts(storage, folder, context.retry, names, this.#keys);
    return files.map((file) => [file]);
  }

  async remove(): Promise<void> {
    await this.#options.storage.remove(this.#keys);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    // One that storage takes longer for is added to the next.
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#queue.push(async () => {
      this.#isWaiting = false;
      await this.#storeNew();
    });
  }

  async #storeNew(): Promise<void> {
    const { storage, file, context } = this.#options;
    let handle: FileHandle;
    try {
      handle = await open(file);
    } catch {
      return; // The encoder has not begun with it.
    }
    try {
      for (;;) {
        const { size } = await handle.stat();
        const length = Math.min(size - this.#offset, MOST_BYTES);
        if (length <= 0) return;
        const bytes = Buffer.alloc(length);
        const { bytesRead } = await handle.read(bytes, 0, length, this.#offset);
        const key = this.#key(context.retry, this.#index);
        this.#keys.push(key);
        await storage.put(key, { bytes: bytes.subarray(0, bytesRead) }, PART);
        this.#index += 1;
        this.#offset += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }

  #key = (run: number, at: number): string =>
    `${this.#options.path}.parts/${run}/${String(at).padStart(5, '0')}.part`;
}
