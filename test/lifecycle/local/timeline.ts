import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from '../../../node-image/api/cluster/admin-client';
import type { NodeView } from '../../../node-image/cluster/admin-views';
import type { AuditEntry } from '../../../node-image/cluster/registry';
import type { Row } from '../../support/measure-report';

const EVERY_MS = 500;

/** The Media Nodes at one moment, by the admin API, and what was decided since the last one. */
export interface Moment {
  readonly atMs: number;
  readonly media: readonly NodeView[];
  readonly audit: readonly AuditEntry[];
}

/** Looks at a cluster twice a second, from its start to its end. */
export class Timeline {
  readonly #admin: AdminClient;
  readonly #abort = new AbortController();
  readonly #startedMs = Date.now();
  readonly #moments: Moment[] = [];
  readonly #names = new Map<string, string>();
  readonly #running: Promise<void>;

  constructor(admin: AdminClient) {
    this.#admin = admin;
    this.#running = this.#run();
  }

  get moments(): readonly Moment[] {
    return this.#moments;
  }

  get last(): Moment | undefined {
    return this.#moments.at(-1);
  }

  /** All that was decided so far, oldest first, with machines in place of the ids of nodes. */
  get decisions(): readonly string[] {
    return this.#moments.flatMap(({ audit }) => audit.map((entry) => this.#inWords(entry)));
  }

  /** The machine of a node that is or was there. */
  machineOf(nodeId: string): string {
    return this.#names.get(nodeId) ?? nodeId;
  }

  /** @throws Error where the admin API did not answer meanwhile. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** A row for each moment at which something was decided, or nodes came or went. */
  rows(): Row[] {
    let before = '';
    return this.#moments.flatMap((moment) => {
      const nodes = nodesIn(moment);
      const state = [nodes.serving, nodes.leaving].join();
      if (state === before && moment.audit.length === 0) return [];
      before = state;
      const what = moment.audit.map((entry) => this.#inWords(entry)).join('; ');
      const seconds = ((moment.atMs - this.#startedMs) / 1000).toFixed(1);
      return [{ case: `${seconds} s`, figures: { ...nodes, audit: what } }];
    });
  }

  async #run(): Promise<void> {
    let told = 0;
    while (!this.#abort.signal.aborted) {
      const [{ nodes }, audit] = await Promise.all([this.#admin.nodes(), this.#admin.audit()]);
      for (const { id, record } of nodes) this.#names.set(id, record.machineId);
      const fresh = audit.slice(0, audit.length - told).reverse();
      told = audit.length;
      const media = nodes.filter(({ record }) => record.role === 'media');
      this.#moments.push({ atMs: Date.now(), media, audit: fresh });
      await sleep(EVERY_MS);
    }
  }

  #inWords({ text }: AuditEntry): string {
    return text.replaceAll(/ND_\w+/g, (id) => this.machineOf(id));
  }
}

/** How many nodes do what, and how busy the serving ones are. */
function nodesIn({ media }: Moment) {
  const serving = servingIn({ media });
  const load = serving.map(({ record }) => record.load.cpuLoad.toFixed(2)).join(' + ');
  const sum = (of: (node: NodeView) => number): number =>
    media.reduce((total, node) => total + of(node), 0);
  return {
    serving: serving.length,
    leaving: media.filter(({ state }) => state === 'draining' || state === 'drained').length,
    load,
    Rooms: sum(({ rooms }) => rooms),
    clients: sum(({ record }) => record.load.clients),
  };
}

export const servingIn = ({ media }: Pick<Moment, 'media'>): readonly NodeView[] =>
  media.filter(({ state, stale }) => state === 'serving' && !stale);
