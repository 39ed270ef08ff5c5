import type { RtpPacket } from '../../../media/taps/rtp-packet';
import type { InOrder } from './reorder-buffer';
import type { Depacketizer, VideoFrame } from './video-frame';

/** More is no picture of a track, in bytes. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/**
 * Makes pictures of packets in order. The first is a key frame, and so is the first after a loss:
 * what stands between is wrong without what is lost.
 */
export class PictureAssembler {
  readonly #depacketizer: Depacketizer;
  #payloads: Buffer[] = [];
  #bytes = 0;
  #timestamp: number | undefined;
  /** The picture is not whole. */
  #isBroken = false;
  #needsKeyFrame = true;

  constructor(depacketizer: Depacketizer) {
    this.#depacketizer = depacketizer;
  }

  /** Nothing is given out before the next key frame. */
  get needsKeyFrame(): boolean {
    return this.#needsKeyFrame;
  }

  push(items: readonly InOrder[]): VideoFrame[] {
    return items.flatMap((item) => {
      if ('lost' in item) {
        this.#isBroken = true;
        this.#needsKeyFrame = true;
        return [];
      }
      return this.#add(item.packet);
    });
  }

  #add({ payload, timestamp, marker }: RtpPacket): VideoFrame[] {
    if (payload.length === 0) {
      return [];
    }
    const done: VideoFrame[] = [];
    if (timestamp !== this.#timestamp) {
      done.push(...this.#finish());
      // Only whoever sees the beginning knows that nothing is missing before it.
      this.#isBroken = !this.#depacketizer.begins(payload);
      this.#timestamp = timestamp;
    }
    this.#bytes += payload.length;
    if (this.#bytes > MAX_FRAME_BYTES) {
      this.#isBroken = true;
      this.#payloads = [];
    }
    if (!this.#isBroken) {
      this.#payloads.push(payload);
    }
    if (marker) {
      done.push(...this.#finish());
    }
    return done;
  }

  #finish(): VideoFrame[] {
    const timestamp = this.#timestamp;
    const payloads = this.#payloads;
    const isWhole = !this.#isBroken && payloads.length > 0;
    this.#payloads = [];
    this.#bytes = 0;
    // What else has this timestamp belongs to a picture that is out already.
    this.#isBroken = true;
    const frame = isWhole ? this.#depacketizer.frame(payloads) : undefined;
    if (frame === undefined || timestamp === undefined) {
      this.#needsKeyFrame ||= payloads.length > 0 && isWhole;
      return [];
    }
    if (this.#needsKeyFrame && !frame.isKey) {
      return [];
    }
    this.#needsKeyFrame = false;
    return [{ ...frame, timestamp }];
  }
}
