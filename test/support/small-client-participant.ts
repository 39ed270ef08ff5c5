import { setTimeout as sleep } from 'node:timers/promises';
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  ConnectionState,
  DisconnectReason,
  LocalAudioTrack,
  type LocalTrack,
  LocalVideoTrack,
  type RemoteTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoCodec,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';
import type { ClientEvent, ClientStatus, SmallClientOptions } from './small-client-protocol';
import { keepPublished } from './small-client-publishing';

const WIDTH = 160;
const HEIGHT = 90;
const FRAMES_A_SECOND = 5;
const SAMPLE_RATE = 16_000;
const SAMPLES_A_FRAME = SAMPLE_RATE / 10;
/** Mean square of samples between -1 and 1; the tone's is 0.06. */
const AUDIBLE = 0.002;

/** A participant that costs little: many fit into one process. Counts what it gets, frame by frame. */
export class SmallParticipant {
  readonly #identity: string;
  readonly #room = new Room();
  readonly #abort = new AbortController();
  readonly #events: ClientEvent[] = [];
  readonly #frames = new Map<string, number[]>();
  readonly #heardAtMs = new Map<string, number>();
  #roomSid = '';
  #insists = false;

  constructor(identity: string) {
    this.#identity = identity;
    this.#room
      .on(RoomEvent.Reconnecting, () => this.#note('reconnecting'))
      .on(RoomEvent.Reconnected, () => this.#note('reconnected'))
      .on(RoomEvent.Disconnected, (reason) => this.#note('disconnected', DisconnectReason[reason]))
      .on(RoomEvent.ParticipantConnected, (one) => this.#note('participantConnected', one.identity))
      .on(RoomEvent.ParticipantDisconnected, (one) =>
        this.#note('participantDisconnected', one.identity),
      )
      .on(RoomEvent.LocalTrackRepublished, ({ kind }) =>
        this.#note('republished', kind === TrackKind.KIND_VIDEO ? 'video' : 'audio'),
      )
      .on(RoomEvent.TrackSubscribed, (track, _, { identity }) => {
        this.#note('trackSubscribed', identity);
        const isVideo = track.kind === TrackKind.KIND_VIDEO;
        const reading = isVideo ? this.#watch(identity, track) : this.#listen(identity, track);
        // A stream that breaks ends; but the SDK may have let go of the track before it says so.
        reading.catch((error: unknown) => this.#note('trackGone', `${identity}: ${String(error)}`));
      });
  }

  async join(url: string, token: string, options: SmallClientOptions): Promise<void> {
    const { audio = true, video = true, subscribe = true } = options;
    this.#insists = options.insists ?? false;
    await this.#room.connect(url, token, { autoSubscribe: subscribe, dynacast: false });
    this.#roomSid = await this.#room.getSid();
    this.#note('joined');
    await Promise.all([audio && this.#publishTone(), video && this.#publishPicture()]);
  }

  async leave(): Promise<void> {
    this.#abort.abort();
    await this.#room.disconnect();
  }

  status(sinceMs: number): ClientStatus {
    const since = <T>(list: readonly T[], time: (one: T) => number): T[] =>
      list.filter((one) => time(one) >= sinceMs);
    return {
      identity: this.#identity,
      state: ConnectionState[this.#room.connectionState].replace('CONN_', '').toLowerCase(),
      roomSid: this.#roomSid,
      metadata: this.#room.metadata ?? '',
      events: since(this.#events, ({ atMs }) => atMs),
      frames: Object.fromEntries(
        [...this.#frames].map(([identity, times]) => [identity, since(times, (time) => time)]),
      ),
      heardAtMs: Object.fromEntries(this.#heardAtMs),
      others: [...this.#room.remoteParticipants.keys()],
    };
  }

  #note(name: ClientEvent['name'], detail = ''): void {
    this.#events.push({ atMs: nowMs(), name, detail });
  }

  async #publishPicture(): Promise<void> {
    const source = new VideoSource(WIDTH, HEIGHT);
    const options = new TrackPublishOptions();
    options.source = TrackSource.SOURCE_CAMERA;
    options.videoCodec = VideoCodec.VP8;
    options.simulcast = false;
    void this.#paint(source);
    await this.#publish('video', () => LocalVideoTrack.createVideoTrack('camera', source), options);
  }

  async #publishTone(): Promise<void> {
    const source = new AudioSource(SAMPLE_RATE, 1);
    const options = new TrackPublishOptions();
    options.source = TrackSource.SOURCE_MICROPHONE;
    void this.#hum(source);
    const makeTrack = () => LocalAudioTrack.createAudioTrack('microphone', source);
    await this.#publish('audio', makeTrack, options);
  }

  async #publish(
    kind: 'audio' | 'video',
    makeTrack: () => LocalTrack,
    options: TrackPublishOptions,
  ): Promise<void> {
    const room = this.#room;
    await room.localParticipant?.publishTrack(makeTrack(), options);
    if (this.#insists) {
      const { signal } = this.#abort;
      const onAgain = (result: string): void => this.#note('publishedAgain', result);
      // It does not reject.
      void keepPublished({ room, kind, makeTrack, options, signal, onAgain });
    }
  }

  async #paint(source: VideoSource): Promise<void> {
    const luma = WIDTH * HEIGHT;
    for (let frame = 0; !this.#abort.signal.aborted; frame++) {
      const data = new Uint8Array(luma * 1.5).fill(128);
      data.fill(200, (frame % HEIGHT) * WIDTH, ((frame % HEIGHT) + 1) * WIDTH);
      source.captureFrame(new VideoFrame(data, WIDTH, HEIGHT, VideoBufferType.I420));
      await sleep(1000 / FRAMES_A_SECOND);
    }
    await source.close();
  }

  async #hum(source: AudioSource): Promise<void> {
    const samples = Int16Array.from(
      { length: SAMPLES_A_FRAME },
      (_, i) => Math.sin((2 * Math.PI * 440 * i) / SAMPLE_RATE) * 12_000,
    );
    const frame = new AudioFrame(samples, SAMPLE_RATE, 1, SAMPLES_A_FRAME);
    // captureFrame waits while the queue is full, so this runs in real time.
    while (!this.#abort.signal.aborted) await source.captureFrame(frame);
    await source.close();
  }

  async #watch(identity: string, track: RemoteTrack): Promise<void> {
    const times = this.#frames.get(identity) ?? [];
    this.#frames.set(identity, times);
    for await (const _ of new VideoStream(track)) times.push(nowMs());
  }

  async #listen(identity: string, track: RemoteTrack): Promise<void> {
    const options = { sampleRate: 8_000, numChannels: 1, frameSizeMs: 100 };
    for await (const { data } of new AudioStream(track, options)) {
      if (meanSquare(data) > AUDIBLE) this.#heardAtMs.set(identity, nowMs());
    }
  }
}

const nowMs = (): number => Math.round(performance.timeOrigin + performance.now());

function meanSquare(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += (sample / 32_768) ** 2;
  return sum / Math.max(1, samples.length);
}
