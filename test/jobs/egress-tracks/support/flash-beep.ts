import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  type VideoCodec,
  VideoFrame,
  VideoSource,
} from '@livekit/rtc-node';
import { sleep } from '../../../support/wait';

export interface FlashBeepOptions {
  readonly url: string;
  readonly token: string;
  /** @default no picture */
  readonly codec?: VideoCodec;
  /** @default false */
  readonly simulcast?: boolean;
  /** @default true */
  readonly sound?: boolean;
}

const FRAME_MS = 10;
const FRAMES_A_PICTURE = 4;
const RATE = 48_000;
const WIDTH = 640;
const HEIGHT = 360;

/**
 * A participant whose picture is white, and whose sound is a tone, for the first 200 ms of each
 * second: what is played in step is so to whoever records it.
 */
export class FlashBeep {
  readonly room = new Room();
  readonly #abort = new AbortController();
  #video: LocalVideoTrack | undefined;
  #audio: LocalAudioTrack | undefined;
  #videoSource: VideoSource | undefined;
  #audioSource: AudioSource | undefined;

  async start(options: FlashBeepOptions): Promise<void> {
    await this.room.connect(options.url, options.token, { autoSubscribe: false, dynacast: true });
    if (options.codec !== undefined) {
      await this.publishVideo(options.codec, options.simulcast ?? false);
    }
    if (options.sound ?? true) {
      await this.publishAudio();
    }
    void this.#run();
  }

  get videoSid(): string {
    return this.#video?.sid ?? '';
  }

  get audioSid(): string {
    return this.#audio?.sid ?? '';
  }

  get video(): LocalVideoTrack | undefined {
    return this.#video;
  }

  get audio(): LocalAudioTrack | undefined {
    return this.#audio;
  }

  async publishVideo(codec: VideoCodec, simulcast: boolean): Promise<void> {
    const source = new VideoSource(WIDTH, HEIGHT);
    this.#video = LocalVideoTrack.createVideoTrack('camera', source);
    const publish = new TrackPublishOptions();
    publish.source = TrackSource.SOURCE_CAMERA;
    publish.videoCodec = codec;
    publish.simulcast = simulcast;
    await this.room.localParticipant?.publishTrack(this.#video, publish);
    this.#videoSource = source;
  }

  async publishAudio(): Promise<void> {
    // No queue: what is captured goes out at once, as the picture does.
    const source = new AudioSource(RATE, 1, 0);
    this.#audio = LocalAudioTrack.createAudioTrack('microphone', source);
    const publish = new TrackPublishOptions();
    publish.source = TrackSource.SOURCE_MICROPHONE;
    await this.room.localParticipant?.publishTrack(this.#audio, publish);
    this.#audioSource = source;
  }

  async unpublish(sid: string): Promise<void> {
    await this.room.localParticipant?.unpublishTrack(sid);
  }

  /** Idempotent. */
  async leave(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    await this.room.disconnect();
  }

  /** Sound and picture by one clock, each in its turn of 10 ms. */
  async #run(): Promise<void> {
    const startMs = performance.now();
    const white = picture(235);
    const black = picture(16);
    for (let turn = 0; !this.#abort.signal.aborted; turn += 1) {
      const waitMs = startMs + turn * FRAME_MS - performance.now();
      if (waitMs > 0) {
        await sleep(waitMs);
      }
      const isOn = (turn * FRAME_MS) % 1000 < 200;
      if (turn % FRAMES_A_PICTURE === 0) {
        this.#videoSource?.captureFrame(isOn ? white : black);
      }
      void this.#audioSource?.captureFrame(tone(turn, isOn)).catch(() => {});
    }
  }
}

function picture(luma: number): VideoFrame {
  const pixels = WIDTH * HEIGHT;
  const data = new Uint8Array(pixels * 1.5).fill(128);
  data.fill(luma, 0, pixels);
  // Some noise keeps the encoder busy, so that pictures are of many packets.
  for (let at = 0; at < WIDTH * 60; at += 1) data[at] = (at * 7919) % 256;
  return new VideoFrame(data, WIDTH, HEIGHT, VideoBufferType.I420);
}

function tone(turn: number, isOn: boolean): AudioFrame {
  const count = (RATE * FRAME_MS) / 1000;
  const samples = new Int16Array(count);
  if (isOn) {
    for (let at = 0; at < count; at += 1) {
      samples[at] = Math.sin((2 * Math.PI * 1000 * (turn * count + at)) / RATE) * 12_000;
    }
  }
  return new AudioFrame(samples, RATE, 1, count);
}
