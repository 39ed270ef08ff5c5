import { SpeakerInfo, SpeakersChanged } from '@livekit/protocol';
import type { AudioLevel } from '../media/room-media';
import type { Participant } from './participant';

export interface SpeakersOptions {
  readonly participants: () => Iterable<Participant>;
  /** How loud speech is at least, in dBov below 0: 0 (loudest) to 127. `audio.active_level`. */
  readonly activeLevel: number;
  /** Over how many reports levels are smoothed. `audio.smooth_intervals`. */
  readonly smoothIntervals: number;
  /** How often levels are reported while there are any, in ms. */
  readonly intervalMs: number;
}

/** Levels are told in steps of 1/8, so that small changes make no message. */
const STEPS = 8;

/** Who speaks in a Room, and how loud. Source: SpeakersChanged. */
export class Speakers {
  readonly #options: SpeakersOptions;
  readonly #smoothed = new Map<string, number>();
  readonly #told = new Map<string, number>();
  #fading: NodeJS.Timeout | undefined;

  constructor(options: SpeakersOptions) {
    this.#options = options;
  }

  /** Takes the levels of one interval and tells those concerned what has changed. */
  report(levels: readonly AudioLevel[]): void {
    clearTimeout(this.#fading);
    const owners = this.#owners();
    const loudest = new Map<string, number>();
    for (const { producer, dBov } of levels) {
      const sid = owners.get(producer.id);
      if (sid !== undefined) {
        loudest.set(sid, Math.max(10 ** (dBov / 20), loudest.get(sid) ?? 0));
      }
    }
    const changed: SpeakerInfo[] = [];
    for (const { sid } of this.#options.participants()) {
      const level = this.#level(sid, loudest.get(sid) ?? 0);
      if (level !== (this.#told.get(sid) ?? 0)) {
        this.#told.set(sid, level);
        changed.push(new SpeakerInfo({ sid, level, active: level > 0 }));
      }
    }
    this.announce(changed);
    // Silence is reported once only, and a level takes some intervals to fade.
    if ([...this.#told.values()].some((level) => level > 0)) {
      this.#fading = setTimeout(() => this.report([]), this.#options.intervalMs * 1.5);
    }
  }

  close(): void {
    clearTimeout(this.#fading);
  }

  /** Lets a new subscriber know of a publisher who is speaking already, and of one it hears no more. */
  introduce(subscriber: Participant, publisher: Participant, subscribed: boolean): void {
    const level = this.#told.get(publisher.sid) ?? 0;
    const stillHeard = !subscribed && subscriber.isSubscribedTo(publisher.sid);
    if (level > 0 && !stillHeard) {
      const info = new SpeakerInfo({
        sid: publisher.sid,
        level: subscribed ? level : 0,
        active: subscribed,
      });
      subscriber.send({
        case: 'speakersChanged',
        value: new SpeakersChanged({ speakers: [info] }),
      });
    }
  }

  /** Tells one client who speaks now, as `simulateScenario('speaker')` and a resume need. */
  sendAll(to: Participant): void {
    const speakers = [...this.#told]
      .filter(([, level]) => level > 0)
      .map(([sid, level]) => new SpeakerInfo({ sid, level, active: true }));
    if (speakers.length > 0) {
      to.send({ case: 'speakersChanged', value: new SpeakersChanged({ speakers }) });
    }
  }

  forget(participant: Participant): void {
    this.#smoothed.delete(participant.sid);
    this.#told.delete(participant.sid);
  }

  /** Whose each producer is, by the producer's id. */
  #owners(): Map<string, string> {
    const owners = new Map<string, string>();
    for (const { sid, publishing } of this.#options.participants()) {
      for (const track of publishing.tracks.values()) {
        for (const producer of track.producers.values()) {
          owners.set(producer.id, sid);
        }
      }
    }
    return owners;
  }

  #level(sid: string, linear: number): number {
    const { smoothIntervals, activeLevel } = this.#options;
    const factor = smoothIntervals > 0 ? 2 / (smoothIntervals + 1) : 1;
    const before = this.#smoothed.get(sid) ?? 0;
    const smoothed = before + (linear - before) * factor;
    this.#smoothed.set(sid, smoothed);
    return smoothed >= 10 ** (-activeLevel / 20) ? Math.ceil(smoothed * STEPS) / STEPS : 0;
  }

  /** Tells of changes to those concerned: the speakers themselves, and who receives them. */
  announce(changed: readonly SpeakerInfo[]): void {
    if (changed.length === 0) {
      return;
    }
    for (const participant of this.#options.participants()) {
      if (!participant.reachable) {
        continue;
      }
      const { subscribing } = participant.parts;
      const speakers = changed.filter(
        ({ sid }) => sid === participant.sid || subscribing.receivesFrom(sid),
      );
      if (speakers.length > 0) {
        participant.send({ case: 'speakersChanged', value: new SpeakersChanged({ speakers }) });
      }
    }
  }
}
