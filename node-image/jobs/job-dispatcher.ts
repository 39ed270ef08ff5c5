import type { Logger } from 'pino';
import type { RegisteredNode } from '../cluster/node-record';
import type { LedgerConfig } from '../cluster/placement-load';
import type { Job, JobKind } from './job';
import { type JobOrder, JobTakenError } from './job-host';
import { type JobNodes, NodeSilentError } from './job-nodes';
import type { JobCare } from './job-reaper';
import { type JobCost, JobRefusedError, JobRequestError, type JobRules } from './job-runner';
import type { JobStore, NewJob } from './job-store';
import { type JobCandidate, type PlacedKind, placeJob } from './placement/job-placement';
import { type JobReason, jobReasonInWords } from './placement/job-reasons';

/** So many jobs of a kind may wait for a node: a stranger is not to fill the registry. */
const MOST_WAITING = 1000;
/** Also one that costs nothing is demand. */
const LEAST_CPUS = 0.01;

/** No node takes a job now: 503. */
export class NoNodeError extends Error {
  override readonly name = 'NoNodeError';

  constructor(
    readonly kind: JobKind,
    /** Every node, and why not there. */
    readonly candidates: readonly JobCandidate[],
  ) {
    super(`no node takes this ${kind}: ${candidatesInWords(candidates)}`);
  }
}

export interface JobDispatcherOptions {
  readonly store: JobStore;
  readonly nodes: JobNodes;
  /** Of the kinds that are placed on nodes. */
  readonly rules: readonly JobRules[];
  /** Every node of the cluster, as the registry knows it now. */
  readonly registered: () => Promise<readonly RegisteredNode[]>;
  readonly ledger: Pick<LedgerConfig, 'disk_limit'>;
  /** How long a job that has no place waits for one, ms; 0: it is refused. */
  readonly queueMs: number;
  readonly linkProtocol: number;
  /**
   * Told of each job that nobody took, with the CPU cores that a further node would need for it; 0: no
   * node of the size that there is takes it. @default nothing
   */
  readonly onRefused?: ((job: NewJob, cpus: number) => void) | undefined;
  readonly log: Logger;
  /** From 0 up to 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** What came of an attempt to place a job: it is somebody's, or nobody took it. */
export type Dispatched = { readonly job: Job } | { readonly refused: readonly JobCandidate[] };

/** Finds nodes for Egress and Ingress jobs, and passes on what is asked of jobs to their nodes. */
export class JobDispatcher {
  readonly #options: JobDispatcherOptions;
  readonly #rules: ReadonlyMap<JobKind, JobRules>;

  constructor(options: JobDispatcherOptions) {
    this.#options = options;
    this.#rules = new Map(options.rules.map((rules) => [rules.kind, rules]));
  }

  /**
   * Starts a job on the node that it belongs on, or on the next one where that refuses.
   *
   * @returns the job: `active`; `waiting`, where it is queued; `ended`, where it could not be started.
   * @throws NoNodeError, RegistryUnavailableError
   */
  async start(job: NewJob): Promise<Job> {
    const { store, queueMs, onRefused, log } = this.#options;
    const tried = await this.dispatch(job);
    if ('job' in tried) return tried.job;
    const error = new NoNodeError(placedKind(job.kind), tried.refused);
    const cpus = await this.#cpusThatHelp(job);
    if (queueMs > 0 && cpus > 0 && (await store.unheld(job.kind)).length < MOST_WAITING) {
      const waiting = (await store.create(job)) ?? (await store.get(job.id));
      if (waiting !== undefined) return waiting;
    }
    onRefused?.(job, cpus);
    log.info(
      { job: job.id, kind: job.kind, room: job.room, why: error.message },
      'a job is refused',
    );
    await this.#endUnplaced(job, error);
    throw error;
  }

  /**
   * Finds a node for a job that stands in the store, or for a new one.
   *
   * @param epoch - of the job as it stands in the store. @default - it does not
   * @throws RegistryUnavailableError
   */
  async dispatch(job: NewJob, epoch?: number): Promise<Dispatched> {
    const { nodes, store, log } = this.#options;
    const known = await this.#options.registered();
    const cost = this.#rulesOf(job.kind).cost(job.spec);
    const candidates = this.#place(placedKind(job.kind), cost, known);
    const refused: JobCandidate[] = candidates.filter(({ verdict }) => verdict === 'excluded');
    let order: JobOrder = { job, epoch };
    for (const { nodeId } of candidates.filter(({ verdict }) => verdict !== 'excluded')) {
      const node = known.find(({ record }) => record.id === nodeId);
      if (node === undefined) continue;
      let reason: JobReason;
      try {
        return { job: await nodes.start(node, order) };
      } catch (error) {
        reason = reasonOf(error);
        const why = jobReasonInWords(reason);
        log.debug({ job: job.id, node: nodeId, why }, 'a node did not take a job');
      }
      refused.push({ nodeId, verdict: 'excluded', reasons: [reason] });
      // It may stand there by now: taken and given back, or started by a node that answered too late.
      const stands = await store.get(job.id);
      if (stands !== undefined && stands.state !== 'waiting' && stands.leaseLeftMs > 0) {
        return { job: stands };
      }
      if (stands?.state === 'ended') return { job: stands };
      order = { job, epoch: stands?.epoch };
    }
    return { refused };
  }

