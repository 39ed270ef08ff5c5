import type { ParticipantInfo } from '@livekit/protocol';

/** As long as a client may take to resume: clients give up after about 45 s. */
const KEEP_MS = 60_000;
/** A dead connection is noticed by its unanswered pings. */
const MARGIN_MS = 40_000;

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

  /** Who has left since then, and a while before: a broken connection shows late. */
  since(ms: number): ParticipantInfo[] {
    this.#prune();
    return [...this.#left.values()]
      .filter(({ atMs }) => atMs >= ms - MARGIN_MS)
      .map(({ info }) => info);
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
