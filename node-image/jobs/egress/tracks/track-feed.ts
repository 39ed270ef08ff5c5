import type { RtpPacket, SenderReport } from '../../../media/taps/rtp-packet';
import type { RtpTap } from '../../../media/taps/rtp-tap';
import { PictureAssembler } from './picture-assembler';
import { type InOrder, ReorderBuffer } from './reorder-buffer';
import { RtpClock } from './rtp-clock';
import type { Depacketizer } from './video-frame';

/** What a feed gives: a picture, or a packet of sound. */
export interface FeedItem {
  readonly data: Buffer;
  readonly isKey: boolean;
  /** When it was captured, in ms since 1970 by the clock of the SFU. */
  readonly timeMs: number;
}

export interface TrackFeedOptions {
  readonly tap: RtpTap;
  /** Of a picture; sound comes as it is. */
  readonly depacketizer?: Depacketizer | undefined;
  readonly onItem: (item: FeedItem) => void;
  /** The publisher has ended it. */
  readonly onEnded: () => void;
  /** How long a missing packet is waited for, in ms. @default 1500 */
  readonly lossWaitMs?: number | undefined;
  /** @default Date.now */
  readonly now?: (() => number) | undefined;
}

/** As long as a publisher on a bad path needs to send a packet again, and again. */
const LOSS_WAIT_MS = 1500;
/** So long the first sender report is waited for, in ms. */
const REPORT_WAIT_MS = 2500;
const TICK_MS = 50;
/** A publisher is asked for a key frame so often at most, in ms. */
const KEY_FRAME_MS = 1000;
/** A picture that stands still is asked for again after this time, in ms. */
const STILL_MS = 2000;

/** One track as it comes out of the Room: in order, whole, and with the time of its capture. */
export class TrackFeed {
  readonly #options: TrackFeedOptions;
  readonly #now: () => number;
  readonly #reorder: ReorderBuffer;
  readonly #clock: RtpClock;
  readonly #depacketizer: Depacketizer | undefined;
  readonly #timer: NodeJS.Timeout;
  /** Until the clock is right. */
  #held: { data: Buffer; isKey: boolean; ticks: number }[] | undefined = [];
  #heldSinceMs: number | undefined;
  #assembler: PictureAssembler | undefined;
  #ssrc: number | undefined;
  #earlyReport: SenderReport | undefined;
  #askedMs: number;
  #lastItemMs: number;
  #lossCount = 0;
  #closed = false;

  constructor(options: TrackFeedOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#reorder = new ReorderBuffer({ waitMs: options.lossWaitMs ?? LOSS_WAIT_MS });
    this.#clock = new RtpClock(options.tap.clockRate);
    this.#depacketizer = options.depacketizer;
    this.restart();
    // mediasoup asks for the first one.
    this.#askedMs = this.#now();
    this.#lastItemMs = this.#askedMs;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Packets that never came, so far. */
  get lost(): number {
    return this.#lossCount;
  }

  /** To be called once. */
  async start(): Promise<void> {
    await this.#options.tap.start({
      packet: (packet) => this.#receive(packet),
      report: (report) => this.#report(report),
      ended: () => {
        this.close();
        this.#options.onEnded();
      },
    });
  }

  /** What was shown meanwhile is something else: the next picture is a key frame. */
  restart(): void {
    if (this.#depacketizer !== undefined) {
      this.#assembler = new PictureAssembler(this.#depacketizer);
    }
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) {
      // What waits for a packet that will never come now.
      this.#take(this.#reorder.take(Number.POSITIVE_INFINITY));
      this.#closed = true;
      clearInterval(this.#timer);
      this.#options.tap.close();
    }
  }

  #receive(packet: RtpPacket): void {
    this.#ssrc = packet.ssrc;
    this.#take(this.#reorder.push(packet, this.#now()));
  }

  #report(report: SenderReport): void {
    if (this.#heldSinceMs === undefined) {
      // The clock counts from the first packet on.
      this.#earlyReport = report;
      return;
    }
    this.#clock.report(report);
    this.#release();
  }

  #take(items: readonly InOrder[]): void {
    const nowMs = this.#now();
    for (const item of items) {
      if ('lost' in item) {
        this.#lossCount += item.lost;
      } else if (item.packet.payload.length > 0 && this.#depacketizer === undefined) {
        this.#item(item.packet.payload, true, this.#clock.ticks(item.packet.timestamp, nowMs));
      } else {
        this.#clock.ticks(item.packet.timestamp, nowMs);
      }
    }
    for (const frame of this.#assembler?.push(items) ?? []) {
      this.#item(frame.data, frame.isKey, this.#clock.ticks(frame.timestamp, nowMs));
    }
    if (this.#assembler?.needsKeyFrame) {
      this.#askForKeyFrame(KEY_FRAME_MS);
    }
  }

  #item(data: Buffer, isKey: boolean, ticks: number): void {
    this.#lastItemMs = this.#now();
    if (this.#held === undefined) {
      this.#options.onItem({ data, isKey, timeMs: this.#clock.timeMs(ticks) });
      return;
    }
    this.#held.push({ data, isKey, ticks });
    if (this.#heldSinceMs === undefined) {
      this.#heldSinceMs = this.#lastItemMs;
      if (this.#earlyReport !== undefined) {
        this.#clock.report(this.#earlyReport);
      }
    }
    this.#release();
  }

  /** Gives out what waited for a report, and no longer waits for one that does not come. */
  #release(): void {
    const held = this.#held;
    const since = this.#heldSinceMs;
    if (held === undefined || since === undefined) {
      return;
    }
    if (this.#clock.isSynced || this.#now() - since >= REPORT_WAIT_MS) {
      this.#held = undefined;
      for (const { data, isKey, ticks } of held) {
        this.#options.onItem({ data, isKey, timeMs: this.#clock.timeMs(ticks) });
      }
    }
  }

  #tick(): void {
    this.#take(this.#reorder.take(this.#now()));
    this.#release();
    if (this.#ssrc !== undefined) {
      // Of what the SFU has, and the kernel has dropped on the way here.
      this.#options.tap.nack(this.#ssrc, this.#reorder.missing());
    }
    if (this.#assembler !== undefined && this.#now() - this.#lastItemMs >= STILL_MS) {
      // So that whoever looks at a recording as it is made gets on: a still screen sends nothing.
      this.#askForKeyFrame(STILL_MS);
    }
  }

  #askForKeyFrame(atMostEveryMs: number): void {
    const nowMs = this.#now();
    if (nowMs - this.#askedMs >= atMostEveryMs) {
      this.#askedMs = nowMs;
      this.#options.tap.requestKeyFrame();
    }
  }
}
