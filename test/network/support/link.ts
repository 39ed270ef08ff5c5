/** What one direction of a line does to datagrams. */
export interface Impairment {
  /** Share of the datagrams that vanish, 0 to 1. @default 0 */
  readonly loss?: number;
  /** How long each datagram is under way, in ms. The order is kept. @default 0 */
  readonly delayMs?: number;
  /** What the line carries, in bit/s. @default - no limit */
  readonly rateBps?: number;
  /** How much may wait for a line with a rate, in ms of its rate; more is dropped. @default 300 */
  readonly queueMs?: number;
}

/** Both directions of a client's line. */
export interface Line {
  /** From the client. */
  readonly up?: Impairment;
  /** To the client. */
  readonly down?: Impairment;
}

/** What one direction has carried so far. */
export interface Carried {
  packets: number;
  bytes: number;
  /** At random. */
  lost: number;
  /** Because the queue was full. */
  overflowed: number;
}

/**
 * One direction of a line, without sockets or clock: says for each datagram when it arrives.
 *
 * All that a client sends or gets goes through the same one, so that its connections share the rate.
 */
export class Link {
  readonly carried: Carried = { packets: 0, bytes: 0, lost: 0, overflowed: 0 };
  readonly #random: () => number;
  #impairment: Impairment = {};
  #freeAtMs = 0;
  #lastDueMs = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  set impairment(impairment: Impairment) {
    this.#impairment = impairment;
    this.#freeAtMs = 0;
  }

  /** @returns when the datagram arrives, in ms of the same clock; undefined when it never does. */
  arrival(bytes: number, nowMs: number): number | undefined {
    const { loss = 0, delayMs = 0, rateBps, queueMs = 300 } = this.#impairment;
    if (loss > 0 && this.#random() < loss) {
      this.carried.lost += 1;
      return undefined;
    }
    let sentMs = nowMs;
    if (rateBps !== undefined) {
      const beginMs = Math.max(nowMs, this.#freeAtMs);
      if (beginMs - nowMs > queueMs) {
        this.carried.overflowed += 1;
        return undefined;
      }
      sentMs = beginMs + (bytes * 8 * 1000) / rateBps;
      this.#freeAtMs = sentMs;
    }
    this.carried.packets += 1;
    this.carried.bytes += bytes;
    this.#lastDueMs = Math.max(this.#lastDueMs, sentMs + delayMs);
    return this.#lastDueMs;
  }
}

/** Mulberry32: the same losses each time that a test runs. */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
