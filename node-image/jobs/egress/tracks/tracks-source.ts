import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { SeenTrack, TappedRoom } from '../../../room/tapped-room';
import { type EgressSource, type OpenSource, type SourceEnd, SourceError } from '../source';
import { type BlackPicture, blackPicture } from './black-picture';
import { Lane } from './lane';
import { LiveStream } from './live-stream';
import type { VideoCodec } from './matroska-stream';
import { publicationOf } from './publication';
import { SourceClock } from './source-clock';
import { chooseTracks, requestName, type TrackChoice, type TracksRequest } from './track-choice';
import type { FeedItem } from './track-feed';
import { depacketizerOf, videoCodecOf } from './video-codecs';
import type { VideoSetup } from './video-frame';

export interface TracksSourceOptions {
  readonly room: string;
  readonly request: TracksRequest;
  /** Finds the Room wherever it is. undefined: there is none. */
  readonly openRoom: (room: string) => Promise<TappedRoom | undefined>;
  readonly log: Logger;
  /** @default "ffmpeg" */
  readonly ffmpeg?: string;
  /** How long tracks that are not there yet are waited for, in ms. @default 15000 */
  readonly waitMs?: number;
}

const WAIT_MS = 15_000;
/** Where one track is there, the other one is waited for so long, in ms. */
const OTHER_WAIT_MS = 3000;
/** So long a Room that has moved may be away, in ms: as long as its clients try. */
const MOVE_MS = 45_000;
/** So long it is looked for by those whose tracks do not come back, in ms: it may be where it was. */
const LOST_MS = 10_000;
const TICK_MS = 100;
const RETRY_MS = 500;
const DEFAULT_SIZE = { width: 1280, height: 720 };

/** Tracks of a Room as one live stream for ffmpeg. */
export class TracksSource implements EgressSource {
  readonly #options: TracksSourceOptions;
  readonly #audio: Lane;
  readonly #video: Lane;
  readonly #ended: Promise<SourceEnd>;
  #resolveEnd: (end: SourceEnd) => void = () => {};
  readonly #early: { kind: 'audio' | 'video'; item: FeedItem }[] = [];
  #room: TappedRoom | undefined;
  #choice: TrackChoice | undefined;
  #stream: LiveStream | undefined;
  #dark: BlackPicture | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #clock = new SourceClock();
  #tellMuted: (muted: boolean) => void = () => {};
  #closed = false;

