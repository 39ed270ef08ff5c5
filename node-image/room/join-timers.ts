import type { Participant } from './participant';

/** How long those who have joined may take until their media is up. */
export class JoinTimers {
  readonly #timers = new Map<string, NodeJS.Timeout>();

  start(participant: Participant, timeoutMs: number, onTimeout: () => void): void {
    this.#timers.set(participant.sid, setTimeout(onTimeout, timeoutMs));
  }

  stop(participant: Participant): void {
    clearTimeout(this.#timers.get(participant.sid));
    this.#timers.delete(participant.sid);
  }
}
