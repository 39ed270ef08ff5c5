import type { Logger } from 'pino';
import type { DrainOrder, LeftKind } from './node-record';

/** The jobs of a node, as a drain sees them. */
export interface DrainableJobs {
  /** Ids. */
  jobs(): readonly string[];
  /** What one of them is. */
  kindOf(id: string): LeftKind;
  /**
   * Gives a job to another node, at a good moment.
   *
   * @param leftMs - until the deadline
   * @returns whether it is gone; false: it is to be asked again
   */
  handOver(id: string, leftMs: number): Promise<boolean>;
  /** Ends a job in order. */
  stop(id: string): Promise<void>;
}

/** Handed over at the same time: each may cost another node a start. */
const AT_ONCE = 4;
/** A job that stayed is asked again after this, ms. */
const AGAIN_MS = 5000;
/**
 * Before the deadline jobs that are left are ended, so that what they have made is finished by then:
 * so long, ms, and at most this share of the time that there is. After it they are waited for as long.
 */
const FINISH_MS = 15_000;
const FINISH_SHARE = 0.25;

export interface JobDrainOptions {
  readonly jobs: DrainableJobs;
  /** The registry's clock, ms since 1970. */
  readonly clock: () => number;
  readonly log: Logger;
}

/** Empties a node of its jobs: other nodes go on with them, or they end by the deadline. */
export class JobDrain {
  readonly #options: JobDrainOptions;
  readonly #busy = new Set<string>();
  /** When a job is to be asked again. */
  readonly #againMs = new Map<string, number>();
  readonly #stopped = new Set<string>();
  /** When its order was first obeyed. */
  #beganMs: number | undefined;

  constructor(options: JobDrainOptions) {
    this.#options = options;
  }

  get left(): number {
    return this.#options.jobs.jobs().length;
  }

  /** How many there are of each kind that is left. */
  leftByKind(): Partial<Record<LeftKind, number>> {
    const { jobs } = this.#options;
    const counts: Partial<Record<LeftKind, number>> = {};
    for (const id of jobs.jobs()) {
      const kind = jobs.kindOf(id);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  /** Another order: what was asked before counts no more. */
  begin(): void {
    this.#againMs.clear();
    this.#stopped.clear();
    this.#beganMs = undefined;
  }

  /** @returns whether the node is empty of jobs, or must not wait for them any more. */
  step({ patienceUntilMs, deadlineMs, onDeadline }: DrainOrder): boolean {
    const { jobs, clock } = this.#options;
    const now = clock();
    const left = jobs.jobs();
    if (left.length === 0) return true;
    this.#beganMs ??= now;
    const windowMs = deadlineMs - Math.max(patienceUntilMs, this.#beganMs);
    const leadMs = Math.min(FINISH_MS, Math.max(0, windowMs) * FINISH_SHARE);
    if (now >= deadlineMs - leadMs && onDeadline === 'force') {
      for (const id of left) this.#stop(id);
      return now >= deadlineMs + FINISH_MS;
    }
    if (now >= patienceUntilMs) {
      for (const id of left) this.#handOver(id, deadlineMs - leadMs - now);
    }
    return false;
  }

  #handOver(id: string, leftMs: number): void {
    const { jobs, clock, log } = this.#options;
    const isEarly = clock() < (this.#againMs.get(id) ?? 0);
    if (isEarly || this.#busy.has(id) || this.#busy.size >= AT_ONCE) return;
    this.#busy.add(id);
    jobs
      .handOver(id, Math.max(0, leftMs))
      .then((isGone) => {
        if (!isGone) this.#againMs.set(id, clock() + AGAIN_MS);
      })
      .catch((error: unknown) => {
        log.warn({ err: error, job: id }, 'a job could not be handed over; it is tried again');
        this.#againMs.set(id, clock() + AGAIN_MS);
      })
      .finally(() => this.#busy.delete(id));
  }

  #stop(id: string): void {
    const { jobs, log } = this.#options;
    if (this.#stopped.has(id)) return;
    this.#stopped.add(id);
    log.warn({ job: id }, 'the time of the drain is up: a job ends here');
    jobs.stop(id).catch((error: unknown) => {
      // One that still starts can be ended a moment later.
      this.#stopped.delete(id);
      log.warn({ err: error, job: id }, 'a job could not be ended; it is tried again');
    });
  }
}
