import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileInfo, ImagesInfo, SegmentsInfo } from '@livekit/protocol';
import { type ChosenCodecs, chosenCodecs, fileType } from './codec-choice';
import { EgressError } from './egress-error';
import type { EncoderOutputs, ImageArgs } from './ffmpeg/encoder-args';
import { filePath, type NameFacts, prefixPath, withExtension } from './file-names';
import { FileOutput } from './outputs/file-output';
import { ImagesOutput } from './outputs/images-output';
import type { OutputContext, RunningOutput } from './outputs/output';
import { SegmentsOutput } from './outputs/segments-output';
import { StreamOutput } from './outputs/stream-output';
import type { SourceInput } from './source';
import type { EgressSpec, FileSpec, SegmentsSpec, StorageSpec, StreamSpec } from './spec';
import type { Storage } from './upload/storage';

export interface RunOutputsOptions {
  readonly spec: EgressSpec;
  /** Of the source, where it is copied; empty before it is known. */
  readonly inputs: readonly SourceInput[];
  readonly names: NameFacts;
  readonly openStorage: (storage: StorageSpec) => Storage;
  readonly context: OutputContext;
  /** ms that storage has to say whether it can be written to. @default 15000 */
  readonly checkMs?: number | undefined;
  /** No address is left that is sent to. */
  readonly onNoStream: (error: string | undefined) => void;
}

const CHECK_MS = 15_000;
/** s, of a file that is recorded in pieces. */
const FILE_SEGMENT_SECONDS = 4;

/** All outputs of a run, and what the encoder has to write for them. */
export class RunOutputs {
  readonly codecs: ChosenCodecs;
  readonly encoder: EncoderOutputs;
  readonly streams: StreamOutput | undefined;
  readonly #all: RunningOutput[] = [];

  private constructor(options: RunOutputsOptions, images: readonly ImageArgs[]) {
    const { spec } = options;
    this.codecs = spec.passthrough ? { audio: 'none', video: 'none' } : chosenCodecs(spec);
    const files = spec.outputs.filter((output) => output.kind === 'file');
    const extensions = files.map((file, index) => extensionOf(file, index, options));
    const direct = extensions.find((extension) => extension !== 'mp4');
    const hls = spec.outputs.find((output): output is SegmentsSpec => output.kind === 'segments');
    const pieces = hls !== undefined || extensions.includes('mp4');
    const streamed = spec.outputs.find((output): output is StreamSpec => output.kind === 'stream');
    if (streamed?.raw) requireSound(options);
    this.encoder = {
      ...(pieces && { segments: hls?.duration ?? FILE_SEGMENT_SECONDS }),
      ...(direct !== undefined && { file: `file.${direct}` }),
      stream: streamed === undefined ? 'none' : streamed.raw ? 'pcm' : 'mpegts',
      images,
    };
    this.#makeFiles(options, direct);
    this.#makeSegments(options);
    this.#makeImages(options, images);
    if (streamed !== undefined) {
      const { context, onNoStream } = options;
      const { urls, raw } = streamed;
      this.streams = new StreamOutput({ urls, raw, context, onNone: onNoStream });
      this.#all.push(this.streams);
    }
  }

