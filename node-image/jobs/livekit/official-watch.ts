import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../../cluster/registry';
import type { EgressRecords } from './egress-records';
import type { IngressRecords } from './ingress-records';
import type { OfficialEgresses } from './official-egress';
import type { OfficialIngresses } from './official-ingress';
import { Sightings } from './sightings';

const EVERY_MS = 5000;

export interface OfficialWatchOptions {
  /** @default - Egresses are not of services */
  readonly egress?:
    | {
        readonly services: Pick<OfficialEgresses, 'running'>;
        readonly records: Pick<EgressRecords, 'running' | 'renew'>;
      }
    | undefined;
  /** @default - Ingresses are not of services */
  readonly ingress?:
    | {
        readonly services: Pick<OfficialIngresses, 'running'>;
        readonly records: Pick<IngressRecords, 'running' | 'lost'>;
      }
    | undefined;
  /** Whether this node looks: at most one does. */
  readonly leads: () => boolean;
  readonly log: Pick<Logger, 'error'>;
  /** @default 5 s */
  readonly intervalMs?: number;
}

/**
 * Asks LiveKit's services again and again what they run. What none of them has said to run for a
 * minute is not active for ever: the lease of an Egress runs out, and a run of an Ingress ends.
 */
export class OfficialWatch {
  readonly #options: OfficialWatchOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #egresses = new Sightings();
  readonly #ingresses = new Sightings();
  #looking: Promise<void> | undefined;
  #seenRunning: ReadonlySet<string> = new Set();

  constructor(options: OfficialWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), options.intervalMs ?? EVERY_MS);
  }

  /** Egresses that are taken for running, for who would end them where their lease has run out. */
  get running(): ReadonlySet<string> {
    return this.#seenRunning;
  }

  /** Calls at the same time share one. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        // That Redis is away is in the log already.
        if (error instanceof RegistryUnavailableError) return;
        this.#options.log.error(
          { err: error },
          'LiveKit services could not be asked what they run',
        );
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    if (!this.#options.leads()) {
      this.#egresses.forget();
      this.#ingresses.forget();
      this.#seenRunning = new Set();
      return;
    }
    await Promise.all([this.#lookAtEgresses(), this.#lookAtIngresses()]);
  }

  async #lookAtEgresses(): Promise<void> {
    const { egress } = this.#options;
    if (egress === undefined) return;
    const jobs = await egress.records.running();
    // Until it is known better, also while the question is under way.
    this.#seenRunning = new Set(jobs.map(({ id }) => id).filter((id) => this.#egresses.runs(id)));
    if (jobs.length === 0) return;
    const ids = jobs.map(({ id }) => id);
    this.#egresses.asked(ids, await egress.services.running());
    this.#seenRunning = new Set(ids.filter((id) => this.#egresses.runs(id)));
    await egress.records.renew(jobs.filter(({ id }) => this.#egresses.runs(id)));
  }

  async #lookAtIngresses(): Promise<void> {
    const { ingress } = this.#options;
    if (ingress === undefined) return;
    const infos = await ingress.records.running();
    if (infos.length === 0) return;
    const ids = infos.map(({ state }) => state?.resourceId ?? '');
    this.#ingresses.asked(ids, await ingress.services.running());
    for (const info of infos) {
      if (!this.#ingresses.runs(info.state?.resourceId ?? '')) await ingress.records.lost(info);
    }
  }
}
