import type { AddTrackRequest, DisconnectReason, ICEServer } from '@livekit/protocol';
import type { WebRtcTransport } from 'mediasoup/types';
import type { Logger } from 'pino';
import {
  type ExpectedTrack,
  type NewTrack,
  PublisherConnection,
} from '../../../media/publisher-connection';
import type { MediaSection } from '../../../media/sdp/offer-reader';
import { newId } from '../../../room/ids';
import type { Room } from '../../../room/room';
import { FfmpegProcess } from '../../egress/ffmpeg/ffmpeg-process';
import { audioArguments, audioEncoding, videoArguments, videoEncoding } from '../feed/encoding';
import { LiveInput, type LiveMedia } from '../feed/live-input';
import { RoomFeed } from '../feed/room-feed';
import type { IngressRun } from '../ingress-run';
import { InputRates } from '../input-rates';
import type { PushedStream } from '../push-runner';
import { WhipError, type WhipPatch, type WhipRestart } from './whip-host';
import { WhipIce } from './whip-ice';
import { cidOf } from './whip-offer';
import { bytesOf } from './whip-rates';
import { UNSUPPORTED, type WhipSessionOptions } from './whip-session';

/** What can be decoded: no more than what a Room takes as it is. */
const CODECS = ['video/VP8', 'video/H264', 'video/VP9', 'video/AV1', 'audio/opus'];

export interface TranscodedSessionOptions extends WhipSessionOptions {
  readonly log: Logger;
}

/**
 * One sender by WHIP whose media is encoded anew: it is connected beside the Room, ffmpeg makes of what
 * comes what the Ingress asks for, and a participant publishes that.
 */
export class TranscodedSession implements PushedStream {
  readonly #options: TranscodedSessionOptions;
  readonly #ice = new WhipIce();
  #room: Room | undefined;
  #connection: PublisherConnection | undefined;
  #input: LiveInput | undefined;
  #feed: RoomFeed | undefined;
  #ffmpeg: FfmpegProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lost: NodeJS.Timeout | undefined;
  #rates: InputRates | undefined;
  #error: string | undefined;
  #over = false;

  constructor(options: TranscodedSessionOptions) {
    this.#options = options;
  }

  get hasEnded(): boolean {
    return this.#over;
  }

  get etag(): string {
    return this.#ice.etag;
  }

  get iceServers(): ICEServer[] {
    return this.#room?.iceServers({ sid: newId('PA_') }) ?? [];
  }

