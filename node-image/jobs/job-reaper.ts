import type { Logger } from 'pino';
import { RegistryUnavailableError } from '../cluster/registry';
import type { Job, JobKind } from './job';
import { NodeSilentError } from './job-nodes';
import type { JobFailure, JobRules } from './job-runner';
import type { JobStore } from './job-store';

/** How often it looks, ms; changes that are told make it look at once. */
const LOOK_MS = 1000;
/** Once the store answers again, owners have so long to say that they hold their jobs, ms. */
const GRACE_MS = 5000;
/** A job whose owner was lost so often ends: it may be what kills them. */
const MOST_LOSSES = 5;
const SWEEP_MS = 60_000;
/** As many jobs are placed at the same time. */
const AT_ONCE = 8;

/** What came of an attempt: somebody has it, or nobody took it, and why. */
export type Restarted = 'placed' | { readonly notPlaced: string };

export interface JobCare {
  readonly rules: JobRules;
  /** Finds somebody to run a job that waits, or whose lease has run out. @throws RegistryUnavailableError */
  restart(job: Job): Promise<Restarted>;
}

export interface JobReaperOptions {
  readonly store: JobStore;
  readonly care: readonly JobCare[];
  /** Whether this node decides: at most one does. */
  readonly leads: () => boolean;
  /** Whether a node was found dead, or is gone: those of its jobs are not waited for. */
  readonly isGone: (nodeId: string) => boolean;
  /**
   * Ids of the jobs that run on a node; undefined where that cannot be asked.
   *
   * @throws NodeSilentError
   */
  readonly running: (nodeId: string) => Promise<ReadonlySet<string> | undefined>;
  /** How long a new job waits for its first node, ms. */
  readonly queueMs: number;
  /** How long another node is looked for, ms. */
  readonly restartWithinMs: number;
  readonly keepEndedMs: number;
  /** Of each kind. */
  readonly mostEnded: number;
  readonly log: Logger;
  /** @default 1 s */
  readonly intervalMs?: number | undefined;
  /** @default 5 s */
  readonly graceMs?: number | undefined;
  /** Monotonic, ms. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Looks after jobs that nobody runs: places those anew that wait, or whose owner is gone, and ends those
 * that nobody takes. So none is active for ever, whatever has become of its node.
 */
export class JobReaper {
  readonly #options: JobReaperOptions;
  readonly #now: () => number;
  readonly #care: ReadonlyMap<JobKind, JobCare>;
  readonly #timer: NodeJS.Timeout;
  readonly #deaf: () => void;
  /** Ids of jobs that are being placed. */
  readonly #busy = new Map<string, Promise<void>>();
  /** When those without an owner were looked after last, ms: what nobody takes lets others go first. */
  #triedMs = new Map<string, number>();
  /** Nodes that are being asked. */
  readonly #felt = new Set<string>();
  #looking: Promise<void> | undefined;
  #again = false;
  #orphans: Partial<Record<JobKind, number>> = {};
  #waitingCpus = 0;
  #soonTimer: NodeJS.Timeout | undefined;
  #graceUntilMs = Number.POSITIVE_INFINITY;
  #sweptMs = Number.NEGATIVE_INFINITY;
  #led = false;
  #closed = false;

  constructor(options: JobReaperOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#care = new Map(options.care.map((care) => [care.rules.kind, care]));
    this.#timer = setInterval(() => void this.look(), options.intervalMs ?? LOOK_MS);
    // A job that is given back is placed at once.
    this.#deaf = options.store.onChange(() => this.#soon());
  }

  /** Jobs without an owner at the last look, by kind; none where another node decides. */
  get orphans(): Readonly<Partial<Record<JobKind, number>>> {
    return this.#orphans;
  }

  /** CPU cores that those of them need that are new: more nodes would take them. */
  get waitingCpus(): number {
    return this.#waitingCpus;
  }

  /** A node was found dead: its jobs, of all kinds, are to be had at once. Never rejects. */
  async lost(nodeId: string): Promise<void> {
    if (!this.#options.leads()) return;
    try {
      await this.#options.store.expire(nodeId);
    } catch (error) {
      this.#failed(error);
    }
    await this.look();
  }

  /** Looks now; where it is looking, once more afterwards. Never rejects. */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#look()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#looking = undefined;
        if (this.#again && !this.#closed) {
          this.#again = false;
          void this.look();
        }
      });
    return this.#looking;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#soonTimer);
    this.#deaf();
    await this.#looking;
    await Promise.all(this.#busy.values());
  }

