import type { ParticipantInfo } from '@livekit/protocol';

/** As long as a client may take to resume: clients give up after about 45 s. */
const KEEP_MS = 60_000;

/** Who has left lately, for those whose signal connection was away meanwhile. */
export class Departures {
  readonly #left = new Map<string, { readonly info: ParticipantInfo; readonly atMs: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(info: ParticipantInfo): void {
    this.#prune();
    this.#left.set(info.sid, { info, atMs: this.#now() });
  }

  recent(): ParticipantInfo[] {
    this.#prune();
    return [...this.#left.values()].map(({ info }) => info);
  }

  #prune(): void {
    const oldest = this.#now() - KEEP_MS;
    for (const [sid, { atMs }] of this.#left) {
      if (atMs >= oldest) {
        return;
      }
      this.#left.delete(sid);
    }
  }
}
