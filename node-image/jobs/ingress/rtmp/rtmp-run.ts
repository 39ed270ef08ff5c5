import { PassThrough } from 'node:stream';
import type { Logger } from 'pino';
import type { LocalRooms } from '../../../room/local-rooms';
import { FfmpegProcess } from '../../egress/ffmpeg/ffmpeg-process';
import { audioArguments, audioEncoding, videoArguments, videoEncoding } from '../feed/encoding';
import { RoomFeed } from '../feed/room-feed';
import type { IngressRun } from '../ingress-run';
import type { StopReason } from '../ingress-runs';
import { type FlvTag, flvHeader, flvTag, TAG, videoTag } from './flv';
import type { TagSink } from './rtmp-session';
import { type GaugedStream, TagGauge } from './tag-gauge';

/** What may wait for ffmpeg, in bytes: some seconds. */
const HIGH_WATER = 4 << 20;
/** Pieces that come while the Room is made: of some ten seconds. */
const MAX_WAITING = 1000;
/** A sender of whom nothing comes for so long is gone, in ms. */
const SILENCE_MS = 15_000;
/** A drained sender is closed after a key frame, at the latest after so long, in ms. */
const KEY_FRAME_MS = 10_000;

export interface RtmpRunOptions {
  readonly run: IngressRun;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** Closes the sender's connection. */
  readonly hangUp: () => void;
  readonly log: Logger;
}

/** What one sender sends by RTMP, on its way into a Room: FLV into ffmpeg, RTP out of it. */
export class RtmpRun implements TagSink {
  readonly #options: RtmpRunOptions;
  readonly #gauge = new TagGauge();
  readonly #into = new PassThrough({ highWaterMark: HIGH_WATER });
  #feed: RoomFeed | undefined;
  #ffmpeg: FfmpegProcess | undefined;
  #stream: GaugedStream | undefined;
  #waiting: FlvTag[] = [];
  #silence: NodeJS.Timeout | undefined;
  #closesAtKey: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: RtmpRunOptions) {
    this.#options = options;
    this.#hear();
  }

  write(tag: FlvTag): boolean {
    if (this.#ended) return true;
    this.#hear();
    if (this.#closesAtKey !== undefined && tag.type === TAG.video && videoTag(tag.body)?.isKey) {
      this.#finish();
      return true;
    }
    if (this.#stream === undefined) {
      this.#stream = this.#gauge.take(tag);
      if (this.#stream !== undefined) void this.#start(this.#stream);
      return true;
    }
    return this.#pass(tag);
  }

  drained(): Promise<void> {
    if (!this.#into.writableNeedDrain || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#into.once('drain', resolve);
      this.#into.once('close', resolve);
    });
  }

  end(): void {
    this.#finish(this.#feed === undefined ? 'nothing was sent that can be played' : undefined);
  }

  /** Ends it; a drained one after a key frame, so that the sender comes back with one. */
  stop(reason: StopReason): void {
    if (reason === 'drained' && this.#feed !== undefined && !this.#ended) {
      this.#closesAtKey ??= setTimeout(() => this.#finish(), KEY_FRAME_MS);
    } else {
      this.#finish();
    }
  }

  pids(): number[] {
    const pid = this.#ffmpeg?.pid;
    return pid === undefined ? [] : [pid];
  }

  async #start(stream: GaugedStream): Promise<void> {
    const { run, rooms, log } = this.#options;
    try {
      const encoding = stream.copies ? 'copy' : videoEncoding(run.info);
      const feed = await RoomFeed.open({
        info: run.info,
        rooms,
        has: stream,
        size: encoding === 'copy' ? stream.size : encoding,
        onLeft: () => this.#finish(),
      });
      if (this.#ended) {
        feed.close();
        return;
      }
      this.#feed = feed;
      const { info } = run;
      log.info({ ingress: info.ingressId, ...stream }, 'an RTMP sender is in its room');
      const { video, audio } = feed.inlets;
      const ffmpeg = new FfmpegProcess({
        args: [
          ...['-fflags', 'nobuffer', '-analyzeduration', '1000000', '-f', 'flv', '-i', 'pipe:4'],
          ...(video ? ['-map', '0:v:0', ...videoArguments(encoding), ...video.ffmpegOutput] : []),
          ...(audio
            ? ['-map', '0:a:0', ...audioArguments(audioEncoding(info)), ...audio.ffmpegOutput]
            : []),
        ],
        cwd: '/',
        pipes: [this.#into],
      });
      this.#ffmpeg = ffmpeg;
      void ffmpeg.ended.then(({ complete, error }) => {
        this.#finish(complete ? undefined : `the stream cannot be read: ${error}`);
      });
      this.#into.write(flvHeader(stream));
      for (const tag of [...this.#gauge.takeTags(), ...this.#waiting.splice(0)]) {
        this.#into.write(flvTag(tag));
      }
      run.publishing(feed.room.sid, feed.tracks);
      if (stream.why !== undefined) run.note(stream.why);
    } catch (error) {
      this.#finish(error instanceof Error ? error.message : String(error));
    }
  }

  #pass(tag: FlvTag): boolean {
    if (this.#ffmpeg === undefined) {
      this.#waiting.push(tag);
      if (this.#waiting.length > MAX_WAITING) this.#finish('its room was not there in time');
      return true;
    }
    return this.#into.write(flvTag(tag));
  }

  #hear(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#finish(`nothing came for ${SILENCE_MS / 1000} s`);
    }, SILENCE_MS);
  }

  #finish(error?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#closesAtKey);
    this.#into.end();
    this.#into.destroy();
    void this.#ffmpeg?.kill();
    this.#feed?.close();
    this.#waiting = [];
    this.#options.hangUp();
    void this.#options.run.ended({ error });
  }
}
