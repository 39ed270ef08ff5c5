import type { Logger } from 'pino';
import { newAccountKey, orderCertificate } from './acme-order';
import { AcmeProblem, AcmeUnreachableError } from './acme-problem';
import { nextAttemptMs, recentFailures } from './attempt-pace';
import type { CertificateState } from './certificate-state';
import type { CertificateStatus } from './certificate-status';
import type { CertificateStore } from './certificate-store';
import { type EntryCertificate, readEntryCertificate } from './entry-certificate';
import type { EntryTls } from './entry-tls';
import { failureText } from './order-failure';
import { probeAnswer } from './proofs';
import { whyNotReached } from './reachability';
import { type CertificateSettings, issuerName } from './settings';

/** Until there is a certificate, ms. */
const WAITING_LOOK_MS = 5000;
const LOOK_MS = 60_000;
/** After an authority that was not reached, which has counted nothing, ms. */
const UNREACHED_PAUSE_MS = 30_000;
/** Where the authority says to wait and not how long, ms. */
const LIMITED_PAUSE_MS = 3_600_000;
/** No limit of Let's Encrypt lasts longer, ms. */
const LONGEST_PAUSE_MS = 7 * 24 * 3_600_000;

export interface CertificateKeeperOptions {
  readonly settings: CertificateSettings;
  readonly store: CertificateStore;
  readonly tls: EntryTls;
  /** Told after each look. */
  readonly tell: (status: CertificateStatus) => Promise<void>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** @default - by the name, on port 80 */
  readonly reach?: typeof whyNotReached;
  /** @default - by ACME */
  readonly order?: typeof orderCertificate;
  /** Between two looks, ms. @default - 5000 until there is a certificate, then 60000 */
  readonly lookMs?: number | undefined;
  /** ms since 1970. @default Date.now */
  readonly now?: () => number;
}

/**
 * Sees to it that the entry of this machine has a certificate: orders one, and another one when two
 * thirds of its life are over; of several machines that share it one does, and the others take it.
 */
