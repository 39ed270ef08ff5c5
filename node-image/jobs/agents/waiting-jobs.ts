import type { AgentJob } from './agent-job';
import type { AgentWorker } from './agent-worker';
import type { Asked } from './agent-workers';

/** A job that nobody took is offered to the same workers again after so long, in ms, then twice as long. */
const PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;

const NOBODY: Asked = new Set<AgentWorker>();

interface Pause {
  readonly untilMs: number;
  readonly tries: number;
  /** Whoever is not among them may be asked at once. */
  readonly refused: WeakSet<AgentWorker>;
}

/** The jobs of agents that nobody has, as far as is known, and who has refused them. */
export class WaitingJobs {
  readonly #jobs = new Map<string, AgentJob>();
  readonly #pauses = new Map<string, Pause>();

  see(agent: AgentJob): void {
    this.#jobs.set(agent.job.id, agent);
  }

  /** Somebody has it, as far as is known. It may come back, and then who refused it is known still. */
  taken(id: string): void {
    this.#jobs.delete(id);
  }

  /** It is settled. */
  forget(id: string): void {
    this.#jobs.delete(id);
    this.#pauses.delete(id);
  }

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  /** Those that were refused least come first, then the oldest: none keeps others from their turn. */
  all(): AgentJob[] {
    const tries = ({ job }: AgentJob): number => this.#pauses.get(job.id)?.tries ?? 0;
    return [...this.#jobs.values()].sort(
      (a, b) => tries(a) - tries(b) || a.job.createdAtMs - b.job.createdAtMs,
    );
  }

  /** Who is not to be asked again yet. */
  refusedBy(id: string): Asked {
    const pause = this.#pauses.get(id);
    return pause !== undefined && performance.now() < pause.untilMs ? pause.refused : NOBODY;
  }

  /** These were asked, and have not taken it. */
  refused(id: string, asked: readonly AgentWorker[]): void {
    const known = this.#pauses.get(id);
    const tries = (known?.tries ?? 0) + 1;
    const refused = known?.refused ?? new WeakSet();
    for (const worker of asked) refused.add(worker);
    const forMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (tries - 1));
    this.#pauses.set(id, { untilMs: performance.now() + forMs, tries, refused });
  }
}