  /**
   * Connects what is offered.
   *
   * @returns the answer
   * @throws WhipError, RoomError, RoomElsewhereError; it has ended then.
   */
  async start(offer: string, requests: readonly AddTrackRequest[]): Promise<string> {
    try {
      return await this.#start(offer, requests);
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** @throws WhipError */
  patch(patch: WhipPatch): Promise<WhipRestart | undefined> {
    return this.#ice.patch(this.#connection?.transport, patch);
  }

  /** Ends it, as its sender or somebody else wants. Idempotent. */
  stop(): void {
    this.#end();
  }

  fail(error: string): void {
    this.#error ??= error;
    this.#end();
  }

  pids(): number[] {
    const pid = this.#ffmpeg?.pid;
    return pid === undefined ? [] : [pid];
  }

  async #start(offer: string, requests: readonly AddTrackRequest[]): Promise<string> {
    const { run, rooms, mediaTimeoutMs } = this.#options;
    const room = await rooms.getOrCreate({ name: run.info.roomName });
    this.#room = room;
    const { router, transports } = room.media;
    const connection = await PublisherConnection.create({ router, transports, candidates: 'all' });
    this.#connection = connection;
    if (this.#over) {
      connection.close();
      throw new WhipError(409, this.#error ?? 'the session has ended before it began, try again');
    }
    this.#watch(connection.transport, room.settings.lostGraceMs);
    const expect = (section: MediaSection): ExpectedTrack | undefined =>
      expected(section, requests);
    const { sdp, added } = await connection.answer(offer, expect, newId('PA_'));
    if (added.length === 0) throw new WhipError(406, UNSUPPORTED);
    this.#timer = setTimeout(() => {
      this.fail(`no media within ${mediaTimeoutMs / 1000} s`);
    }, mediaTimeoutMs);
    this.#input = await LiveInput.open({
      router,
      producers: added.map(({ producer }) => producer),
      onMedia: (media) => void this.#publish(media, added),
    });
    if (this.#over) this.#input.close();
    return sdp;
  }

  /** One that loses its way is given a moment to find another. */
  #watch(transport: WebRtcTransport, lostGraceMs: number): void {
    transport.observer.once('close', () => this.#end());
    transport.on('dtlsstatechange', (state) => {
      if (state === 'failed') this.fail('the sender could not be connected');
      if (state === 'closed') this.#end();
    });
    transport.on('icestatechange', (state) => {
      clearTimeout(this.#lost);
      if (state === 'disconnected' && !this.#over) {
        this.#lost = setTimeout(() => this.#end(), lostGraceMs);
      }
    });
  }

  async #publish(media: LiveMedia, added: readonly NewTrack[]): Promise<void> {
    const { run, rooms, log } = this.#options;
    const { info } = run;
    clearTimeout(this.#timer);
    try {
      const { setup } = media.video ?? {};
      // A browser begins small, and grows with what its way carries.
      const encoding = videoEncoding(info, setup, 'varies');
      const has = { audio: media.audio, video: media.video !== undefined };
      const feed = await RoomFeed.open({
        ...{ info, rooms, has, encoding },
        onLeft: (reason) => this.#left(reason),
      });
      if (this.#over) {
        feed.close();
        return;
      }
      this.#feed = feed;
      this.#encode(feed, media);
      run.received(incoming(media, added));
      run.publishing(feed.room.sid, feed.tracks);
      const producers = added.map(({ producer }) => producer);
      this.#rates = new InputRates({ run, bytes: () => bytesOf(producers) });
      log.info({ ingress: info.ingressId, ...setup }, 'a WHIP sender is encoded anew');
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  #encode({ inlets }: RoomFeed, { readable, video: source }: LiveMedia): void {
    const { info } = this.#options.run;
    const { video, audio } = inlets;
    const encoding = videoEncoding(info, source?.setup, 'varies');
    readable.once('error', (error) => this.fail(error.message));
    const ffmpeg = new FfmpegProcess({
      args: [
        ...['-fflags', 'nobuffer', '-analyzeduration', '1000000', '-f', 'matroska', '-i', 'pipe:4'],
        ...(video ? videoArguments(encoding, video.ffmpegOutputs) : []),
        ...(audio ? audioArguments(audioEncoding(info), audio.ffmpegOutputs) : []),
      ],
      cwd: '/',
      pipes: [readable],
    });
    this.#ffmpeg = ffmpeg;
    void ffmpeg.ended.then(({ complete, error }) => {
      if (complete) this.#end();
      else this.fail(`what comes cannot be encoded: ${error}`);
    });
  }

  #left(reason: DisconnectReason | undefined): void {
    this.#options.log.debug({ reason }, 'the participant of a WHIP sender has left');
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#lost);
    this.#rates?.close();
    this.#input?.close();
    void this.#ffmpeg?.kill();
    this.#feed?.close();
    this.#connection?.close();
    void this.#options.run.ended({ error: this.#error });
  }
}

/** What the sender says of the section, as the media side has to know it. */
function expected(
  section: MediaSection,
  requests: readonly AddTrackRequest[],
): ExpectedTrack | undefined {
  const { kind } = section;
  if (kind === 'application') return undefined;
  const request = requests.find(({ cid }) => cid === cidOf(section));
  return (
    request && {
      ...{ cid: request.cid, kind, mimeType: undefined, enabledCodecs: CODECS },
      ...{ layerCount: request.layers.length, stereo: request.stereo, dtx: false, screen: false },
    }
  );
}

function incoming(
  { video }: LiveMedia,
  added: readonly NewTrack[],
): Parameters<IngressRun['received']>[0] {
  const one = (kind: 'audio' | 'video') => added.find(({ expected: { kind: is } }) => is === kind);
  const [picture, sound] = [one('video'), one('audio')];
  const { width = 0, height = 0 } = video?.setup ?? {};
  return {
    ...(picture && { video: { mimeType: picture.mimeType, width, height } }),
    ...(sound && {
      audio: {
        ...{ mimeType: sound.mimeType, sampleRate: 48_000 },
        channels: sound.expected.stereo ? 2 : 1,
      },
    }),
  };
}