  /** A job tells of several changes as it starts: one look does for them. */
  #soon(): void {
    if (this.#soonTimer !== undefined || this.#closed || !this.#options.leads()) return;
    this.#soonTimer = setTimeout(() => {
      this.#soonTimer = undefined;
      void this.look();
    }, 50);
  }

  async #look(): Promise<void> {
    const { store, leads, graceMs = GRACE_MS } = this.#options;
    const led = this.#led;
    this.#led = leads() && !this.#closed;
    this.#orphans = {};
    this.#waitingCpus = 0;
    if (!this.#led) return;
    // How long the store was away before, nobody knows here.
    if (!led) this.#graceUntilMs = this.#now() + graceMs;
    const jobs = await this.#running();
    this.#feel(jobs);
    await this.#expireGone(jobs);
    const orphans = jobs.filter((job) => job.state === 'waiting' || this.#isOver(job));
    this.#count(orphans);
    // Whoever has workers looks after them: here they are counted.
    const agents = (await store.unheld('agent')).length;
    if (agents > 0) this.#orphans.agent = agents;
    for (const job of this.#next(orphans)) {
      this.#triedMs.set(job.id, this.#now());
      const settling = this.#settle(job).finally(() => this.#busy.delete(job.id));
      this.#busy.set(job.id, settling);
    }
    if (this.#now() - this.#sweptMs > SWEEP_MS) {
      this.#sweptMs = this.#now();
      await store.sweep(this.#options.keepEndedMs, this.#options.mostEnded);
    }
  }

  /** Of the kinds that are looked after here, the oldest first. */
  async #running(): Promise<Job[]> {
    const { store } = this.#options;
    const kinds = [...this.#care.keys()];
    const all = await Promise.all(kinds.map((kind) => store.list({ kind, running: true })));
    return all.flat().sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  /** Those to be looked after now: first who has waited longest for that. */
  #next(orphans: readonly Job[]): Job[] {
    this.#triedMs = new Map(
      orphans.flatMap(({ id }) => {
        const triedMs = this.#triedMs.get(id);
        return triedMs === undefined ? [] : [[id, triedMs]];
      }),
    );
    const tried = ({ id }: Job): number => this.#triedMs.get(id) ?? Number.NEGATIVE_INFINITY;
    return orphans
      .filter(({ id }) => !this.#busy.has(id))
      .sort((a, b) => (tried(a) === tried(b) ? 0 : tried(a) - tried(b)))
      .slice(0, Math.max(0, AT_ONCE - this.#busy.size));
  }

  #count(orphans: readonly Job[]): void {
    for (const { kind, spec, state } of orphans) {
      this.#orphans[kind] = (this.#orphans[kind] ?? 0) + 1;
      const cost = state === 'waiting' ? this.#care.get(kind)?.rules.cost(spec) : undefined;
      this.#waitingCpus += cost?.cpus ?? 0;
    }
  }

  #isOver({ state, owner, leaseLeftMs }: Job): boolean {
    if (state !== 'active') return false;
    if (this.#options.isGone(owner)) return true;
    return leaseLeftMs <= 0 && this.#now() >= this.#graceUntilMs;
  }

  /** Asks each node that runs jobs: whoever is asked notices when one has just died. */
  #feel(jobs: readonly Job[]): void {
    const { running, isGone } = this.#options;
    for (const { state, owner } of jobs) {
      if (state !== 'active' || this.#felt.has(owner) || isGone(owner)) continue;
      this.#felt.add(owner);
      running(owner)
        .catch(() => {
          // What follows is for those to say who know the nodes.
        })
        .finally(() => this.#felt.delete(owner));
    }
  }

  /** So that they can be claimed. */
  async #expireGone(jobs: readonly Job[]): Promise<void> {
    const { store, isGone } = this.#options;
    const gone = new Set(
      jobs
        .filter(
          ({ state, owner, leaseLeftMs }) => state === 'active' && leaseLeftMs > 0 && isGone(owner),
        )
        .map(({ owner }) => owner),
    );
    for (const owner of gone) await store.expire(owner);
  }

  async #settle(job: Job): Promise<void> {
    try {
      if (job.state === 'active' && (await this.#runsStill(job))) return;
      await this.#decide(job);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** A node that is cut off from the store, and answers here, keeps what it runs. */
  async #runsStill({ id, owner }: Job): Promise<boolean> {
    if (this.#options.isGone(owner)) return false;
    try {
      const running = await this.#options.running(owner);
      return running?.has(id) ?? false;
    } catch (error) {
      if (error instanceof NodeSilentError) return false;
      throw error;
    }
  }

  async #decide(job: Job): Promise<void> {
    const { log, queueMs, restartWithinMs } = this.#options;
    const care = this.#care.get(job.kind);
    if (care === undefined) return;
    const isNew = job.owner === '';
    const lost = isNew
      ? ''
      : `its node, ${job.owner}, ${job.state === 'active' ? 'is gone' : 'gave it back'}`;
    if (!isNew && care.rules.afterLoss(job) === 'end') {
      await this.#end(job, care.rules, { reason: 'owner-lost', message: lost });
      return;
    }
    if (job.losses >= MOST_LOSSES) {
      const message = `it was lost with its node ${job.losses + 1} times, and is not started again`;
      await this.#end(job, care.rules, { reason: 'owner-lost', message });
      return;
    }
    const result = await care.restart(job);
    if (result === 'placed') {
      log.info({ job: job.id, kind: job.kind, before: job.owner }, 'a job was placed anew');
      return;
    }
    const withinMs = isNew ? queueMs : restartWithinMs;
    if (-job.leaseLeftMs < withinMs) return;
    const waited = `nobody took it within ${Math.round(withinMs / 1000)} s`;
    const message = [lost, waited, result.notPlaced].filter(Boolean).join('; ');
    await this.#end(job, care.rules, { reason: 'not-placed', message });
  }

  async #end(job: Job, rules: JobRules, failure: JobFailure): Promise<void> {
    const { store, log } = this.#options;
    const info = rules.failed(job, failure);
    if (!(await store.end(job, info))) return;
    log.warn({ job: job.id, kind: job.kind, why: failure.message }, 'a job ends that nobody runs');
    rules.onFailed?.({ ...job, info, state: 'ended' });
  }

  #failed(error: unknown): void {
    if (error instanceof RegistryUnavailableError) {
      // Its owners could not say either that they hold their jobs.
      this.#graceUntilMs = this.#now() + (this.#options.graceMs ?? GRACE_MS);
      return;
    }
    this.#options.log.error({ err: error }, 'looking after jobs failed; it is tried again');
  }
}
