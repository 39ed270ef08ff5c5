import type { SenderReport } from '../../../media/taps/rtp-packet';

/** What one report may move the clock, in ms: reports scatter, and no jump is to be heard. */
const MOST_DRIFT_MS = 5;
/** Above this error, in ms, sound and picture are seen to be out of step: it is moved by more. */
const SEEN_MS = 30;
const MOST_SEEN_DRIFT_MS = 25;
/** A report that is so far off, in ms, tells of another timeline. */
const JUMP_MS = 1000;
/** Reports that move it at once: the first may be from before the publisher's own. */
const FIRST_REPORTS = 4;

/**
 * Turns RTP timestamps of one stream into ms since 1970, by the clock of the SFU.
 *
 * The SFU makes its sender reports from those of the publishers, so that the times of two tracks
 * can be compared whoever publishes them. Before the first report the arrival is taken.
 */
export class RtpClock {
  readonly #ticksPerMs: number;
  #last: { readonly timestamp: number; readonly ticks: number } | undefined;
  #offsetMs: number | undefined;
  #reports = 0;

  /** @param clockRate - Hz */
  constructor(clockRate: number) {
    this.#ticksPerMs = clockRate / 1000;
  }

  /** Whether a report has come. */
  get isSynced(): boolean {
    return this.#reports > 0;
  }

  report({ ntpMs, rtpTimestamp }: SenderReport): void {
    const offset = ntpMs - this.#ticks(rtpTimestamp) / this.#ticksPerMs;
    const error = offset - (this.#offsetMs ?? offset);
    const isAtOnce = this.#reports < FIRST_REPORTS || Math.abs(error) > JUMP_MS;
    const most = Math.abs(error) > SEEN_MS ? MOST_SEEN_DRIFT_MS : MOST_DRIFT_MS;
    const step = isAtOnce ? error : Math.max(-most, Math.min(most, error));
    this.#offsetMs = (this.#offsetMs ?? offset) + step;
    this.#reports += 1;
  }

  /** Not cut to 32 bits. Timestamps have to come about in order. */
  ticks(timestamp: number, nowMs: number): number {
    const ticks = this.#ticks(timestamp);
    this.#last = { timestamp, ticks };
    this.#offsetMs ??= nowMs - ticks / this.#ticksPerMs;
    return ticks;
  }

  /** @param ticks - by `ticks` */
  timeMs(ticks: number): number {
    return (this.#offsetMs ?? 0) + ticks / this.#ticksPerMs;
  }

  #ticks(timestamp: number): number {
    return this.#last === undefined
      ? timestamp
      : this.#last.ticks + ((timestamp - this.#last.timestamp) | 0);
  }
}
