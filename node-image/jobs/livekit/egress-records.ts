import { type EgressInfo, EgressStatus } from '@livekit/protocol';
import type { Logger } from 'pino';
import { hasEnded } from '../egress/egress-info';
import type { EgressObserver } from '../egress/egress-rules';
import type { Job } from '../job';
import type { JobStore } from '../job-store';
import { EGRESS_SERVICE } from './official-owner';
import { PsrpcError } from './psrpc/psrpc-error';

/** So long what a service runs is not taken for lost, without a word of it, ms. */
export const RECORD_LEASE_MS = 20_000;
/** Of what is said of one Egress, in characters. */
const MOST_TEXT = 1 << 20;
const ID = /^EG_\w{1,64}$/;

export interface EgressRecordsOptions {
  readonly store: JobStore;
  /** Sends webhooks. */
  readonly observer: EgressObserver;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/**
 * What livekit/egress services say of their Egresses, kept as all jobs are: listed, swept, and ended
 * where nobody runs them any more.
 */
export class EgressRecords {
  readonly #options: EgressRecordsOptions;

  constructor(options: EgressRecordsOptions) {
    this.#options = options;
  }

  /** Saying so twice changes nothing. @throws PsrpcError, RegistryUnavailableError */
  async created(info: EgressInfo): Promise<void> {
    const { store, observer } = this.#options;
    const { egressId: id, roomName: room } = info;
    const text = textOf(info);
    const job = { id, kind: 'egress', room, spec: '', info: text } as const;
    const made =
      (await store.create(job, EGRESS_SERVICE, RECORD_LEASE_MS)) ?? (await this.#taken(id, text));
    if (made === undefined) return;
    observer.egressStarted(info);
    if (hasEnded(info)) await this.#end(made, info, text);
  }

  /**
   * One that is not known is one that this server, or its Redis, has forgotten.
   *
   * @throws PsrpcError, RegistryUnavailableError
   */
  async updated(info: EgressInfo): Promise<void> {
    const { store, observer, log } = this.#options;
    const text = textOf(info);
    const job = await store.get(info.egressId);
    if (job === undefined) return this.created(info);
    if (job.kind !== 'egress' || job.owner !== EGRESS_SERVICE) {
      throw new PsrpcError('failed_precondition', `${info.egressId} is not of a LiveKit service`);
    }
    if (job.state === 'ended') {
      log.info({ egress: job.id, status: info.status }, 'more is said of an Egress that has ended');
      return;
    }
    if (hasEnded(info)) return this.#end(job, info, text);
    if (!(await store.update(job, text))) return;
    await store.renew(EGRESS_SERVICE, [job], RECORD_LEASE_MS);
    if (info.status !== EgressStatus.EGRESS_STARTING) observer.egressUpdated(info);
  }

  /** Those that are said to run. @throws RegistryUnavailableError */
  async running(): Promise<Job[]> {
    const jobs = await this.#options.store.list({ kind: 'egress', running: true });
    return jobs.filter(({ owner, state }) => owner === EGRESS_SERVICE && state === 'active');
  }

  /** They do. @throws RegistryUnavailableError */
  async renew(jobs: readonly Job[]): Promise<void> {
    if (jobs.length > 0) {
      await this.#options.store.renew(EGRESS_SERVICE, jobs, RECORD_LEASE_MS);
    }
  }

  /** One that waited in the store, as its Room has it recorded by itself. */
  async #taken(id: string, text: string): Promise<Job | undefined> {
    const { store } = this.#options;
    const waiting = await store.get(id);
    if (waiting?.kind !== 'egress' || waiting.state !== 'waiting') return undefined;
    const taken = await store.claim(id, waiting.epoch, EGRESS_SERVICE, RECORD_LEASE_MS);
    return taken !== undefined && (await store.update(taken, text)) ? taken : undefined;
  }

  async #end(job: Job, info: EgressInfo, text: string): Promise<void> {
    const { store, observer } = this.#options;
    if (await store.end(job, text)) observer.egressEnded(info);
  }
}

/** @throws PsrpcError for what no service says. */
function textOf(info: EgressInfo): string {
  if (!ID.test(info.egressId)) {
    throw new PsrpcError('invalid_argument', 'egress_id is none');
  }
  const text = info.toJsonString();
  if (text.length > MOST_TEXT) {
    throw new PsrpcError('invalid_argument', `more than ${MOST_TEXT} characters are said of it`);
  }
  return text;
}
