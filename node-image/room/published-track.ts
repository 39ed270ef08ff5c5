import { type TrackInfo, TrackType } from '@livekit/protocol';
import type { Producer } from 'mediasoup/types';

/** A track that a participant has published, with one producer for each codec it sends. */
export class PublishedTrack {
  readonly #info: TrackInfo;
  readonly #producers = new Map<string, Producer>();

  constructor(
    info: TrackInfo,
    /** The id that the client gave it. */
    readonly cid: string,
  ) {
    this.#info = info;
  }

  get sid(): string {
    return this.#info.sid;
  }

  get isVideo(): boolean {
    return this.#info.type === TrackType.VIDEO;
  }

  get info(): TrackInfo {
    return this.#info;
  }

  get muted(): boolean {
    return this.#info.muted;
  }

  get producers(): ReadonlyMap<string, Producer> {
    return this.#producers;
  }

  /** A copy for others, which later changes do not touch. */
  snapshot(): TrackInfo {
    return this.#info.clone();
  }

  /** The track's cids in session descriptions and requests, main codec and others. */
  ownsCid(cid: string): boolean {
    return (
      this.cid === cid ||
      this.#info.codecs.some((codec) => codec.cid === cid || codec.sdpCid === cid)
    );
  }

  async addProducer(mimeType: string, producer: Producer): Promise<void> {
    this.#producers.get(mimeType)?.close();
    this.#producers.set(mimeType, producer);
    if (this.muted) {
      await producer.pause();
    }
  }

  /** @returns whether the producer was one of this track. */
  removeProducer(producer: Producer): boolean {
    for (const [mimeType, one] of this.#producers) {
      if (one === producer) {
        return this.#producers.delete(mimeType);
      }
    }
    return false;
  }

  /** Stops or lets pass what the publisher sends, whatever it goes on sending. */
  async setMuted(muted: boolean): Promise<void> {
    this.#info.muted = muted;
    for (const producer of this.#producers.values()) {
      if (!producer.closed) {
        await (muted ? producer.pause() : producer.resume());
      }
    }
  }

  /** The codecs it is sent in, the publisher's first choice first. */
  get mimeTypes(): string[] {
    const order = this.#info.codecs.map((codec) => codec.mimeType.toLowerCase());
    const sent = [...this.#producers].filter(([, producer]) => !producer.closed);
    return sent
      .map(([mimeType]) => mimeType)
      .sort((a, b) => order.indexOf(a.toLowerCase()) - order.indexOf(b.toLowerCase()));
  }

  close(): void {
    for (const producer of this.#producers.values()) {
      producer.close();
    }
    this.#producers.clear();
  }
}
