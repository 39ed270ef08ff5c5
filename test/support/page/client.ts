import * as livekit from 'livekit-client';
import { describeValue } from './describe';
import { movingPicture, type PictureOptions, tone } from './sources';
import { type Inbound, type Outbound, readInbound, readOutbound } from './stats';

/** What a client is made with. Everything must survive being passed from Node to the page. */
export interface ClientOptions {
  readonly room?: livekit.RoomOptions;
  readonly connect?: livekit.RoomConnectOptions;
  /** Show every subscribed track in an element. @default true */
  readonly attach?: boolean;
  /** Encrypt and decrypt media with this passphrase. */
  readonly passphrase?: string;
}

/** An event of the Room: its name and its arguments, reduced to what can be compared. */
export interface SeenEvent {
  readonly name: string;
  readonly args: readonly unknown[];
  /** Milliseconds on the page's own clock. */
  readonly at: number;
}

/** Same strings as livekit-client's Track.Source. */
export type Source = 'camera' | 'microphone' | 'screen_share' | 'screen_share_audio';

/** One participant in a page: livekit-client's Room, with eyes on everything it does. */
export class PageClient {
  readonly lk = livekit;
  readonly room: livekit.Room;
  readonly events: SeenEvent[] = [];
  /** Size in CSS pixels of the elements that tracks are shown in. */
  elementSize = { width: 320, height: 180 };
  readonly #options: ClientOptions;
  readonly #elements = new Map<livekit.RemoteTrack, HTMLMediaElement>();
  readonly #keys: livekit.ExternalE2EEKeyProvider | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    const roomOptions: livekit.RoomOptions = { ...options.room };
    if (options.passphrase !== undefined) {
      this.#keys = new livekit.ExternalE2EEKeyProvider();
      roomOptions.encryption = { keyProvider: this.#keys, worker: new Worker('/e2ee-worker.js') };
    }
    this.room = new livekit.Room(roomOptions);
    for (const name of Object.values(livekit.RoomEvent)) {
      // The events differ in their arguments; here only their names and values are kept.
      const room = this.room as unknown as { on(n: string, f: (...a: unknown[]) => void): void };
      room.on(name, (...args) => {
        this.events.push({ name, args: args.map(describeValue), at: performance.now() });
      });
    }
    if (options.attach !== false) {
      this.room.on(livekit.RoomEvent.TrackSubscribed, (track) => this.show(track));
      this.room.on(livekit.RoomEvent.TrackUnsubscribed, (track) => this.hide(track));
    }
  }

  async connect(url: string, token: string): Promise<void> {
    if (this.#keys && this.#options.passphrase !== undefined) {
      await this.#keys.setKey(this.#options.passphrase);
      await this.room.setE2EEEnabled(true);
    }
    await this.room.connect(url, token, this.#options.connect);
  }

  async publishPicture(
    options: livekit.TrackPublishOptions & { readonly picture?: PictureOptions } = {},
  ): Promise<string> {
    const { picture, ...publish } = options;
    const svc = publish.videoCodec === 'vp9' || publish.videoCodec === 'av1';
    const publication = await this.room.localParticipant.publishTrack(movingPicture(picture), {
      source: livekit.Track.Source.Camera,
      // All three layers and a tone fit into the 250 kbit/s that Chromium may start with. Where they
      // do not, its estimate of the way up decides whether there is a top layer, which can take long.
      videoEncoding: { maxBitrate: svc ? 900_000 : 100_000, maxFramerate: 15 },
      videoSimulcastLayers: [
        new livekit.VideoPreset(320, 180, 30_000, 15),
        new livekit.VideoPreset(640, 360, 60_000, 15),
      ],
      degradationPreference: 'maintain-resolution',
      ...publish,
    });
    return publication.trackSid;
  }

  /** A picture that is not published, to replace one that is. */
  picture(options: PictureOptions): MediaStreamTrack {
    return movingPicture(options);
  }

  async publishTone(
    options: livekit.TrackPublishOptions & { readonly channels?: number } = {},
  ): Promise<string> {
    const { channels, ...publish } = options;
    const publication = await this.room.localParticipant.publishTrack(tone(440, channels), {
      source: livekit.Track.Source.Microphone,
      ...publish,
    });
    return publication.trackSid;
  }

  async unpublish(source: Source): Promise<void> {
    const track = this.localTrack(source);
    if (!track) throw new Error(`nothing is published as ${source}`);
    await this.room.localParticipant.unpublishTrack(track, true);
  }

  localTrack(source: Source): livekit.LocalTrack | undefined {
    return this.room.localParticipant.getTrackPublication(source as livekit.Track.Source)?.track;
  }

  remote(identity: string, source: Source): livekit.RemoteTrackPublication | undefined {
    return this.room.remoteParticipants
      .get(identity)
      ?.getTrackPublication(source as livekit.Track.Source);
  }

  async inbound(identity: string, source: Source): Promise<Inbound | undefined> {
    const receiver = this.remote(identity, source)?.track?.receiver;
    return receiver ? readInbound(receiver) : undefined;
  }

  async outbound(source: Source): Promise<Outbound[]> {
    const sender = this.localTrack(source)?.sender;
    return sender ? readOutbound(sender) : [];
  }

  show(track: livekit.RemoteTrack): void {
    this.hide(track);
    const element = track.attach();
    element.style.cssText = `width:${this.elementSize.width}px;height:${this.elementSize.height}px`;
    if (track.kind === livekit.Track.Kind.Video) element.muted = true;
    document.body.append(element);
    this.#elements.set(track, element);
  }

  hide(track: livekit.RemoteTrack): void {
    this.#elements.get(track)?.remove();
    this.#elements.delete(track);
    track.detach();
  }

  /** Changes the size of what is shown and of what will be. */
  resize(width: number, height: number): void {
    this.elementSize = { width, height };
    for (const element of this.#elements.values()) {
      element.style.width = `${width}px`;
      element.style.height = `${height}px`;
    }
  }

  /** Takes everything shown out of sight, or back, as an app does that hides a panel. */
  setVisible(visible: boolean): void {
    for (const element of this.#elements.values()) element.style.display = visible ? '' : 'none';
  }

  /** The ground colour [red, green, blue] of the picture that is shown, from its upper third. */
  colour(identity: string, source: Source): readonly number[] | undefined {
    const track = this.remote(identity, source)?.track;
    const video = track && this.#elements.get(track);
    if (!(video instanceof HTMLVideoElement) || video.videoWidth === 0) return undefined;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d');
    context?.drawImage(video, video.videoWidth / 2, video.videoHeight / 8, 1, 1, 0, 0, 1, 1);
    const pixel = context?.getImageData(0, 0, 1, 1).data;
    return pixel ? [...pixel.slice(0, 3)] : undefined;
  }

  seen(name: string): SeenEvent[] {
    return this.events.filter((event) => event.name === name);
  }

  async leave(): Promise<void> {
    for (const track of [...this.#elements.keys()]) this.hide(track);
    for (const publication of this.room.localParticipant.trackPublications.values()) {
      publication.track?.stop();
    }
    await this.room.disconnect();
  }
}
