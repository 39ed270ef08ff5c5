import { createReadStream } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process';

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
): Promise<string> {
  const runs = [...before, await ownSegments(join(folder, 'segments'))].filter(
    (files) => files.length > 1,
  );
  const made: string[] = [];
  for (const [index, files] of runs.entries()) {
    const name = `run-${index}.mp4`;
    await copied(folder, ['-f', 'mp4', '-i', 'pipe:4'], name, readAll(files));
    made.push(name);
  }
  return joinedRuns(folder, made, 'mp4');
}

/**
 * One file of what all runs have recorded in one.
 *
 * @param file - of this run, below the folder; it need not be there
 * @param before - of earlier runs, as far as they got
 * @returns its name below the folder
 * @throws Error where nothing was recorded
 */
export async function joinedFiles(
  folder: string,
  before: readonly string[],
  file: string,
): Promise<string> {
  const own = (await sizeOf(join(folder, file))) > 0 ? [file] : [];
  if (before.length === 0 && own.length > 0) return file;
  const type = file.slice(file.lastIndexOf('.') + 1);
  const made: string[] = [];
  for (const [index, one] of before.entries()) {
    const name = `run-${index}.${type}`;
    // Of one that was cut off in its first page or cluster nothing can be had.
    const isThere = await copied(folder, ['-f', demuxerOf(type), '-i', one], name).then(
      () => true,
      () => false,
    );
    if (isThere) made.push(name);
  }
  return joinedRuns(folder, [...made, ...own], type);
}

async function joinedRuns(folder: string, names: readonly string[], type: string): Promise<string> {
  const [only] = names;
  if (only === undefined) throw new Error('nothing was recorded');
  if (names.length === 1) return only;
  const list = names.map((name) => `file '${name}'\n`).join('');
  await writeFile(join(folder, 'runs.txt'), list);
  const whole = `whole.${type}`;
  await copied(folder, ['-f', 'concat', '-i', 'runs.txt'], whole);
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

const readAll = (files: readonly string[]): Readable =>
  Readable.from(
    (async function* read() {
      for (const file of files) yield* createReadStream(file);
    })(),
    { objectMode: false },
  );
