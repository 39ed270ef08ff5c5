import { createHash } from 'node:crypto';
import type { CertificateState } from './certificate-state';
import type { CertificateStore } from './certificate-store';
import { PROBE_TOKEN } from './challenge-server';

/** Strangers may ask for anything: the store is asked for them no more often, ms. */
const PAUSE_MS = 1000;

/** What machines of one entry answer to the probe: the same on all, as they share an account. */
export const probeAnswer = (accountKey: string): string =>
  `sluice ${createHash('sha256').update(`sluice probe ${accountKey}`).digest('hex').slice(0, 32)}`;

/** What is answered on port 80, whichever of the machines has ordered. */
export class Proofs {
  readonly #store: Pick<CertificateStore, 'read'>;
  readonly #now: () => number;
  #state: CertificateState | undefined;
  #asked: Promise<void> | undefined;
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
    if (this.#asked === undefined && this.#now() - this.#askedAtMs < PAUSE_MS) return;
    this.#askedAtMs = this.#now();
    this.#asked ??= this.#store
      .read()
      .then((state) => {
        this.#state = state;
      })
      .finally(() => {
        this.#asked = undefined;
      });
    await this.#asked;
  }
}