  /** Makes them, with their folders, and asks of each whether it can be kept. @throws StorageError */
  static async open(options: RunOutputsOptions): Promise<RunOutputs> {
    const { spec, context } = options;
    await mkdir(join(context.folder, 'segments'), { recursive: true });
    const wanted = spec.outputs.filter((output) => output.kind === 'images');
    const images = wanted.map(({ interval, width, height }, index) => ({
      ...{ interval, width, height },
      folder: `images-${index}`,
    }));
    for (const { folder } of images) await mkdir(join(context.folder, folder));
    const outputs = new RunOutputs(options, images);
    try {
      const checked = Promise.all(outputs.#all.map((output) => output.open?.()));
      await inTime(checked, options.checkMs ?? CHECK_MS);
    } catch (error) {
      outputs.close();
      throw error;
    }
    return outputs;
  }

  get all(): readonly RunningOutput[] {
    return this.#all;
  }

  /** Whether another node can go on with them. */
  get movable(): boolean {
    return this.#all.every((output) => !(output instanceof FileOutput) || output.movable);
  }

  close(): void {
    for (const output of this.#all) output.close();
  }

  #makeFiles(options: RunOutputsOptions, direct: string | undefined): void {
    const { spec, context, openStorage, names } = options;
    const files = spec.outputs.filter((output) => output.kind === 'file');
    const isOnly =
      spec.outputs.filter(({ kind }) => kind === 'file' || kind === 'segments').length === 1;
    for (const [index, file] of files.entries()) {
      const extension = extensionOf(file, index, options);
      const info = resultAt(context.info.fileResults, index, () => new FileInfo());
      // What a run before this one has called it stays.
      const path = info.filename || filePath(file.filepath, `.${extension}`, names);
      const storage = openStorage(file.storage);
      const made = extension === 'mp4' ? undefined : `file.${direct}`;
      const name = `file-${index}`;
      const how = { spec: file, path, file: made, name, consume: isOnly, storage, context };
      this.#all.push(new FileOutput(how, info));
    }
  }

  #makeSegments({ spec, context, openStorage, names }: RunOutputsOptions): void {
    const outputs = spec.outputs.filter((output) => output.kind === 'segments');
    // Of files, segments are put together at the end.
    const discard = outputs.length === 1 && !spec.outputs.some(({ kind }) => kind === 'file');
    for (const [index, output] of outputs.entries()) {
      const info = resultAt(context.info.segmentResults, index, () => new SegmentsInfo());
      const paths = segmentPaths(output, names, info);
      const storage = openStorage(output.storage);
      const how = { spec: output, paths, discard, storage, context };
      this.#all.push(new SegmentsOutput(how, info));
    }
  }

  #makeImages(options: RunOutputsOptions, images: readonly ImageArgs[]): void {
    const { spec, context, openStorage, names } = options;
    const outputs = spec.outputs.filter((output) => output.kind === 'images');
    for (const [index, output] of outputs.entries()) {
      const info = resultAt(context.info.imageResults, index, () => new ImagesInfo());
      const prefix = info.filenamePrefix || prefixPath(output.prefix, names);
      const folder = join(context.folder, images[index]?.folder ?? '');
      const storage = openStorage(output.storage);
      this.#all.push(new ImagesOutput({ spec: output, prefix, folder, storage, context }, info));
    }
  }
}

/** Playlists that are given without a folder stand beside the segments, as LiveKit has it. */
function segmentPaths(output: SegmentsSpec, names: NameFacts, info: SegmentsInfo) {
  const given = output.prefix || output.playlist || output.livePlaylist;
  const prefix = withExtension(prefixPath(given, names), '');
  const folder = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/') + 1) : '';
  const playlistPath = (template: string): string => {
    const path = filePath(template, '.m3u8', names);
    return path.includes('/') ? path : `${folder}${path}`;
  };
  const none = output.playlist === '' && output.livePlaylist === '';
  const playlist = output.playlist || (none ? `${prefix}.m3u8` : '');
  return {
    prefix,
    playlist: info.playlistName || (playlist && playlistPath(playlist)),
    livePlaylist:
      info.livePlaylistName || (output.livePlaylist && playlistPath(output.livePlaylist)),
  };
}

/** @throws EgressError where it is known that there is none */
function requireSound({ inputs }: RunOutputsOptions): void {
  if (inputs.length === 0 || inputs.some(({ audio }) => audio !== undefined)) return;
  const text = 'websocket output takes sound only, and there is none in what was asked for';
  throw new EgressError('invalid_argument', text);
}

function extensionOf(
  file: FileSpec,
  index: number,
  { spec, inputs, context }: RunOutputsOptions,
): string {
  if (!spec.passthrough) return fileType(file, spec);
  // Of a run before this one, whose source is gone.
  const known = context.info.fileResults[index]?.filename.split('.').at(-1);
  if (inputs.length === 0 && known) return known;
  const video = inputs.find((input) => input.video !== undefined)?.video;
  if (video === undefined) return 'ogg';
  return video.codec === 'h264' ? 'mp4' : 'webm';
}

function resultAt<T>(results: T[], index: number, make: () => T): T {
  const there = results[index];
  if (there !== undefined) return there;
  const made = make();
  results.push(made);
  return made;
}

/** @throws Error where it takes longer: an address that nobody answers at. */
async function inTime(checked: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const text = `the storage of an output has not answered within ${ms / 1000} s`;
    timer = setTimeout(() => reject(new Error(text)), ms);
  });
  try {
    await Promise.race([checked, late]);
  } finally {
    clearTimeout(timer);
    checked.catch(() => {});
  }
}
