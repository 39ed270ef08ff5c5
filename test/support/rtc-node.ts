import { setTimeout as sleep } from 'node:timers/promises';
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  LocalVideoTrack,
  type RemoteTrack,
  Room,
  type RoomOptions,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  type VideoCodec,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';
import { until } from './wait';

export interface NodeVideoOptions {
  readonly codec: VideoCodec;
  readonly simulcast?: boolean;
  /** @default 1280 */
  readonly width?: number;
  /** @default 720 */
  readonly height?: number;
}

/** What was received of a picture. */
export interface SeenVideo {
  readonly frames: number;
  readonly width: number;
  readonly height: number;
}

/** A participant of @livekit/rtc-node, which is libwebrtc without a browser. */
export class NodeClient {
  readonly room = new Room();
  readonly #abort = new AbortController();

  async connect(
    url: string,
    token: string,
    options: RoomOptions = { autoSubscribe: true, dynacast: false },
  ): Promise<void> {
    await this.room.connect(url, token, options);
  }

  /** Publishes a picture whose bright bar moves, at 15 frames a second, until the client leaves. */
  async publishVideo(options: NodeVideoOptions): Promise<void> {
    const { codec, simulcast = true, width = 1280, height = 720 } = options;
    const source = new VideoSource(width, height);
    const track = LocalVideoTrack.createVideoTrack('camera', source);
    const publish = new TrackPublishOptions();
    publish.source = TrackSource.SOURCE_CAMERA;
    publish.videoCodec = codec;
    publish.simulcast = simulcast;
    await this.#local().publishTrack(track, publish);
    void this.#paint(source, width, height);
  }

  /** Publishes a sine tone until the client leaves. */
  async publishTone(frequencyHz = 440): Promise<void> {
    const source = new AudioSource(48_000, 1);
    const track = LocalAudioTrack.createAudioTrack('microphone', source);
    const publish = new TrackPublishOptions();
    publish.source = TrackSource.SOURCE_MICROPHONE;
    await this.#local().publishTrack(track, publish);
    void this.#hum(source, frequencyHz);
  }

  /** Waits until `frames` frames of a participant's picture have been decoded. */
  async sees(identity: string, frames = 10, timeoutMs = 10_000): Promise<SeenVideo> {
    const stream = new VideoStream(await this.#track(identity, TrackKind.KIND_VIDEO, timeoutMs));
    const seen = { frames: 0, width: 0, height: 0 };
    const reader = stream.getReader();
    const reading = (async () => {
      while (seen.frames < frames) {
        const { value, done } = await reader.read();
        if (done) return;
        seen.frames++;
        seen.width = value.frame.width;
        seen.height = value.frame.height;
      }
    })();
    await Promise.race([reading, sleep(timeoutMs)]);
    void reader.cancel().catch(() => undefined);
    if (seen.frames < frames) {
      throw new Error(
        `decoded ${seen.frames} of ${frames} frames of ${identity} in ${timeoutMs} ms`,
      );
    }
    return seen;
  }

  /** Waits until a participant's sound is louder than noise. @returns its mean square, 0 to 1 */
  async hears(identity: string, timeoutMs = 10_000): Promise<number> {
    const stream = new AudioStream(await this.#track(identity, TrackKind.KIND_AUDIO, timeoutMs));
    const reader = stream.getReader();
    let loudest = 0;
    const listening = (async () => {
      while (loudest < 0.005) {
        const { value, done } = await reader.read();
        if (done) return;
        loudest = Math.max(loudest, meanSquare(value.data));
      }
    })();
    await Promise.race([listening, sleep(timeoutMs)]);
    void reader.cancel().catch(() => undefined);
    if (loudest < 0.005) throw new Error(`${identity} was silent for ${timeoutMs} ms: ${loudest}`);
    return loudest;
  }

  async leave(): Promise<void> {
    this.#abort.abort();
    await this.room.disconnect();
  }

  #local() {
    const local = this.room.localParticipant;
    if (!local) throw new Error('this client has not joined');
    return local;
  }

  async #track(identity: string, kind: TrackKind, timeoutMs: number): Promise<RemoteTrack> {
    const track = await until(
      `a track of ${identity}`,
      () => {
        const publications = this.room.remoteParticipants.get(identity)?.trackPublications;
        return [...(publications?.values() ?? [])].find((p) => p.kind === kind && p.track)?.track;
      },
      { timeoutMs },
    );
    return track as RemoteTrack;
  }

  async #paint(source: VideoSource, width: number, height: number): Promise<void> {
    for (let frame = 0; !this.#abort.signal.aborted; frame++) {
      source.captureFrame(i420(width, height, frame));
      await sleep(1000 / 15);
    }
    await source.close();
  }

  async #hum(source: AudioSource, frequencyHz: number): Promise<void> {
    const perFrame = 480;
    for (let frame = 0; !this.#abort.signal.aborted; frame++) {
      const samples = new Int16Array(perFrame);
      for (let i = 0; i < perFrame; i++) {
        const at = (frame * perFrame + i) / 48_000;
        samples[i] = Math.sin(2 * Math.PI * frequencyHz * at) * 12_000;
      }
      // Waits while the queue is full, so this runs in real time.
      await source.captureFrame(new AudioFrame(samples, 48_000, 1, perFrame));
    }
    await source.close();
  }
}

function i420(width: number, height: number, frame: number): VideoFrame {
  const luma = width * height;
  const data = new Uint8Array(luma * 1.5).fill(128);
  data.fill(60, 0, luma);
  const bar = Math.floor(height / 8);
  const top = (frame * 8) % (height - bar);
  data.fill(200, top * width, (top + bar) * width);
  // One row of noise keeps the encoder busy.
  for (let x = 0; x < width * 4; x++) data[x] = (x * 7 + frame * 13) % 256;
  return new VideoFrame(data, width, height, VideoBufferType.I420);
}

function meanSquare(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += (sample / 32_768) ** 2;
  return sum / Math.max(1, samples.length);
}
