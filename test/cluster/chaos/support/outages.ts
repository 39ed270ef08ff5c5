import type { Outage } from './observations';

/** Notes when something was away for everybody. */
export class Outages {
  readonly #done: Outage[] = [];
  /** When nodes were taken away from under their clients. */
  readonly hits: number[] = [];
  readonly #open = new Map<string, { readonly what: Outage['what']; readonly fromMs: number }>();

  /** @param name - of the thing that is away, so that several can be so at once. */
  begin(what: Outage['what'], name = ''): void {
    const key = `${what} ${name}`;
    if (!this.#open.has(key)) this.#open.set(key, { what, fromMs: Date.now() });
  }

  end(what: Outage['what'], name = ''): void {
    const key = `${what} ${name}`;
    const open = this.#open.get(key);
    this.#open.delete(key);
    if (open !== undefined) this.#done.push({ ...open, toMs: Date.now() });
  }

  hit(): void {
    this.hits.push(Date.now());
  }

  set(what: Outage['what'], isAway: boolean): void {
    if (isAway) this.begin(what);
    else this.end(what);
  }

  /** Those that go on end now. */
  all(): Outage[] {
    const toMs = Date.now();
    return [...this.#done, ...[...this.#open.values()].map((one) => ({ ...one, toMs }))];
  }
}
