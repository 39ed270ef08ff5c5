import { rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import type { SegmentsInfo } from '@livekit/protocol';
import { utcOf } from '../file-names';
import type { SegmentsSpec } from '../spec';
import { FOR_A_MOMENT, FOR_EVER, type Storage } from '../upload/storage';
import type { OutputContext, RunningOutput } from './output';
import { type ListedSegment, listedSegments, playlistOf, type Segment } from './playlist';
import { UploadQueue } from './upload-queue';

export interface SegmentsPaths {
  /** Of segments, without their number. */
  readonly prefix: string;
  /** Empty: none is asked for. */
  readonly playlist: string;
  readonly livePlaylist: string;
}

export interface SegmentsOutputOptions {
  readonly spec: SegmentsSpec;
  readonly paths: SegmentsPaths;
  /** Nobody else needs a segment of the disk that is stored. */
  readonly discard: boolean;
  readonly storage: Storage;
  readonly context: OutputContext;
}

/**
 * s: a shorter one, which only the last can be, is left out. The sound of devices ends up to so much
 * before their pictures, and a player that gets none of it in the last segment waits for ever.
 */
const LEAST_S = 0.2;
const PLAYLIST = { contentType: 'application/vnd.apple.mpegurl', cacheControl: FOR_A_MOMENT };
const SEGMENT = { contentType: 'video/iso.segment', cacheControl: FOR_EVER };
const HEADER = { contentType: 'video/mp4', cacheControl: FOR_EVER };

/**
 * HLS: each segment is stored as soon as it is complete, and listed once it is stored. Where another
 * run was before, its playlist goes on, with a discontinuity.
 */
export class SegmentsOutput implements RunningOutput {
  readonly info: SegmentsInfo;
  readonly #options: SegmentsOutputOptions;
  readonly #queue: UploadQueue;
  #listed: ListedSegment[] = [];
  /** All that were stored. */
  #count = 0;
  #map = '';
  /** Where those that are listed are. */
  #inBackup = false;
  #closed = false;

  constructor(options: SegmentsOutputOptions, info: SegmentsInfo) {
    const { paths } = options;
    this.#options = options;
    this.info = info;
    info.playlistName = paths.playlist;
    info.livePlaylistName = paths.livePlaylist;
    this.#sayWhere();
    this.#queue = new UploadQueue(options.context.failed);
  }

  get failure(): Error | undefined {
    return this.#queue.failure;
  }

  async open(): Promise<void> {
    const { storage, paths, context } = this.#options;
    const first = paths.playlist || paths.livePlaylist;
    await storage.check(first);
    this.#inBackup = storage.isBackup ?? false;
    this.#sayWhere();
    if (context.retry === 0) return;
    const before = await storage.get(first);
    if (before !== undefined) this.#listed = listedSegments(before.toString('utf8'));
    this.#count = this.#listed.length;
  }

  segment(segment: Segment): void {
    if (this.#closed) return;
    this.#queue.push(() => this.#store(segment));
  }

  settle(): Promise<void> {
    return this.#queue.done();
  }

  async finish(): Promise<void> {
    this.#queue.push(() => this.#storePlaylists(true));
    await this.#queue.done();
  }

  close(): void {
    this.#closed = true;
    this.#options.storage.close();
  }

  async #store(segment: Segment): Promise<void> {
    const { storage, paths, context, spec, discard } = this.#options;
    const folder = join(context.folder, 'segments');
    const number = String(this.#count).padStart(5, '0');
    const suffix = spec.suffix === 'timestamp' ? utcOf(segment.startMs) : number;
    const key = `${paths.prefix}_${suffix}.m4s`;
    const file = join(folder, segment.file);
    if (segment.duration < LEAST_S && this.#count > 0) {
      if (discard) await rm(file, { force: true });
      return;
    }
    const { size } = await stat(file);
    if (this.#map === '') await this.#storeHeader(folder);
    await storage.put(key, { file }, SEGMENT);
    if ((storage.isBackup ?? false) !== this.#inBackup) {
      // What is in the first storage has its own playlist there: this one begins here.
      this.#inBackup = true;
      this.#listed = [];
      await this.#storeHeader(folder);
      this.#sayWhere();
    }
    if (discard) await rm(file, { force: true });
    this.#count += 1;
    const { duration, startMs } = segment;
    this.#listed.push({ name: this.#relative(key), duration, startMs, map: this.#map });
    await this.#storePlaylists(false);
    this.info.segmentCount = BigInt(this.#count);
    this.info.size += BigInt(size);
    this.info.duration += BigInt(Math.round(duration * 1e9));
    context.changed();
  }

  async #storeHeader(folder: string): Promise<void> {
    const { storage, paths, context } = this.#options;
    // Of this run alone: the one before it may have had other parameters.
    const key = `${paths.prefix}_init${context.retry === 0 ? '' : `_${context.retry}`}.mp4`;
    await storage.put(key, { file: join(folder, 'init.mp4') }, HEADER);
    this.#map = this.#relative(key);
  }

  #sayWhere(): void {
    const { paths, storage } = this.#options;
    const { playlist, livePlaylist } = paths;
    if (playlist !== '') this.info.playlistLocation = storage.location(playlist);
    if (livePlaylist !== '') this.info.livePlaylistLocation = storage.location(livePlaylist);
  }

  async #storePlaylists(ended: boolean): Promise<void> {
    const { storage, paths, spec } = this.#options;
    for (const [kind, key] of [
      ['event', paths.playlist],
      ['live', paths.livePlaylist],
    ] as const) {
      if (key === '') continue;
      const text = playlistOf(this.#listed, { kind, targetDuration: spec.duration, ended });
      await storage.put(key, { bytes: Buffer.from(text) }, PLAYLIST);
    }
  }

  /** As the playlist names it. */
  #relative(key: string): string {
    const { paths } = this.#options;
    const from = dirname(paths.playlist || paths.livePlaylist);
    const path = posix.join(posix.relative(from, dirname(key)), basename(key));
    // A Room may be called anything, and this is a URL.
    return path.split('/').map(encodeURIComponent).join('/');
  }
}
