import type { AgentLoad } from '../../cluster/node-record';
import { type AgentKind, kindKey } from './agent-kind';
import type { AgentWorker } from './agent-worker';

/** What a worker that is at its limit still weighs among the others. */
const MIN_WEIGHT = 0.01;

/** How likely a worker gets a job, beside the others. */
export const weightOf = (load: number): number => Math.max(MIN_WEIGHT, 1 - load);

/** Of so many workers the others are told one by one: it is said with each heartbeat. */
const MAX_TOLD = 50;

/** Workers that were asked already. */
export type Asked = Pick<ReadonlySet<AgentWorker>, 'has'>;

/** The workers that are connected to this node. */
export class AgentWorkers {
  readonly #workers = new Map<string, Set<AgentWorker>>();
  readonly #random: () => number;
  readonly targetLoad: number;

  constructor(options: {
    /** `agents.target_load`: above it a worker gets no more jobs. 0 to 1. */
    readonly targetLoad: number;
    /** @default Math.random */
    readonly random?: () => number;
  }) {
    this.targetLoad = options.targetLoad;
    this.#random = options.random ?? Math.random;
  }

  add(worker: AgentWorker): void {
    const key = kindKey(worker.options);
    const same = this.#workers.get(key) ?? new Set();
    this.#workers.set(key, same.add(worker));
  }

  /** Idempotent. */
  remove(worker: AgentWorker): void {
    const key = kindKey(worker.options);
    const same = this.#workers.get(key);
    same?.delete(worker);
    if (same?.size === 0) this.#workers.delete(key);
  }

  all(): AgentWorker[] {
    return [...this.#workers.values()].flatMap((same) => [...same]);
  }

  /** As the record of the node tells of them. */
  get facts(): AgentLoad {
    const all = this.all();
    const workers = all.slice(0, MAX_TOLD).map((worker) => {
      const { id, type, agentName, deployment } = worker.options;
      const whyNot = worker.whyNot(this.targetLoad);
      const { load } = worker;
      return { id, type, agentName, deployment, load, ...(whyNot !== undefined && { whyNot }) };
    });
    return { workers, more: all.length - workers.length };
  }

  of(kind: AgentKind): AgentWorker[] {
    return [...(this.#workers.get(kindKey(kind)) ?? [])];
  }

  /** Whether one may get a job of this kind. */
  hasRoom(kind: AgentKind): boolean {
    return this.#able(kind, new Set()).length > 0;
  }

  /**
   * One that may get a job, at random: of two, the one that has twice as much left is as likely twice.
   *
   * @param except - who was asked already
   */
  choose(kind: AgentKind, except: Asked): AgentWorker | undefined {
    const able = this.#able(kind, except);
    const weights = able.map(({ load }) => weightOf(load));
    let at = this.#random() * weights.reduce((sum, weight) => sum + weight, 0);
    return (
      able.find((_worker, index) => {
        at -= weights[index] ?? 0;
        return at < 0;
      }) ?? able.at(-1)
    );
  }

  #able(kind: AgentKind, except: Asked): AgentWorker[] {
    return this.of(kind).filter(
      (worker) => !except.has(worker) && worker.whyNot(this.targetLoad) === undefined,
    );
  }
}
