import type { TrackInfo } from '@livekit/protocol';
import type { ExpectedTrack } from '../media/publisher-connection';
import type { MediaSection } from '../media/sdp/offer-reader';
import type { PublishedTrack } from './published-track';

/** As many tracks as a client may have announced without sending them. */
export const MAX_ANNOUNCED = 20;

/** One codec of a track that a client has announced and not sent yet. */
export interface AnnouncedCodec {
  readonly info: TrackInfo;
  readonly expected: ExpectedTrack;
  /** Set where the codec is added to a track that is published already. */
  readonly track: PublishedTrack | undefined;
}

/** What a client has announced by AddTrackRequest and not sent yet, by its own ids. */
export class AnnouncedTracks {
  readonly #codecs = new Map<string, AnnouncedCodec>();

  hasRoomFor(count: number): boolean {
    return this.#codecs.size + count <= MAX_ANNOUNCED;
  }

  get(cid: string): AnnouncedCodec | undefined {
    return this.#codecs.get(cid);
  }

  set(cid: string, codec: AnnouncedCodec): void {
    this.#codecs.set(cid, codec);
  }

  bySid(trackSid: string): TrackInfo | undefined {
    return [...this.#codecs.values()].find(({ info }) => info.sid === trackSid)?.info;
  }

  /** Takes out what has arrived. */
  take(
    expected: ExpectedTrack,
  ): { readonly cid: string; readonly codec: AnnouncedCodec } | undefined {
    for (const [cid, codec] of this.#codecs) {
      if (codec.expected === expected) {
        this.#codecs.delete(cid);
        return { cid, codec };
      }
    }
    return undefined;
  }

  forget(isGone: (codec: AnnouncedCodec) => boolean): void {
    for (const [cid, codec] of this.#codecs) {
      if (isGone(codec)) {
        this.#codecs.delete(cid);
      }
    }
  }

  /**
   * Finds the announced track of a section: by its id, else the first of its kind.
   *
   * Firefox, and tracks replaced before they were negotiated, show another id than was announced.
   *
   * @param exactOnly - the section belongs to a known track already.
   * @param matched - what other sections of the same offer have found; the finding is added.
   */
  match(
    section: MediaSection,
    exactOnly: boolean,
    matched: Set<string>,
  ): ExpectedTrack | undefined {
    const free = [...this.#codecs].filter(([cid]) => !matched.has(cid));
    const { trackId, kind } = section;
    const exact = free.find(
      ([cid, { expected }]) =>
        trackId !== undefined && (cid === trackId || expected.cid === trackId),
    );
    const sameKind = exactOnly
      ? undefined
      : free.find(([, one]) => one.expected.kind === kind && one.track === undefined);
    const found = exact ?? sameKind;
    if (found !== undefined) {
      matched.add(found[0]);
    }
    return found?.[1].expected;
  }

  clear(): void {
    this.#codecs.clear();
  }
}
