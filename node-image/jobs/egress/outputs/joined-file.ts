import { createReadStream } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process';

/** How a file is put together beside others of the same run. */
export interface JoinOptions {
  /** Of its output: what is made is called so. */
  readonly name: string;
  /** The run's own segments are nobody else's: each is taken away once it is read. */
  readonly consume: boolean;
}

/**
 * One MP4 of the segments of all runs, which plays from its first byte on, without a repair.
 *
 * @param folder - of this run, with its own segments
 * @param before - of each earlier run its files, in their order
 * @returns its name below the folder
 * @throws Error where nothing was recorded
 */
export async function joinedSegments(
  folder: string,
  before: readonly (readonly string[])[],
  { name, consume }: JoinOptions,
): Promise<string> {
  const runs = [...before, await ownSegments(join(folder, 'segments'))].filter(
    (files) => files.length > 1,
  );
  const made: string[] = [];
  for (const [index, files] of runs.entries()) {
    const one = `${name}-${index}.mp4`;
    const isEarlier = index < runs.length - 1;
    const input = readAll(files, consume || isEarlier);
    await copied(folder, ['-f', 'mp4', '-i', 'pipe:4'], one, input);
    made.push(one);
  }
  return joinedRuns(folder, made, { name, type: 'mp4' });
}

/**
 * One file of what all runs have recorded in one.
 *
 * @param file - of this run, below the folder; it need not be there
 * @param before - of earlier runs, as far as they got
 * @param name - of its output: what is made is called so
 * @returns its name below the folder
 * @throws Error where nothing was recorded
 */
export async function joinedFiles(
  folder: string,
  before: readonly string[],
  file: string,
  name: string,
): Promise<string> {
  const own = (await sizeOf(join(folder, file))) > 0 ? [file] : [];
  if (before.length === 0 && own.length > 0) return file;
  const type = file.slice(file.lastIndexOf('.') + 1);
  const made: string[] = [];
  for (const [index, one] of before.entries()) {
    const to = `${name}-${index}.${type}`;
    // Of one that was cut off in its first page or cluster nothing can be had.
    const isThere = await copied(folder, ['-f', demuxerOf(type), '-i', one], to).then(
      () => true,
      () => false,
    );
    if (isThere) made.push(to);
  }
  return joinedRuns(folder, [...made, ...own], { name, type });
}

async function joinedRuns(
  folder: string,
  names: readonly string[],
  { name, type }: { readonly name: string; readonly type: string },
): Promise<string> {
  const [only] = names;
  if (only === undefined) throw new Error('nothing was recorded');
  if (names.length === 1) return only;
  const list = names.map((one) => `file '${one}'\n`).join('');
  await writeFile(join(folder, `${name}.txt`), list);
  const whole = `${name}.${type}`;
  await copied(folder, ['-f', 'concat', '-i', `${name}.txt`], whole);
  return whole;
}

const demuxerOf = (type: string): string => (type === 'webm' ? 'matroska' : type);

async function ownSegments(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.m4s$/.test(name)).sort();
  return ['init.mp4', ...names].map((name) => join(folder, name));
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

async function copied(folder: string, input: readonly string[], to: string, from?: Readable) {
  const front = to.endsWith('.mp4') ? ['-movflags', '+faststart'] : [];
  const ffmpeg = new FfmpegProcess({
    args: [...input, '-map', '0', '-c', 'copy', ...front, '-y', to],
    cwd: folder,
    ...(from && { pipes: [from] }),
  });
  const { complete, error } = await ffmpeg.ended;
  if (!complete) throw new Error(`the recording could not be put together: ${error}`);
}

/** @param consume - so that a disk that holds a recording once has room for the whole file */
const readAll = (files: readonly string[], consume: boolean): Readable =>
  Readable.from(
    (async function* read() {
      for (const file of files) {
        yield* createReadStream(file);
        if (consume) await rm(file, { force: true });
      }
    })(),
    { objectMode: false },
  );
