import { DEFAULT_SETTINGS, type TrackSettings } from './quality-layers';

/** Of how many tracks a client's wishes are kept, and how long a sid may be, in characters. */
const MAX_REMEMBERED = 20_000;
const MAX_SID_LENGTH = 64;

export interface TrackWishesOptions {
  readonly autoSubscribe: boolean;
  readonly adaptiveStream: boolean;
}

/** What a client wants of tracks, also of such as are not there yet, or no more. */
export class TrackWishes {
  readonly #options: TrackWishesOptions;
  readonly #explicit = new Map<string, boolean>();
  readonly #settings = new Map<string, TrackSettings>();

  constructor(options: TrackWishesOptions) {
    this.#options = options;
  }

  /** The client's own choice, which outlives the track's absence. Source: UpdateSubscription. */
  choose(trackSid: string, subscribe: boolean): void {
    remember(this.#explicit, trackSid, subscribe);
  }

  /** Whether it wants to be sent this track. */
  wants(trackSid: string): boolean {
    return this.#explicit.get(trackSid) ?? this.#options.autoSubscribe;
  }

  /** How it wants the track. */
  set(trackSid: string, settings: TrackSettings): void {
    remember(this.#settings, trackSid, settings);
  }

  /** An adaptive client starts low, as it will say what it shows as soon as it shows it. */
  settings(trackSid: string): TrackSettings {
    const quality = this.#options.adaptiveStream ? 0 : DEFAULT_SETTINGS.quality;
    return this.#settings.get(trackSid) ?? { ...DEFAULT_SETTINGS, quality };
  }

  /** The track is gone. */
  forget(trackSid: string): void {
    this.#settings.delete(trackSid);
    this.#explicit.delete(trackSid);
  }
}

/** What a client says of tracks that may never come is kept, but not without end. */
function remember<T>(map: Map<string, T>, trackSid: string, value: T): void {
  if (trackSid.length > MAX_SID_LENGTH) {
    return;
  }
  map.set(trackSid, value);
  if (map.size > MAX_REMEMBERED) {
    const [oldest = ''] = map.keys();
    map.delete(oldest);
  }
}
