import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificateState } from './certificate-state';
import type { CertificateStore } from './certificate-store';
import { PROBE_TOKEN } from './challenge-server';

/** Strangers may ask for anything: the store is asked no more often, and all wait for it, ms. */
const PAUSE_MS = 500;

/** What machines of one entry answer to the probe: the same on all, as they share an account. */
export const probeAnswer = (accountKey: string): string =>
  `sluice ${createHash('sha256').update(`sluice probe ${accountKey}`).digest('hex').slice(0, 32)}`;

/** What is answered on port 80, whichever of the machines has ordered. */
export class Proofs {
  readonly #store: Pick<CertificateStore, 'read'>;
  readonly #now: () => number;
  #state: CertificateState | undefined;
  #turn: Promise<CertificateState> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /** @param now - monotonic, ms */
  constructor(store: Pick<CertificateStore, 'read'>, now = () => performance.now()) {
    this.#store = store;
    this.#now = now;
  }

  /** @returns undefined where nothing is to be found by this token. */
  async answer(token: string): Promise<string | undefined> {
    const known = this.#find(token);
    // An order may have begun since, on another machine too.
    if (known !== undefined && token !== PROBE_TOKEN) return known;
    await this.#refresh();
    return this.#find(token);
  }

  #find(token: string): string | undefined {
    if (token === PROBE_TOKEN) {
      const { accountKey } = this.#state ?? {};
      return accountKey === undefined ? undefined : probeAnswer(accountKey);
    }
    const { challenges = {} } = this.#state ?? {};
    return Object.hasOwn(challenges, token) ? challenges[token] : undefined;
  }

  async #refresh(): Promise<void> {
    this.#turn ??= sleep(Math.max(0, this.#askedAtMs + PAUSE_MS - this.#now())).then(() => {
      this.#askedAtMs = this.#now();
      // Whoever comes from here on may ask for something newer.
      this.#turn = undefined;
      return this.#store.read();
    });
    this.#state = await this.#turn;
  }
}
