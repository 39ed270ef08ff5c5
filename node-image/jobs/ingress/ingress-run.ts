import {
  type IngressInfo,
  IngressState,
  IngressState_Status,
  InputAudioState,
  InputVideoState,
  type TrackInfo,
  TrackType,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import { changeIngress, type IngressStore } from './ingress-store';

/** Told of runs, in order, with copies: webhooks implement it. */
export interface IngressObserver {
  /** Its media is in the Room. */
  ingressStarted?(info: IngressInfo): void;
  /** Nobody sends any more, whether it ever was in the Room or not. */
  ingressEnded?(info: IngressInfo): void;
}

export interface IngressRunOptions {
  readonly store: IngressStore;
  /** The Ingress that it is a run of, as it was at its begin. */
  readonly info: IngressInfo;
  /** Tells this run from all others. */
  readonly resourceId: string;
  readonly observer: IngressObserver;
  /** Called once when it has ended, before that is written down. */
  readonly onEnded?: (() => void) | undefined;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** ms since 1970. @default Date.now */
  readonly now?: () => number;
}

/** How a run ended. `error` says what was wrong; without it nothing was. */
export interface IngressEnd {
  readonly error?: string | undefined;
  /** A source that has an end came to it. @default false */
  readonly complete?: boolean | undefined;
  /** What became of it where neither its sender nor its source is to blame: it may come back. */
  readonly lost?: string | undefined;
}

/**
 * One time that somebody sends: what `IngressInfo.state` says of it.
 *
 * The newest run of an Ingress is the one that counts: what an older one says is not written down.
 * Nothing here rejects: what cannot be written is logged, and the media goes on.
 */
export class IngressRun {
  readonly #options: IngressRunOptions;
  readonly #state: IngressState;
  #writing: Promise<boolean> = Promise.resolve(true);
  #ended = false;

  constructor(options: IngressRunOptions) {
    const { resourceId, info, now = Date.now } = options;
    this.#options = options;
    const { state } = info;
    // Of one that is known already, to say its end for it, its begin stays.
    const isKnown = state !== undefined && state.resourceId === resourceId && resourceId !== '';
    this.#state = isKnown
      ? state.clone()
      : new IngressState({ resourceId, startedAt: nanoseconds(now()) });
  }

  get ingressId(): string {
    return this.#options.info.ingressId;
  }

  get resourceId(): string {
    return this.#options.resourceId;
  }

  /** The Ingress with the state of this run. */
  get info(): IngressInfo {
    const info = this.#options.info.clone();
    info.state = this.#state.clone();
    return info;
  }

  /** Somebody is about to send. @returns false where the Ingress is gone. */
  buffering(): Promise<boolean> {
    this.#state.status = IngressState_Status.ENDPOINT_BUFFERING;
    return this.#write('always');
  }

  /** Its media is in the Room, with these tracks. It may be said again when they change. */
  publishing(roomSid: string, tracks: readonly TrackInfo[]): void {
    if (this.#ended) {
      return;
    }
    const isFirst = this.#state.status !== IngressState_Status.ENDPOINT_PUBLISHING;
    this.#state.status = IngressState_Status.ENDPOINT_PUBLISHING;
    this.#state.roomId = roomSid;
    this.#state.tracks = tracks.map((track) => track.clone());
    describe(this.#state, tracks);
    void this.#write('if-newest');
    if (isFirst) {
      this.#options.observer.ingressStarted?.(this.info);
    }
  }

  /** Something about the media is to be known, such as what had to be encoded anew, and why. */
  note(text: string): void {
    this.#state.error = text;
    void this.#write('if-newest');
  }

  /** What is received, as far as it is known. */
  received(of: { video?: Partial<InputVideoState>; audio?: Partial<InputAudioState> }): void {
    if (of.video !== undefined) {
      this.#state.video = new InputVideoState({ ...this.#state.video, ...of.video });
    }
    if (of.audio !== undefined) {
      this.#state.audio = new InputAudioState({ ...this.#state.audio, ...of.audio });
    }
  }

  /** How much comes, in bit/s on average; nothing is said of a kind that does not come. */
  measured({ audio, video }: { readonly audio: number; readonly video: number }): void {
    if (this.#ended) return;
    if (this.#state.audio !== undefined) this.#state.audio.averageBitrate = audio;
    if (this.#state.video !== undefined) this.#state.video.averageBitrate = video;
    void this.#write('if-newest');
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** It goes on elsewhere, or is somebody else's: nothing more is said of it. Idempotent. */
  abandon(): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#options.onEnded?.();
    }
  }

  /** Nobody sends any more. Idempotent. Resolves when it is written down. */
  async ended({ error = '', complete = false, lost = '' }: IngressEnd = {}): Promise<void> {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    const { now = Date.now, observer } = this.#options;
    const { ENDPOINT_COMPLETE, ENDPOINT_ERROR, ENDPOINT_INACTIVE } = IngressState_Status;
    const well = complete ? ENDPOINT_COMPLETE : ENDPOINT_INACTIVE;
    this.#state.status = error === '' ? well : ENDPOINT_ERROR;
    this.#state.error = error || lost;
    this.#state.endedAt = nanoseconds(now());
    this.#state.tracks = [];
    this.#options.onEnded?.();
    const written = this.#write('if-newest');
    observer.ingressEnded?.(this.info);
    await written;
  }

  /** One after the other, so that the last said is what stands. */
  #write(when: 'always' | 'if-newest'): Promise<boolean> {
    const { store, resourceId, log, now = Date.now } = this.#options;
    this.#state.updatedAt = nanoseconds(now());
    const state = this.#state.clone();
    this.#writing = this.#writing.then(async () => {
      try {
        const info = await changeIngress(store, this.ingressId, (stored) => {
          const isNewest = stored.state?.resourceId === resourceId;
          if (when === 'always' || isNewest) stored.state = state;
          return when === 'always' || isNewest;
        });
        return info !== undefined;
      } catch (error) {
        log.warn({ err: error, ingress: this.ingressId }, 'the state of an Ingress is not written');
        return true;
      }
    });
    return this.#writing;
  }
}

/** What is said of it, without what is not known. */
const known = <T extends object>(state: T | undefined): Partial<T> =>
  Object.fromEntries(
    Object.entries(state ?? {}).filter(([, value]) => Boolean(value)),
  ) as Partial<T>;

/** What is published tells what comes, but for what is known better. */
function describe(state: IngressState, tracks: readonly TrackInfo[]): void {
  const video = tracks.find(({ type }) => type === TrackType.VIDEO);
  const audio = tracks.find(({ type }) => type === TrackType.AUDIO);
  if (video !== undefined) {
    const { mimeType, width, height } = video;
    state.video = new InputVideoState({ mimeType, width, height, ...known(state.video) });
  }
  if (audio !== undefined) {
    const { mimeType } = audio;
    state.audio = new InputAudioState({ mimeType, sampleRate: 48_000, ...known(state.audio) });
  }
}

const nanoseconds = (ms: number): bigint => BigInt(Math.floor(ms)) * 1_000_000n;
