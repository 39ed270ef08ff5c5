import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileInfo } from '@livekit/protocol';
import type { FileSpec } from '../spec';
import type { Storage } from '../upload/storage';
import { GrowingParts } from './growing-parts';
import { joinedFiles, joinedSegments } from './joined-file';
import type { OutputContext, RunningOutput } from './output';
import { PartStore } from './part-store';
import type { Segment } from './playlist';
import type { StoredParts } from './stored-parts';

export interface FileOutputOptions {
  readonly spec: FileSpec;
  /** Of the storage, with its extension. */
  readonly path: string;
  /** What the encoder writes below the folder of the run; undefined: its segments are put together. */
  readonly file: string | undefined;
  /** Of this one among all outputs of the run: what it puts together is called so. */
  readonly name: string;
  /** Nobody else needs the segments: each is taken away once it is read. */
  readonly consume: boolean;
  readonly storage: Storage;
  readonly context: OutputContext;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  webm: 'video/webm',
  ogg: 'audio/ogg',
  mp3: 'audio/mpeg',
};

/**
 * A file. An MP4 is recorded as segments, others in one; either is stored in pieces while it is recorded:
 * whoever goes on with the job after this node was lost puts all of them together, so that it is one
 * file at the end.
 */
export class FileOutput implements RunningOutput {
  readonly info: FileInfo;
  readonly #options: FileOutputOptions;
  readonly #parts: StoredParts | undefined;

  constructor(options: FileOutputOptions, info: FileInfo) {
    const { path, storage, context, spec, file } = options;
    this.#options = options;
    this.info = info;
    info.filename = path;
    info.location = storage.location(path);
    // On the node's own disk a copy of each would help nobody.
    if (spec.storage.kind === 'local') return;
    this.#parts =
      file === undefined
        ? new PartStore({ path, storage, context })
        : new GrowingParts({ path, file: join(context.folder, file), storage, context });
  }

  get failure(): Error | undefined {
    return this.#parts?.failure;
  }

  async open(): Promise<void> {
    await this.#options.storage.check(this.#options.path);
  }

  segment(segment: Segment): void {
    this.#parts?.segment(segment);
  }

  /** Whether another node can go on with it: all there is of it is stored elsewhere. */
  get movable(): boolean {
    return this.#parts !== undefined;
  }

  async settle(): Promise<void> {
    await this.#parts?.done();
  }

  async finish(): Promise<void> {
    const { storage, path, context, file, name, consume } = this.#options;
    await this.#parts?.done();
    const before = (await this.#parts?.before(join(context.folder, `${name}-before`))) ?? [];
    const made = join(
      context.folder,
      file === undefined
        ? await joinedSegments(context.folder, before, { name, consume })
        : await joinedFiles(context.folder, before.flat(), file, name),
    );
    const { size } = await stat(made);
    const contentType = CONTENT_TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'video/mp4';
    await storage.put(path, { file: made }, { contentType });
    this.info.size = BigInt(size);
    this.info.location = storage.location(path);
    // The whole file is there: who may write, but not delete, has recorded it too.
    await this.#parts?.remove().catch(() => {});
  }

  close(): void {
    this.#parts?.close();
    this.#options.storage.close();
  }
}
