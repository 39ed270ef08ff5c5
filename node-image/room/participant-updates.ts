import { type ParticipantInfo, ParticipantInfo_State, ParticipantUpdate } from '@livekit/protocol';
import type { Participant } from './participant';
import { OutgoingSignal } from './signal-sink';

/** How long changes of participants who publish nothing may wait for others, in ms. */
const BATCH_MS = 3000;
/** As many of them within this time go out at once: small Rooms never wait. */
const AT_ONCE = 10;

export interface ParticipantUpdatesOptions {
  readonly recipients: () => Iterable<Participant>;
  /** How large one update may become, in bytes. `room.update_batch_target_size`. */
  readonly batchBytes: number;
  readonly now: () => number;
}

/**
 * Tells participants of each other.
 *
 * Those who publish are news at once. Listeners come and go by the hundred, so theirs are gathered
 * once there are more than a few in a while. Each update is encoded once, however many receive it.
 * Source: ParticipantUpdate.
 */
export class ParticipantUpdates {
  readonly #options: ParticipantUpdatesOptions;
  readonly #waiting = new Map<string, ParticipantInfo>();
  #windowStart = Number.NEGATIVE_INFINITY;
  #sentInWindow = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ParticipantUpdatesOptions) {
    this.#options = options;
  }

  /** @param immediate - whether others must hear of it now. */
  push(participant: Participant, immediate: boolean): void {
    if (this.#closed) {
      return;
    }
    const info = participant.info();
    if (participant.hidden) {
      // Hidden from others, but the client itself must learn what it may do now.
      this.#deliver([info], (one) => one === participant);
      return;
    }
    if (immediate || info.isPublisher) {
      this.#waiting.delete(info.sid);
      this.#deliver([info], () => true);
      return;
    }
    const now = this.#options.now();
    if (now - this.#windowStart >= BATCH_MS) {
      this.#windowStart = now;
      this.#sentInWindow = 0;
    }
    if (this.#timer === undefined && this.#sentInWindow < AT_ONCE) {
      this.#sentInWindow += 1;
      this.#deliver([info], () => true);
      return;
    }
    this.#waiting.set(info.sid, info);
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  /** Tells everybody at once of those who are not here, or no longer. */
  tell(infos: readonly ParticipantInfo[]): void {
    if (!this.#closed && infos.length > 0) {
      this.#deliver(infos, () => true);
    }
  }

  /** Takes back what waits to be told of a participant that is gone. */
  forget(sid: string): void {
    this.#waiting.delete(sid);
  }

  /** All there are, for one that has just resumed. */
  sendAll(to: Participant, infos: readonly ParticipantInfo[]): void {
    for (const signal of this.#chunks(infos)) {
      to.sendEncoded(signal);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #flush(): void {
    this.#timer = undefined;
    const infos = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#deliver(infos, () => true);
  }

  #deliver(infos: readonly ParticipantInfo[], to: (participant: Participant) => boolean): void {
    const signals = this.#chunks(infos);
    const gone = new Set(
      infos
        .filter((info) => info.state === ParticipantInfo_State.DISCONNECTED)
        .map((info) => info.sid),
    );
    for (const participant of this.#options.recipients()) {
      if (participant.reachable && !gone.has(participant.sid) && to(participant)) {
        for (const signal of signals) {
          participant.sendEncoded(signal);
        }
      }
    }
  }

  #chunks(infos: readonly ParticipantInfo[]): OutgoingSignal[] {
    const chunks: ParticipantInfo[][] = [];
    let size = 0;
    for (const info of infos) {
      const bytes = info.toBinary().byteLength;
      const last = chunks.at(-1);
      if (last === undefined || size + bytes > this.#options.batchBytes) {
        chunks.push([info]);
        size = bytes;
      } else {
        last.push(info);
        size += bytes;
      }
    }
    return chunks.map(
      (participants) =>
        new OutgoingSignal({ case: 'update', value: new ParticipantUpdate({ participants }) }),
    );
  }
}
