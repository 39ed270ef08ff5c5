import { createReadStream } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FileInfo } from '@livekit/protocol';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process';
import type { FileSpec } from '../spec';
import type { Storage } from '../upload/storage';
import type { OutputContext, RunningOutput } from './output';
import { PartStore } from './part-store';
import type { Segment } from './playlist';

export interface FileOutputOptions {
  readonly spec: FileSpec;
  /** Of the storage, with its extension. */
  readonly path: string;
  /** What the encoder writes below the folder of the run; undefined: its segments are put together. */
  readonly file: string | undefined;
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
 * A file. An MP4 is recorded as segments, which are stored while it is: whoever goes on with the job
 * after this node was lost puts all of them together, so that it is one file at the end.
 */
export class FileOutput implements RunningOutput {
  readonly info: FileInfo;
  readonly #options: FileOutputOptions;
  readonly #parts: PartStore | undefined;

  constructor(options: FileOutputOptions, info: FileInfo) {
    const { path, storage, context, spec, file } = options;
    this.#options = options;
    this.info = info;
    info.filename = path;
    info.location = storage.location(path);
    // On the node's own disk a copy of each would help nobody.
    const away = file === undefined && spec.storage.kind !== 'local';
    this.#parts = away ? new PartStore({ path, storage, context }) : undefined;
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
    const { storage, path, context, file } = this.#options;
    await this.#parts?.done();
    const before = (await this.#parts?.before(join(context.folder, 'before'))) ?? [];
    const made = join(context.folder, file ?? (await this.#joined(before)));
    const { size } = await stat(made);
    const contentType = CONTENT_TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'video/mp4';
    await storage.put(path, { file: made }, { contentType });
    this.info.size = BigInt(size);
    await this.#parts?.remove();
  }

  close(): void {
    this.#options.storage.close();
  }

  /** @returns the name of an MP4 that plays from its first byte on, without a repair. */
  async #joined(before: readonly (readonly string[])[]): Promise<string> {
    const { folder } = this.#options.context;
    const runs = [...before, await ownFiles(join(folder, 'segments'))].filter(
      (files) => files.length > 1,
    );
    if (runs.length === 0) throw new Error('nothing was recorded');
    const names: string[] = [];
    for (const [index, files] of runs.entries()) {
      const name = runs.length === 1 ? 'file.mp4' : `run-${index}.mp4`;
      await copied(folder, ['-f', 'mp4', '-i', 'pipe:4'], name, readAll(files));
      names.push(name);
    }
    const [only] = names;
    if (only !== undefined && names.length === 1) return only;
    const list = names.map((name) => `file '${name}'\n`).join('');
    await writeFile(join(folder, 'runs.txt'), list);
    await copied(folder, ['-f', 'concat', '-i', 'runs.txt'], 'file.mp4');
    return 'file.mp4';
  }
}

async function ownFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.m4s$/.test(name)).sort();
  return ['init.mp4', ...names].map((name) => join(folder, name));
}

async function copied(folder: string, input: readonly string[], to: string, from?: Readable) {
  const output = ['-map', '0', '-c', 'copy', '-movflags', '+faststart', '-y', to];
  const ffmpeg = new FfmpegProcess({
    args: [...input, ...output],
    cwd: folder,
    ...(from && { pipes: [from] }),
  });
  const { complete, error } = await ffmpeg.ended;
  if (!complete) throw new Error(`the recording could not be put together: ${error}`);
}

const readAll = (files: readonly string[]): Readable =>
  Readable.from(
    (async function* read() {
      for (const file of files) yield* createReadStream(file);
    })(),
    { objectMode: false },
  );