export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  readonly #now: () => number;
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isAskedAgain = false;
  #isClosed = false;
  /** When one was first found to be due, ms since 1970. */
  #dueSinceMs: number | undefined;
  #retryAtMs = 0;
  /** Why there is none, if it is not for an order that failed. */
  #hindrance: string | undefined;
  #said: string | undefined;

  constructor(options: CertificateKeeperOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#stopListening = options.store.onChange(() => void this.look());
  }

  /** Looks now, and then again and again. Calls at the same time share one look. Never rejects. */
  look(): Promise<void> {
    this.#isAskedAgain = this.#running !== undefined;
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined;
      if (this.#isClosed) return;
      clearTimeout(this.#timer);
      const { lookMs = this.#said === undefined ? LOOK_MS : WAITING_LOOK_MS } = this.#options;
      this.#timer = setTimeout(() => void this.look(), this.#isAskedAgain ? 0 : lookMs);
    });
    return this.#running;
  }

  /** Idempotent. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    const { store, log } = this.#options;
    try {
      let state = await store.read();
      // First what is there already, as an order takes its time.
      await this.#serve(state);
      if (this.#isDue(this.#usable(state))) {
        const next = await this.#renew(state);
        if (next !== state) await this.#serve(next);
        state = next;
      }
    } catch (error) {
      log.error({ err: error }, 'the certificate of the entry is not looked after; once more');
    }
  }

  async #serve(state: CertificateState): Promise<void> {
    const { tls, tell, log, settings } = this.#options;
    const usable = this.#usable(state);
    const problem = await tls.serve(usable === undefined ? undefined : state.certificate);
    const reason = problem ?? (usable === undefined ? this.#reasonFor(state) : undefined);
    if (reason === undefined && usable !== undefined) {
      await tell({ state: 'given', untilMs: usable.untilMs });
    } else {
      await tell({ state: 'none', reason: reason ?? '' });
    }
    if (reason !== undefined && reason !== this.#said) {
      log.warn(`There is no certificate for ${settings.domain} yet. ${reason}`);
    }
    if (reason === undefined && this.#said !== undefined) {
      log.info({ domain: settings.domain }, 'the entry has its certificate');
    }
    this.#said = reason;
  }

  #reasonFor({ problem }: CertificateState): string {
    const { directory_url } = this.#options.settings;
    return this.#hindrance ?? problem ?? `It is ordered from ${issuerName(directory_url)} now.`;
  }

  /** What clients can be given; also one that is no longer valid, as any other is no better. */
  #usable({ certificate }: CertificateState): EntryCertificate | undefined {
    const read = certificate === undefined ? undefined : readEntryCertificate(certificate);
    return read?.covers(this.#options.settings.domain) === true ? read : undefined;
  }

  #isDue(usable: EntryCertificate | undefined): boolean {
    const isDue = usable === undefined || this.#now() >= usable.renewAtMs;
    this.#dueSinceMs = isDue ? (this.#dueSinceMs ?? this.#now()) : undefined;
    return isDue;
  }

  /** @returns the same state where it is not the time, or others do it. */
  async #renew(state: CertificateState): Promise<CertificateState> {
    this.#hindrance = undefined;
    if (this.#now() < this.#retryAtMs) return state;
    const next = await this.#options.store.lead(() => this.#tryOrder(state));
    if (next !== undefined) return next;
    this.#hindrance =
      state.problem ?? 'Another machine of this entry orders it, or Redis does not answer.';
    return state;
  }

  async #tryOrder(state: CertificateState): Promise<CertificateState> {
    const { reach = whyNotReached, settings } = this.#options;
    const known = state.accountKey === undefined ? await this.#openAccount() : state;
    const accountKey = known.accountKey ?? '';
    const why = await reach({ domain: settings.domain, expected: probeAnswer(accountKey) });
    const nowMs = this.#now();
    const atMs = nextAttemptMs({
      ...known,
      nowMs,
      sinceMs: this.#dueSinceMs ?? nowMs,
      isReached: why === undefined,
    });
    if (nowMs >= atMs && !this.#isClosed) return this.#order(accountKey, why);
    // What the authority has said tells more than what this machine sees of itself.
    this.#hindrance = known.problem ?? why;
    return known;
  }

  async #openAccount(): Promise<CertificateState> {
    const fresh = await newAccountKey();
    return this.#options.store.change((known) => ({ accountKey: fresh, ...known }));
  }

  async #order(accountKey: string, why: string | undefined): Promise<CertificateState> {
    const { store, order = orderCertificate, settings, log } = this.#options;
    const { domain, directory_url } = settings;
    log.info({ domain, directory: directory_url }, 'ordering a certificate');
    try {
      const certificate = await order({
        settings,
        accountKey,
        prove: async (token, proof) => {
          await store.change((known) => ({
            ...known,
            challenges: { ...known.challenges, [token]: proof },
          }));
        },
      });
      const untilMs = readEntryCertificate(certificate)?.untilMs;
      log.info({ domain, until: new Date(untilMs ?? 0).toISOString() }, 'got a certificate');
      this.#retryAtMs = 0;
      return await store.change(({ problem: _, notBeforeMs: __, ...known }) => ({
        ...known,
        certificate,
        challenges: {},
        failures: [],
      }));
    } catch (error) {
      const seen = why === undefined ? '' : ` Seen from this machine: ${why}`;
      const problem = `${failureText(error, settings)}${seen}`;
      log.warn({ domain, err: error }, problem);
      return this.#failed(error, problem);
    }
  }

  #failed(error: unknown, problem: string): Promise<CertificateState> {
    const nowMs = this.#now();
    const isUnreached = error instanceof AcmeUnreachableError;
    const isLimited = error instanceof AcmeProblem && error.kind === 'rateLimited';
    const asked = error instanceof AcmeProblem ? error.notBeforeMs : undefined;
    const wantedMs = asked ?? (isLimited ? nowMs + LIMITED_PAUSE_MS : undefined);
    const notBeforeMs =
      wantedMs === undefined ? undefined : Math.min(wantedMs, nowMs + LONGEST_PAUSE_MS);
    if (isUnreached) this.#retryAtMs = nowMs + UNREACHED_PAUSE_MS;
    return this.#options.store.change((known) => ({
      ...known,
      challenges: {},
      problem,
      ...(notBeforeMs !== undefined && { notBeforeMs }),
      failures: isUnreached ? known.failures : [...recentFailures(known.failures, nowMs), nowMs],
    }));
  }
}
