import { Readable } from 'node:stream';
import { DisconnectReason } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { LocalRooms } from '../../../room/local-rooms';
import { RoomElsewhereError } from '../../../room/room-ownership';
import { FfmpegProcess } from '../../egress/ffmpeg/ffmpeg-process';
import { audioArguments, audioEncoding, videoArguments, videoEncoding } from '../feed/encoding';
import { RoomFeed } from '../feed/room-feed';
import type { IngressEnd, IngressRun } from '../ingress-run';
import { PullInput } from './pull-input';

/** A source of which nothing comes for so long has stalled, in ms. */
const STALL_MS = 15_000;
/** Where its Room has gone, it looks for it so often and so long, in ms, unless it is told to go too. */
const AGAIN_MS = 1000;
const AGAIN_FOR_MS = 60_000;

export interface UrlRunOptions {
  readonly run: IngressRun;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  readonly allowsPrivate: boolean;
  readonly stallMs?: number | undefined;
  /** It has ended by itself. Not called after `abandon`. */
  readonly onEnded: () => void;
  readonly log: Logger;
}

/** Pulls one URL into a Room, until its end. */
export class UrlRun {
  readonly #options: UrlRunOptions;
  #input: PullInput | undefined;
  #feed: RoomFeed | undefined;
  #ffmpeg: FfmpegProcess | undefined;
  #stall: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: UrlRunOptions) {
    this.#options = options;
  }

  pids(): number[] {
    const pid = this.#ffmpeg?.pid;
    return pid === undefined ? [] : [pid];
  }

  /** Resolves when it runs, or has ended. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      if (error instanceof RoomElsewhereError && this.#again()) return;
      this.#end({ error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Ends it. Idempotent. */
  stop(end: IngressEnd = {}): void {
    this.#end(end);
  }

  /** It is somebody else's: ends without a word. Idempotent. */
  abandon(): void {
    if (this.#over) return;
    this.#options.run.abandon();
    this.#over = true;
    this.#close();
  }

  async #start(): Promise<void> {
    const { run, rooms, allowsPrivate, log } = this.#options;
    const { info } = run;
    const input = await PullInput.open(info.url, allowsPrivate);
    this.#input = input;
    if (this.#over) return this.#close();
    const source = await input.probe();
    if (this.#over) return this.#close();
    const { size } = source;
    const encoding = source.copies ? 'copy' : videoEncoding(info, size);
    const feed = await RoomFeed.open({
      ...{ info, rooms, has: source, encoding, size },
      onLeft: (reason) => this.#left(reason),
    });
    this.#feed = feed;
    if (this.#over) return this.#close();
    const { video, audio } = feed.inlets;
    const ffmpeg = new FfmpegProcess({
      args: [
        ...input.arguments(4),
        ...(video ? videoArguments(encoding, video.ffmpegOutputs) : []),
        ...(audio ? audioArguments(audioEncoding(info), audio.ffmpegOutputs) : []),
      ],
      cwd: '/',
      env: input.environment,
      pipes: [Readable.from([input.list])],
      onProgress: ({ outTimeMs }) => this.#progress(outTimeMs),
    });
    this.#ffmpeg = ffmpeg;
    this.#awaySinceMs = undefined;
    this.#lastMs = Number.NEGATIVE_INFINITY;
    this.#progress(-1);
    void ffmpeg.ended.then(({ complete, error }) => {
      // One that was left behind says nothing.
      if (this.#ffmpeg !== ffmpeg) return;
      this.#end(complete ? { complete } : { error: `it cannot be read: ${input.shown(error)}` });
    });
    const { said, ...shown } = source;
    run.received(said);
    run.publishing(feed.room.sid, feed.tracks);
    log.info({ ingress: info.ingressId, ...shown }, 'a URL is pulled into its room');
  }

  /** A Room that moves, or gets another worker, is to have it again. */
  #left(reason: DisconnectReason | undefined): void {
    const goesOn =
      reason === DisconnectReason.MIGRATION || reason === DisconnectReason.STATE_MISMATCH;
    if (this.#over || !goesOn) {
      this.#end({});
      return;
    }
    this.#close();
    this.#again();
  }

  /** @returns whether it is tried again. */
  #again(): boolean {
    const now = performance.now();
    this.#awaySinceMs ??= now;
    if (this.#over || now - this.#awaySinceMs > AGAIN_FOR_MS) return false;
    this.#retry = setTimeout(() => void this.start(), AGAIN_MS);
    return true;
  }

  #retry: NodeJS.Timeout | undefined;
  #awaySinceMs: number | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  #progress(outTimeMs: number): void {
    if (this.#over || outTimeMs <= this.#lastMs) return;
    this.#lastMs = outTimeMs;
    const { stallMs = STALL_MS } = this.#options;
    clearTimeout(this.#stall);
    this.#stall = setTimeout(() => {
      this.#end({ error: `nothing came for ${stallMs / 1000} s` });
    }, stallMs);
  }

  #end(end: IngressEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    const { run, onEnded } = this.#options;
    void run.ended(end).then(onEnded);
  }

  #close(): void {
    clearTimeout(this.#stall);
    clearTimeout(this.#retry);
    const ffmpeg = this.#ffmpeg;
    this.#ffmpeg = undefined;
    void ffmpeg?.kill();
    this.#feed?.close();
    this.#input?.close();
  }
}