  constructor(options: TracksSourceOptions) {
    const { log } = options;
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnd = resolve;
    });
    const lane = (kind: 'audio' | 'video'): Lane =>
      new Lane({
        onItem: (item) => this.#item(kind, item),
        onEnded: () => this.#look(),
        onRefused: ({ sid, mimeType }) =>
          log.warn({ track: sid, mimeType }, 'a track came in another codec, and is left out'),
        onError: (error) => {
          log.warn({ err: error }, 'a track cannot be taken; it is tried again');
          setTimeout(() => this.#look(), RETRY_MS).unref();
        },
      });
    this.#audio = lane('audio');
    this.#video = lane('video');
  }

  /** Packets that never came, though they were waited for, so far. */
  get lost(): { readonly audio: number; readonly video: number } {
    return { audio: this.#audio.lost, video: this.#video.lost };
  }

  async open(signal: AbortSignal): Promise<OpenSource> {
    try {
      await this.#findRoom(signal);
      const wanted = await this.#awaitTracks(signal);
      return await this.#begin(wanted, signal);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#finish({ kind: 'finished', reason: 'it was closed' });
    return Promise.resolve();
  }

  #finish(end: SourceEnd): void {
    if (!this.#closed) {
      this.#closed = true;
      clearInterval(this.#timer);
      const dark = this.#video.isSilent ? this.#dark?.data : undefined;
      this.#audio.close();
      this.#video.close();
      this.#room?.close();
      this.#stream?.end(this.#clock.nowMs(), dark);
      const { room, request, log } = this.#options;
      log.info({ room, what: requestName(request), lost: this.lost, ...end }, 'a source has ended');
      this.#resolveEnd(end);
    }
  }

  async #findRoom(signal: AbortSignal): Promise<void> {
    const { room, openRoom } = this.#options;
    const opened = await openRoom(room);
    if (opened === undefined) {
      throw new SourceError(`there is no Room ${room}`, 404);
    }
    if (this.#closed || signal.aborted) {
      opened.close();
      throw new SourceError('it was closed before it began', 499);
    }
    this.#enter(opened);
  }

  #enter(room: TappedRoom): void {
    this.#room?.close();
    this.#room = room;
    room.onChange(() => this.#look());
    this.#look();
  }

  /** Waits for what was asked for, at least one track of it. */
  async #awaitTracks(signal: AbortSignal): Promise<TrackChoice> {
    const { request, waitMs = WAIT_MS } = this.#options;
    const startMs = Date.now();
    const wants = kindsOf(request);
    let firstMs: number | undefined;
    for (;;) {
      const { audio, video } = this.#choice ?? {};
      const missing =
        (wants.audio && audio === undefined ? 1 : 0) + (wants.video && video === undefined ? 1 : 0);
      const nowMs = Date.now();
      firstMs ??= (audio ?? video) === undefined ? undefined : nowMs;
      const isEnough =
        request.kind === 'track' || missing === 0 || nowMs - (firstMs ?? nowMs) >= OTHER_WAIT_MS;
      if (this.#choice !== undefined && firstMs !== undefined && isEnough) {
        return this.#choice;
      }
      if (nowMs - startMs >= waitMs) {
        const { room } = this.#options;
        const problem = this.#choice?.isThere
          ? `${requestName(request)} of Room ${room} published nothing within ${waitMs} ms`
          : `Room ${room} has no ${requestName(request)}`;
        throw new SourceError(problem, 404);
      }
      await this.#pause(signal);
    }
  }

  /** Declares what there is, as soon as the first media says when it begins. */
  async #begin(wanted: TrackChoice, signal: AbortSignal): Promise<OpenSource> {
    const { request } = this.#options;
    const hasVideo = wanted.video !== undefined || request.kind === 'participant';
    const hasAudio = wanted.audio !== undefined || request.kind === 'participant';
    const expected = [
      ...(wanted.video?.muted === false ? ['video' as const] : []),
      ...(wanted.audio?.muted === false ? ['audio' as const] : []),
    ];
    const untilMs = Date.now() + OTHER_WAIT_MS * 2;
    while (
      expected.some((kind) => !this.#early.some((one) => one.kind === kind)) &&
      Date.now() < untilMs
    ) {
      await this.#pause(signal);
    }
    const video = hasVideo ? await this.#videoOf(wanted.video) : undefined;
    const first = (kind: 'audio' | 'video'): number | undefined =>
      this.#early.find((one) => one.kind === kind)?.item.timeMs;
    const originMs = first('video') ?? first('audio') ?? this.#clock.nowMs();
    this.#video.fix(video?.codec);
    const stream = new LiveStream({ audio: hasAudio, video, originMs });
    if (this.#closed || signal.aborted) {
      throw new SourceError('it was closed before it began', 499);
    }
    this.#stream = stream;
    for (const { kind, item } of this.#early.splice(0)) {
      this.#item(kind, item);
    }
    stream.readable.once('error', (error) =>
      this.#finish({ kind: 'failed', error: error.message }),
    );
    this.#timer = setInterval(() => this.#tick(stream), TICK_MS);
    const { setup, codec } = video ?? {};
    return {
      inputs: [
        {
          args: ['-f', 'matroska'],
          from: { pipe: stream.readable },
          ...(codec === undefined
            ? {}
            : { video: { codec, width: setup?.width ?? 0, height: setup?.height ?? 0 } }),
          ...(hasAudio ? { audio: { codec: 'opus' as const } } : {}),
        },
      ],
      startedAtNs: BigInt(Math.round(originMs)) * 1_000_000n,
      ...(hasAudio && {
        onMuted: (listener) => {
          this.#tellMuted = listener;
          listener(this.#choice?.audio?.muted !== false);
        },
      }),
      ...(this.#room && { publication: publicationOf(wanted, this.#room.sight()) }),
      ended: this.#ended,
    };
  }

  /** Codec and size: of what came, or else of what is to come. */
  async #videoOf(track: SeenTrack | undefined): Promise<{ codec: VideoCodec; setup: VideoSetup }> {
    const codec = track === undefined ? 'vp8' : videoCodecOf(track.mimeType);
    if (codec === undefined) {
      throw new SourceError(`a track in ${track?.mimeType} cannot be recorded`, 415);
    }
    const frame = this.#early.find(({ kind }) => kind === 'video')?.item.data;
    const known = frame === undefined ? undefined : depacketizerOf(codec).setup(frame);
    const size = known ?? (track !== undefined && track.width > 0 ? track : DEFAULT_SIZE);
    try {
      this.#dark = await blackPicture(this.#options.ffmpeg ?? 'ffmpeg', codec, size);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'what is muted will not be shown as black');
    }
    const setup = known ?? this.#dark?.setup;
    if (setup === undefined) {
      throw new SourceError('no picture came, and no black one could be made', 408);
    }
    return { codec, setup };
  }

  #item(kind: 'audio' | 'video', item: FeedItem): void {
    if (!this.#clock.admits(item.timeMs)) {
      return;
    }
    if (this.#stream === undefined) {
      this.#early.push({ kind, item });
    } else if (kind === 'audio') {
      this.#stream.sound(item);
    } else {
      this.#stream.picture(item);
    }
  }

  #tick(stream: LiveStream): void {
    stream.tick(this.#clock.nowMs(), this.#video.isSilent ? this.#dark?.data : undefined);
  }

  /** Goes by what there is in the Room now. */
  #look(): void {
    const room = this.#room;
    if (room === undefined || this.#closed) {
      return;
    }
    const { request } = this.#options;
    const sight = room.sight();
    if (sight.state !== 'open') {
      this.#left(room, sight.state);
      return;
    }
    const choice = chooseTracks(request, sight);
    const wasThere = this.#choice?.isThere === true;
    this.#choice = choice;
    if (wasThere && !choice.isThere) {
      this.#finish({ kind: 'finished', reason: `${requestName(request)} is gone` });
      return;
    }
    this.#audio.use(room, choice.audio);
    this.#video.use(room, choice.video);
    this.#tellMuted(choice.audio?.muted !== false);
  }

  /**
   * The Room is no longer here, or the way to it is lost. A participant comes back to where it went,
   * with tracks that are new; the tracks of before are there only where the Room has not moved.
   */
  #left(room: TappedRoom, state: 'finished' | 'moved'): void {
    if (state === 'finished') {
      this.#finish({ kind: 'finished', reason: 'the Room has ended' });
      return;
    }
    this.#audio.use(room, undefined);
    this.#video.use(room, undefined);
    this.#room = undefined;
    room.close();
    void this.#follow(this.#options.request.kind === 'participant' ? MOVE_MS : LOST_MS);
  }

  async #follow(withinMs: number): Promise<void> {
    const { room, openRoom, log } = this.#options;
    const untilMs = Date.now() + withinMs;
    while (!this.#closed && Date.now() < untilMs) {
      try {
        const opened = await openRoom(room);
        // It may be gone from there too by now.
        if (opened?.sight().state === 'open' && !this.#closed) {
          this.#enter(opened);
          return;
        }
        opened?.close();
      } catch (error) {
        log.debug({ err: error }, 'a Room that has moved is not found yet');
      }
      await sleep(RETRY_MS);
    }
    this.#finish({ kind: 'finished', reason: 'the Room did not go on' });
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await sleep(50);
    if (this.#closed || signal.aborted) {
      throw new SourceError('it was closed before it began', 499);
    }
  }
}

/** What would be taken, if it were there. */
function kindsOf(request: TracksRequest): { readonly audio: boolean; readonly video: boolean } {
  return request.kind === 'tracks'
    ? { audio: Boolean(request.audioSid), video: Boolean(request.videoSid) }
    : { audio: true, video: true };
}