  /**
   * How the reaper goes on with jobs of these kinds.
   *
   * @throws RegistryUnavailableError
   */
  care(): JobCare[] {
    return [...this.#rules.values()].map((rules) => ({
      rules,
      restart: async (job) => {
        const tried = await this.dispatch(job, job.epoch);
        if ('job' in tried) return 'placed';
        return { notPlaced: new NoNodeError(job.kind, tried.refused).message };
      },
    }));
  }

  /** Where a job of this kind would go now. @throws RegistryUnavailableError */
  async explain(kind: PlacedKind, cost: JobCost): Promise<JobCandidate[]> {
    return this.#place(kind, cost, await this.#options.registered());
  }

  /**
   * Asks the node that runs a job.
   *
   * @throws JobRequestError, NodeSilentError, RegistryUnavailableError
   */
  async request(id: string, name: string, body: string): Promise<string> {
    const job = await this.#running(id);
    if (job.state === 'waiting') {
      throw new JobRequestError('failed_precondition', `job ${id} waits for a node; try again`);
    }
    return this.#options.nodes.request(job.owner, id, name, body);
  }

  /**
   * Ends a job in order.
   *
   * @returns what is said of it now.
   * @throws JobRequestError, NodeSilentError, RegistryUnavailableError
   */
  async stop(id: string, reason: string): Promise<string> {
    const job = await this.#running(id);
    if (job.state === 'active') return this.#options.nodes.stop(job.owner, id, reason);
    const rules = this.#rulesOf(job.kind);
    const info = rules.failed(job, { reason: 'stopped', message: reason });
    // Else a node has just taken it: it is asked.
    if (!(await this.#options.store.end(job, info))) return this.stop(id, reason);
    rules.onFailed?.({ ...job, info, state: 'ended' });
    return info;
  }

  /** What a further node would need for it. A job that is too large for any does not wait for one. */
  async #cpusThatHelp(job: NewJob): Promise<number> {
    const { cpus = 0, idleRatio = 0 } = this.#rulesOf(job.kind).cost(job.spec);
    const known = await this.#options.registered();
    const able = known.filter(({ record }) => record.load.jobs?.kinds.includes(job.kind));
    const isPossible = able.some(({ record }) => cpus <= record.load.cpus * (1 - idleRatio));
    // Where none runs such jobs now, nobody knows how large the next one is.
    return able.length === 0 || isPossible ? Math.max(cpus, LEAST_CPUS) : 0;
  }

  #place(kind: PlacedKind, cost: JobCost, nodes: readonly RegisteredNode[]): JobCandidate[] {
    const { ledger, linkProtocol, random = Math.random } = this.#options;
    return placeJob({ nodes, kind, cost, ledger, linkProtocol, random });
  }

  /** One that a node had taken and given back is not to wait for anybody. */
  async #endUnplaced(job: NewJob, error: NoNodeError): Promise<void> {
    const { store } = this.#options;
    const stands = await store.get(job.id);
    if (stands?.state !== 'waiting') return;
    const failure = { reason: 'not-placed', message: error.message } as const;
    await store.end(stands, this.#rulesOf(job.kind).failed(stands, failure));
  }

  async #running(id: string): Promise<Job> {
    const job = await this.#options.store.get(id);
    if (job === undefined) throw new JobRequestError('not_found', `there is no job ${id}`);
    if (job.state !== 'ended') return job;
    throw new JobRequestError('failed_precondition', `job ${id} has ended`);
  }

  #rulesOf(kind: JobKind): JobRules {
    const rules = this.#rules.get(kind);
    if (rules === undefined) throw new JobRefusedError(`no ${kind} jobs are served here`);
    return rules;
  }
}

function placedKind(kind: JobKind): PlacedKind {
  if (kind !== 'agent') return kind;
  throw new TypeError('agents are placed on workers, not on nodes');
}

function reasonOf(error: unknown): JobReason {
  if (error instanceof JobRefusedError) return { kind: 'refused', message: error.message };
  if (error instanceof NodeSilentError) return { kind: 'silent', message: error.message };
  if (error instanceof JobTakenError) return { kind: 'refused', message: error.message };
  throw error;
}

const candidatesInWords = (candidates: readonly JobCandidate[]): string =>
  candidates.length === 0
    ? 'the cluster has no nodes'
    : candidates
        .filter(({ reasons }) => reasons.every(({ kind }) => kind !== 'role'))
        .map(({ nodeId, reasons }) => `${nodeId}: ${reasons.map(jobReasonInWords).join(', ')}`)
        .join('; ') || 'the cluster has no Media Nodes';
