import { type TrackSource, TrackType } from '@livekit/protocol';
import type { Consumer, Producer } from 'mediasoup/types';
import type { Logger } from 'pino';
import type { LocalRooms } from '../room/local-rooms';
import type { Direction } from './metric-reports';
import type { Metrics } from './metrics';

/** How often the streams are asked for their numbers, in ms. */
const INTERVAL_MS = 5000;

/** The running totals of one stream, as mediasoup counts them. */
interface Totals {
  readonly packets: number;
  readonly bytes: number;
  readonly lost: number;
  readonly nacks: number;
  readonly plis: number;
  readonly firs: number;
}

const NOTHING: Totals = { packets: 0, bytes: 0, lost: 0, nacks: 0, plis: 0, firs: 0 };

interface StreamStats {
  readonly ssrc: number;
  readonly packetCount: number;
  readonly byteCount: number;
  readonly packetsLost: number;
  readonly nackCount: number;
  readonly pliCount: number;
  readonly firCount: number;
  readonly jitter: number;
  readonly roundTripTime?: number;
  readonly mimeType: string;
}

/** Reads packets, bytes, loss and delay of all streams every few seconds, for the metrics. */
export class MediaSampler {
  readonly #rooms: LocalRooms;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #last = new Map<string, Totals>();
  #busy = false;
  #lastMs = performance.now();

  constructor(options: {
    readonly rooms: LocalRooms;
    readonly metrics: Metrics;
    readonly log: Logger;
  }) {
    this.#rooms = options.rooms;
    this.#metrics = options.metrics;
    this.#log = options.log;
    this.#timer = setInterval(() => void this.sample(), INTERVAL_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Takes one sample, unless one is under way. Never rejects. */
  async sample(): Promise<void> {
    if (this.#busy) {
      return;
    }
    this.#busy = true;
    const { totals } = this.#metrics;
    const bytesBefore = totals.bytesIn + totals.bytesOut;
    const seen = new Map<string, Totals>();
    try {
      for (const { stream, direction, source } of this.#streams()) {
        await this.#read(stream, direction, source, seen);
      }
      this.#last = seen;
      const now = performance.now();
      const bytes = totals.bytesIn + totals.bytesOut - bytesBefore;
      totals.bytesPerSecond = bytes / ((now - this.#lastMs) / 1000);
      this.#lastMs = now;
    } catch (error) {
      this.#log.warn({ err: error }, 'cannot read the numbers of media streams');
    } finally {
      this.#busy = false;
    }
  }

  *#streams(): Iterable<{
    stream: Producer | Consumer;
    direction: Direction;
    source: TrackSource;
  }> {
    for (const participant of this.#rooms.all().flatMap((room) => room.reachable())) {
      for (const track of participant.publishing.tracks.values()) {
        for (const stream of track.producers.values()) {
          yield { stream, direction: 'incoming', source: track.info.source };
        }
      }
      for (const { consumer, track } of participant.parts.subscribing.subscriptions.values()) {
        if (consumer !== undefined) {
          yield { stream: consumer, direction: 'outgoing', source: track.info.source };
        }
      }
    }
  }

  async #read(
    stream: Producer | Consumer,
    direction: Direction,
    source: TrackSource,
    seen: Map<string, Totals>,
  ): Promise<void> {
    // A stream may close at any moment, and its numbers are gone with it.
    const stats = stream.closed ? [] : await stream.getStats().catch(() => []);
    const wanted = direction === 'incoming' ? 'inbound-rtp' : 'outbound-rtp';
    for (const one of stats.filter(({ type }) => type === wanted)) {
      this.#report(`${stream.id}/${one.ssrc}`, one, direction, source, seen);
    }
  }

  #report(
    key: string,
    stats: StreamStats,
    direction: Direction,
    source: TrackSource,
    seen: Map<string, Totals>,
  ): void {
    const now: Totals = {
      packets: stats.packetCount,
      bytes: stats.byteCount,
      lost: stats.packetsLost,
      nacks: stats.nackCount,
      plis: stats.pliCount,
      firs: stats.firCount,
    };
    seen.set(key, now);
    const before = this.#last.get(key) ?? NOTHING;
    const packets = now.packets - before.packets;
    this.#metrics.packets({ direction, packets, bytes: now.bytes - before.bytes });
    this.#metrics.feedback(direction === 'incoming' ? 'outgoing' : 'incoming', {
      nack: now.nacks - before.nacks,
      pli: now.plis - before.plis,
      fir: now.firs - before.firs,
    });
    const lost = Math.max(0, now.lost - before.lost);
    const clockRate = stats.mimeType.startsWith('audio') ? 48_000 : 90_000;
    this.#metrics.stream({
      direction,
      source,
      type: stats.mimeType.startsWith('audio') ? TrackType.AUDIO : TrackType.VIDEO,
      lost,
      total: packets + lost,
      jitterMicroseconds: (stats.jitter / clockRate) * 1_000_000,
      roundTripMilliseconds: stats.roundTripTime ?? 0,
    });
  }
}
