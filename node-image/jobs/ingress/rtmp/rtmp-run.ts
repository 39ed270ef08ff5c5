import type { Logger } from 'pino';
import type { LocalRooms } from '../../../room/local-rooms';
import { FfmpegProcess } from '../../egress/ffmpeg/ffmpeg-process';
import { audioArguments, audioEncoding, videoArguments, videoEncoding } from '../feed/encoding';
import { RoomFeed } from '../feed/room-feed';
import type { IngressRun } from '../ingress-run';
import type { StopReason } from '../ingress-runs';
import { InputRates } from '../input-rates';
import type { PushedStream } from '../push-runner';
import { extendedTag, plainTag } from './extended';
import { type FlvTag, TAG, videoTag } from './flv';
import type { TagSink } from './rtmp-session';
import { type GaugedStream, TagGauge } from './tag-gauge';
import { type TagOutput, tagOutput } from './tag-output';

/** What comes while the Room is made: pieces, of some ten seconds, and bytes. */
const MAX_WAITING = 1000;
const MAX_WAITING_BYTES = 16 << 20;
/** A sender of whom nothing comes for so long is gone, in ms. */
const SILENCE_MS = 15_000;
/** A drained sender is closed after a key frame, at the latest after so long, in ms. */
const KEY_FRAME_MS = 10_000;
/** So long the move of a Room waits for one, in ms: encoders send one each 1 to 2 s. */
const MOVE_AFTER_MS = 3000;

export interface RtmpRunOptions {
  readonly run: IngressRun;
  readonly rooms: Pick<LocalRooms, 'getOrCreate'>;
  /** Closes the sender's connection. */
  readonly hangUp: () => void;
  readonly log: Logger;
}

/** What one sender sends by RTMP, on its way into a Room: FLV into ffmpeg, RTP out of it. */
export class RtmpRun implements TagSink, PushedStream {
  readonly #options: RtmpRunOptions;
  readonly #gauge = new TagGauge();
  #into: TagOutput | undefined;
  #feed: RoomFeed | undefined;
  #ffmpeg: FfmpegProcess | undefined;
  #rates: InputRates | undefined;
  readonly #bytes = { audio: 0, video: 0 };
  #stream: GaugedStream | undefined;
  #waiting: FlvTag[] = [];
  #waitingBytes = 0;
  #atKeyFrame: (() => void)[] = [];
  #silence: NodeJS.Timeout | undefined;
  #closesAtKey: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: RtmpRunOptions) {
    this.#options = options;
    this.#hear();
  }

  write(sent: FlvTag): boolean {
    if (this.#ended) return true;
    this.#hear();
    if (sent.type === TAG.audio) this.#bytes.audio += sent.body.length;
    if (sent.type === TAG.video) this.#bytes.video += sent.body.length;
    const tag = plainTag(sent);
    if (this.#stream === undefined) {
      this.#stream = this.#gauge.take(tag);
      if (this.#stream?.unreadable !== undefined) this.#finish(this.#stream.unreadable);
      else if (this.#stream !== undefined) void this.#start(this.#stream);
      return true;
    }
    const isInTime = this.#pass(tag);
    if (isKeyFrame(tag)) {
      for (const tell of this.#atKeyFrame.splice(0)) tell();
      if (this.#closesAtKey !== undefined) this.#finish();
    }
    return isInTime;
  }

  drained(): Promise<void> {
    return this.#into === undefined || this.#ended ? Promise.resolve() : this.#into.drained();
  }

  end(): void {
    this.#finish(this.#feed === undefined ? 'nothing was sent that can be played' : undefined);
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  get roomName(): string {
    return this.#options.run.info.roomName;
  }

  /** Resolves after a key frame has passed; with sound alone, or where none comes in time, so too. */
  async atKeyFrame(): Promise<void> {
    if (this.#ended || this.#feed?.inlets.video === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, MOVE_AFTER_MS);
      this.#atKeyFrame.push(resolve);
    });
    clearTimeout(timer);
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
      const { size } = stream;
      const encoding = stream.copies ? 'copy' : videoEncoding(run.info, size);
      const feed = await RoomFeed.open({
        ...{ info: run.info, rooms, has: stream, encoding, size },
        onLeft: () => this.#finish(),
      });
      if (this.#ended) {
        feed.close();
        return;
      }
      this.#feed = feed;
      const { info } = run;
      const { videoCodec, audioCodec, ...shown } = stream;
      const codecs = [videoCodec?.name, audioCodec?.name];
      log.info({ ingress: info.ingressId, ...shown, codecs }, 'an RTMP sender is in its room');
      const { video, audio } = feed.inlets;
      const into = tagOutput(stream);
      this.#into = into;
      const ffmpeg = new FfmpegProcess({
        args: [
          ...['-fflags', 'nobuffer', '-analyzeduration', '1000000'],
          ...['-f', into.format, '-i', 'pipe:4'],
          ...(video ? videoArguments(encoding, video.ffmpegOutputs) : []),
          ...(audio ? audioArguments(audioEncoding(info), audio.ffmpegOutputs) : []),
        ],
        cwd: '/',
        pipes: [into.readable],
      });
      this.#ffmpeg = ffmpeg;
      void ffmpeg.ended.then(({ complete, error }) => {
        this.#finish(complete ? undefined : `the stream cannot be read: ${error}`);
      });
      for (const tag of [...this.#gauge.takeTags(), ...this.#waiting.splice(0)]) into.write(tag);
      run.received(receivedOf(stream));
      run.publishing(feed.room.sid, feed.tracks);
      this.#rates = new InputRates({ run, bytes: () => this.#bytes });
      if (stream.why !== undefined) run.note(stream.why);
    } catch (error) {
      this.#finish(error instanceof Error ? error.message : String(error));
    }
  }

  #pass(tag: FlvTag): boolean {
    if (this.#into === undefined) {
      this.#waiting.push(tag);
      this.#waitingBytes += tag.body.length;
      if (this.#waiting.length > MAX_WAITING || this.#waitingBytes > MAX_WAITING_BYTES) {
        this.#finish('its room was not there in time');
      }
      return true;
    }
    return this.#into.write(tag);
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
    this.#rates?.close();
    this.#into?.close();
    void this.#ffmpeg?.kill();
    this.#feed?.close();
    this.#waiting = [];
    this.#gauge.takeTags();
    for (const tell of this.#atKeyFrame.splice(0)) tell();
    this.#options.hangUp();
    void this.#options.run.ended({ error });
  }
}

/** A picture that can be shown without those before it: not a description of the stream. */
function isKeyFrame(tag: FlvTag): boolean {
  if (tag.type !== TAG.video) return false;
  const extended = extendedTag(tag);
  if (extended !== undefined) return extended.isKey && extended.what === 'media';
  const video = videoTag(tag.body);
  return video?.isKey === true && !video.isHeader;
}

/** As far as the encoder says it. */
function receivedOf(stream: GaugedStream): Parameters<IngressRun['received']>[0] {
  const { video, audio, videoCodec, audioCodec, size, frameRate = 0 } = stream;
  const { sampleRate = 0, channels = 0 } = audioCodec?.aac ?? {};
  return {
    ...(video && {
      video: { mimeType: videoCodec?.mimeType ?? '', framerate: frameRate, ...size },
    }),
    ...(audio && { audio: { mimeType: audioCodec?.mimeType ?? '', sampleRate, channels } }),
  };
}
