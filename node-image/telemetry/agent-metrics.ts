import { Counter, Gauge, type Registry } from 'prom-client';
import { SLUICE_METRIC_NAMES } from '../contract';

/** So many names of agents have figures of their own; the others are counted together. */
const MAX_NAMES = 50;
const OTHERS = '(others)';

/** Names of agents, as the node knows them at this moment, one for each of what is counted. */
export interface AgentFigures {
  readonly workers: readonly string[];
  readonly running: readonly string[];
  readonly waiting: readonly string[];
}

/** Shows the agents of a node that workers connect to, by the name of the agent. */
export class AgentMetrics {
  readonly #names = new Set<string>();
  readonly #offers: Counter<'agent_name' | 'answer'>;

  /** @param figures - asked at each scrape */
  constructor(registry: Registry, figures: () => AgentFigures) {
    const registers = [registry];
    const workers: Gauge<'agent_name'> = new Gauge({
      name: SLUICE_METRIC_NAMES.agentWorkers,
      help: 'Workers of agents that are connected to this node.',
      labelNames: ['agent_name'],
      registers,
      collect: () => {
        workers.reset();
        for (const name of figures().workers) workers.inc({ agent_name: this.#label(name) });
      },
    });
    const jobs: Gauge<'agent_name' | 'state'> = new Gauge({
      name: SLUICE_METRIC_NAMES.agentJobs,
      help: 'Jobs of agents: running ones that this node looks after, and all that wait for a worker.',
      labelNames: ['agent_name', 'state'],
      registers,
      collect: () => {
        jobs.reset();
        const { running, waiting } = figures();
        for (const name of running) jobs.inc({ agent_name: this.#label(name), state: 'running' });
        for (const name of waiting) jobs.inc({ agent_name: this.#label(name), state: 'waiting' });
      },
    });
    this.#offers = new Counter({
      name: SLUICE_METRIC_NAMES.agentOffers,
      help: 'Jobs that were offered to workers of this node, by what came of that.',
      labelNames: ['agent_name', 'answer'],
      registers,
    });
  }

  /** A worker was offered a job. */
  offered(agentName: string, answer: string): void {
    this.#offers.inc({ agent_name: this.#label(agentName), answer });
  }

  /** Workers choose their names: there is an end to those that are remembered. */
  #label(name: string): string {
    if (!this.#names.has(name) && this.#names.size >= MAX_NAMES) return OTHERS;
    this.#names.add(name);
    return name;
  }
}
