import { type AvailabilityResponse, JobStatus } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { JobStore } from '../job-store';
import { type AgentInfo, protoJob, waitingInfo } from './agent-job';
import { AGENT_TOKEN_S, type AgentLimits, agentIdentity, tooLong } from './agent-token';
import type { AgentWorker, Offer } from './agent-worker';
import type { AgentWorkers, Asked } from './agent-workers';
import type { HeldJob, HeldJobs } from './held-jobs';
import type { PatientEnds } from './job-ends';

/** Signs a token: with which key, what it says, for how many seconds, and for whom. */
export type MintToken = (
  apiKey: string,
  claims: Record<string, unknown>,
  seconds: number,
  identity: string,
) => Promise<string>;

export interface JobOffersOptions {
  readonly store: JobStore;
  readonly workers: AgentWorkers;
  readonly held: HeldJobs;
  readonly ends: Pick<PatientEnds, 'end'>;
  readonly mint: MintToken;
  readonly limits: AgentLimits;
  readonly log: Logger;
  /** Told of each offer. @default nothing */
  readonly onOffer?: ((agentName: string, answer: Offer['answer']) => void) | undefined;
}

/** A worker that keeps room for a job that is being fetched. */
export interface Reserved {
  readonly worker: AgentWorker;
  /** It needs that no more. Idempotent. */
  readonly free: () => void;
}

/** Offers a job to one worker after the other until one takes it. */
export class JobOffers {
  readonly #options: JobOffersOptions;

  constructor(options: JobOffersOptions) {
    this.#options = options;
  }

  /**
   * @param held - claimed, without a worker yet
   * @param first - has kept room for it
   * @param except - who has refused it before
   * @returns undefined: it is settled, as it was taken, or ended, or is another node's. Else it has been
   *   given back, and these were asked.
   * @throws RegistryUnavailableError
   */
  async place(
    held: HeldJob,
    first: Reserved,
    except: Asked,
  ): Promise<readonly AgentWorker[] | undefined> {
    const { workers } = this.#options;
    const asked = new Set<AgentWorker>();
    const known: Asked = { has: (worker) => asked.has(worker) || except.has(worker) };
    let reserved: Reserved | undefined = first;
    while (this.#isOurs(held)) {
      const worker: AgentWorker | undefined =
        reserved?.worker.isOpen === true ? reserved.worker : workers.choose(held.agent.spec, known);
      if (worker === undefined) {
        await this.#giveBack(held);
        return [...asked];
      }
      asked.add(worker);
      const offer = worker.offer(protoJob(held.agent), held.agent.info.assignments > 0);
      // From now on it counts as an offer.
      reserved?.free();
      reserved = undefined;
      if (await this.#isSettled(held, worker, await offer)) return undefined;
    }
    return undefined;
  }

  async #isSettled(held: HeldJob, worker: AgentWorker, offer: Offer): Promise<boolean> {
    const { log, limits, ends, onOffer } = this.#options;
    const { job, spec } = held.agent;
    onOffer?.(spec.agentName, offer.answer);
    const facts = { job: job.id, room: job.room, worker: worker.options.id };
    if (offer.answer === 'over') {
      log.info(facts, 'a worker refused a job for all');
      this.#options.held.forget(job.id);
      void ends.end(job.id, JobStatus.JS_SUCCESS);
      return true;
    }
    if (offer.answer !== 'taken') {
      log.info({ ...facts, answer: offer.answer }, 'a worker does not take a job');
      return false;
    }
    const wrong = tooLong(offer.response, limits);
    if (wrong === undefined) {
      await this.#assign(held, worker, offer.response);
      return true;
    }
    worker.hasRefused();
    log.warn(facts, `a worker took a job, but ${wrong}; the next one is asked`);
    return false;
  }

  async #assign(held: HeldJob, worker: AgentWorker, response: AvailabilityResponse): Promise<void> {
    const { mint, log } = this.#options;
    const { permissions, apiKey, id: workerId } = worker.options;
    const { info } = held.agent;
    const assignments = info.assignments + 1;
    const { identity, claims } = agentIdentity(held.agent, response, permissions, assignments);
    const nowMs = Date.now();
    const running: AgentInfo = {
      ...info,
      status: JobStatus.JS_RUNNING,
      assignments,
      workerId,
      participantIdentity: identity,
      startedAtMs: info.startedAtMs || nowMs,
      updatedAtMs: nowMs,
    };
    // Before the worker hears of it: what is running is known, whatever happens next.
    if (!this.#isOurs(held) || !(await this.#options.held.update(held, running))) return;
    const token = await mint(apiKey, claims, AGENT_TOKEN_S, identity);
    if (!this.#isOurs(held)) return;
    held.worker = worker;
    worker.assign(protoJob(held.agent), token);
    const { job, spec } = held.agent;
    log.info(
      { job: job.id, room: job.room, worker: workerId, agentName: spec.agentName, identity },
      'a worker has a job',
    );
    if (worker.closed) this.#options.held.workerGone(worker);
  }

  async #giveBack(held: HeldJob): Promise<void> {
    const { store } = this.#options;
    const { job, info } = held.agent;
    this.#options.held.forget(job.id);
    await store.release({ id: job.id, epoch: job.epoch }, waitingInfo(info, Date.now()));
  }

  #isOurs(held: HeldJob): boolean {
    return this.#options.held.get(held.agent.job.id) === held;
  }
}
