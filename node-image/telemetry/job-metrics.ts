import { Counter, Gauge, type Registry } from 'prom-client';
import { SLUICE_METRIC_NAMES } from '../contract';

const KINDS = ['egress', 'ingress', 'agent'] as const;
type Kind = (typeof KINDS)[number];
/** Agents run on workers. */
const HOSTED = ['egress', 'ingress'] as const;

/** Shows what becomes of jobs: on the nodes that run them, and on those that place them. */
export class JobMetrics {
  readonly #registry: Registry;
  #refused: Counter<'kind'> | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Jobs that run on this node, read anew at each scrape. */
  watchHost(host: { jobs(kind: Kind): readonly unknown[] }): void {
    const running: Gauge<'kind'> = new Gauge({
      name: SLUICE_METRIC_NAMES.jobs,
      help: 'Jobs that run on this node.',
      labelNames: ['kind'],
      registers: [this.#registry],
      collect: () => {
        for (const kind of HOSTED) running.set({ kind }, host.jobs(kind).length);
      },
    });
  }

  /** Jobs without an owner, as the node knows them that looks after them. */
  watchReaper(reaper: { readonly orphans: Readonly<Partial<Record<Kind, number>>> }): void {
    const waiting: Gauge<'kind'> = new Gauge({
      name: SLUICE_METRIC_NAMES.jobsWaiting,
      help: 'Jobs that wait for a node.',
      labelNames: ['kind'],
      registers: [this.#registry],
      collect: () => {
        for (const kind of KINDS) waiting.set({ kind }, reaper.orphans[kind] ?? 0);
      },
    });
    this.#refused = new Counter({
      name: SLUICE_METRIC_NAMES.jobsRefused,
      help: 'Jobs that no node took.',
      labelNames: ['kind'],
      registers: [this.#registry],
    });
    // Shown from the start: a rate needs a first value.
    for (const kind of KINDS) this.#refused.inc({ kind }, 0);
  }

  /** No node took a job. */
  refused(kind: Kind): void {
    this.#refused?.inc({ kind });
  }
}
