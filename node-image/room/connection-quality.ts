import {
  ConnectionQuality,
  ConnectionQualityInfo,
  ConnectionQualityUpdate,
} from '@livekit/protocol';
import type { Participant } from './participant';

/** The scale of mediasoup's scores and of the score told to clients (a MOS). */
const BEST_MEDIA_SCORE = 10;
const BEST_SCORE = 5;

interface Rating {
  readonly quality: ConnectionQuality;
  readonly score: number;
}

export interface ConnectionQualityOptions {
  readonly participants: () => Iterable<Participant>;
  /** Told of each rating that has changed. */
  readonly onRated: (quality: ConnectionQuality, score: number) => void;
}

/** How well each participant's media gets through. Source: ConnectionQualityUpdate. */
export class ConnectionQualityReporter {
  readonly #options: ConnectionQualityOptions;
  readonly #told = new Map<string, Rating>();

  constructor(options: ConnectionQualityOptions) {
    this.#options = options;
  }

  /** Rates everybody, and tells those concerned if anything has changed. */
  report(): void {
    const reachable = [...this.#options.participants()].filter((one) => one.reachable);
    const changed = new Set<string>();
    for (const participant of reachable) {
      const rating = rate(participant);
      const before = this.#told.get(participant.sid);
      if (before?.quality !== rating.quality || Math.abs(before.score - rating.score) >= 0.5) {
        this.#told.set(participant.sid, rating);
        changed.add(participant.sid);
        this.#options.onRated(rating.quality, rating.score);
      }
    }
    for (const participant of reachable) {
      const updates = reachable
        .filter(
          (one) =>
            changed.has(one.sid) &&
            (one === participant || participant.parts.subscribing.receivesFrom(one.sid)),
        )
        .map((one) => this.#info(one));
      send(participant, updates);
    }
  }

  /** Lets a new subscriber know how its publisher is doing. */
  introduce(subscriber: Participant, publisher: Participant): void {
    if (this.#told.has(publisher.sid)) {
      send(subscriber, [this.#info(publisher)]);
    }
  }

  forget(participant: Participant): void {
    this.#told.delete(participant.sid);
  }

  rating(participant: Participant): Rating | undefined {
    return this.#told.get(participant.sid);
  }

  #info(participant: Participant): ConnectionQualityInfo {
    const rating = this.#told.get(participant.sid);
    return new ConnectionQualityInfo({
      participantSid: participant.sid,
      quality: rating?.quality ?? ConnectionQuality.EXCELLENT,
      score: rating?.score ?? BEST_SCORE,
    });
  }
}

function send(to: Participant, updates: ConnectionQualityInfo[]): void {
  if (updates.length > 0) {
    to.send({ case: 'connectionQuality', value: new ConnectionQualityUpdate({ updates }) });
  }
}

/** The worst of what the participant sends and receives. Without media it is excellent. */
function rate(participant: Participant): Rating {
  const { connections, subscribing } = participant.parts;
  if (connections.lost) {
    return { quality: ConnectionQuality.LOST, score: 0 };
  }
  const scores: number[] = [];
  for (const track of participant.publishing.tracks.values()) {
    for (const producer of track.producers.values()) {
      if (!producer.paused && producer.score.length > 0) {
        // A layer that dynacast has switched off scores 0, and is no fault.
        scores.push(Math.max(...producer.score.map((one) => one.score)));
      }
    }
  }
  for (const { consumer, settings } of subscribing.subscriptions.values()) {
    if (
      consumer !== undefined &&
      !consumer.paused &&
      !consumer.producerPaused &&
      !settings.disabled
    ) {
      scores.push(consumer.score.score);
    }
  }
  const worst = scores.length === 0 ? BEST_MEDIA_SCORE : Math.min(...scores);
  const score = (worst / BEST_MEDIA_SCORE) * BEST_SCORE;
  if (worst >= 8) {
    return { quality: ConnectionQuality.EXCELLENT, score };
  }
  return { quality: worst >= 4 ? ConnectionQuality.GOOD : ConnectionQuality.POOR, score };
}
