import type { RtpPacket } from '../../../media/taps/rtp-packet';

/** A packet in its place, or the place of some that are lost for good. */
export type InOrder = { readonly packet: RtpPacket } | { readonly lost: number };

export interface ReorderBufferOptions {
  /** How long a packet that is missing is waited for, in ms. */
  readonly waitMs: number;
  /** As many may wait behind one that is missing. @default 4096 */
  readonly capacity?: number;
}

const CAPACITY = 4096;
/** A sequence number that is so far off begins anew. */
const FAR = 8192;

/**
 * Puts the packets of one stream in order. One that is missing is on its way once more, as the SFU
 * asked the publisher for it: what follows waits for it, and goes on without it after `waitMs`.
 */
export class ReorderBuffer {
  readonly #options: ReorderBufferOptions;
  readonly #waiting = new Map<number, { readonly packet: RtpPacket; readonly sinceMs: number }>();
  #ssrc: number | undefined;
  /** The next one to give out, not cut to 16 bits. */
  #next = 0;

  constructor(options: ReorderBufferOptions) {
    this.#options = options;
  }

  /** Takes a packet, and gives what is in order by now. */
  push(packet: RtpPacket, nowMs: number): InOrder[] {
    if (this.#ssrc !== packet.ssrc) {
      this.#restart(packet);
    }
    const distance = ((packet.sequence - this.#next) << 16) >> 16;
    if (Math.abs(distance) > FAR) {
      this.#restart(packet);
      this.#next = packet.sequence + 1;
      return [{ lost: 1 }, { packet }];
    }
    if (distance < 0) {
      // A second time, or too late.
      return [];
    }
    this.#waiting.set(this.#next + distance, { packet, sinceMs: nowMs });
    return this.take(nowMs);
  }

  /** Gives what is in order, or has waited for long enough. */
  take(nowMs: number): InOrder[] {
    const ready: InOrder[] = [];
    while (this.#waiting.size > 0) {
      const next = this.#waiting.get(this.#next);
      if (next !== undefined) {
        this.#waiting.delete(this.#next);
        this.#next += 1;
        ready.push({ packet: next.packet });
        continue;
      }
      if (!this.#isOverdue(nowMs)) {
        break;
      }
      const first = Math.min(...this.#waiting.keys());
      ready.push({ lost: first - this.#next });
      this.#next = first;
    }
    return ready;
  }

  /** Those that are missing now, each below 65536: at most 64. */
  missing(): number[] {
    const missing: number[] = [];
    if (this.#waiting.size > 0) {
      const last = Math.max(...this.#waiting.keys());
      for (let one = this.#next; one < last && missing.length < 64; one += 1) {
        if (!this.#waiting.has(one)) {
          missing.push(one & 0xffff);
        }
      }
    }
    return missing;
  }

  #isOverdue(nowMs: number): boolean {
    if (this.#waiting.size > (this.#options.capacity ?? CAPACITY)) {
      return true;
    }
    // What came first of all that wait has come after the gap was there to see.
    const [first] = this.#waiting.values();
    return first !== undefined && nowMs - first.sinceMs >= this.#options.waitMs;
  }

  #restart(packet: RtpPacket): void {
    this.#ssrc = packet.ssrc;
    this.#waiting.clear();
    this.#next = packet.sequence;
  }
}
