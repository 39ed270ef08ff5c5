import { RustClients } from '../../../support/call-client-rust';
import { type Config, TestCluster } from '../../../support/cluster';
import { sleep } from '../../../support/wait';
import { move, STANDING } from './calls';
import { check, LIMITS, mismatches, type Violation } from './checker';
import { Crowd } from './crowd';
import { Footprints } from './footprints';
import type { Count, Observations, Outage } from './observations';
import { Outages } from './outages';
import type { FaultKind, Plan } from './plan';
import { MEDIA_NODES, Trouble } from './trouble';
import { Watcher } from './watcher';

/** A run is over when all is well, or after so long without faults, ms. */
const CALM_MS = LIMITS.stuckMs + 1_000;
/** What takes longest to be taken away once everybody has left. */
const EMPTY_MS = LIMITS.abandonedRoomMs + 10_000;
/** Rooms end soon, and drains begin at once. */
const CONFIG: Config = {
  room: { empty_timeout: 10, departure_timeout: 3 },
  sluice: {
    drain: { patience: '0s', deadline: '20s' },
  },
};

/** What came of one run. */
export interface RunResult {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  readonly outages: readonly Outage[];
  readonly tookMs: number;
  /** From the end of the last fault until all was well, or nobody waited any longer. */
  readonly calmMs: number;
  /** What was not well then. */
  readonly amiss: readonly string[];
  readonly looks: number;
  readonly joins: number;
  readonly refused: number;
}

/** A cluster with calls on it, to which faults happen run after run. */
export class Chaos {
  readonly #known = new Set<string>();

  private constructor(
    readonly cluster: TestCluster,
    private readonly clients: RustClients,
    readonly crowd: Crowd,
    readonly watcher: Watcher,
    private readonly trouble: Trouble,
    private readonly outages: Outages,
    private readonly footprints: Footprints,
  ) {}

  static async start(): Promise<Chaos> {
    const cluster = await TestCluster.start({
      masters: 2,
      mediaNodes: MEDIA_NODES,
      namespaces: true,
      config: CONFIG,
    });
    try {
      const clients = await RustClients.start();
      const footprints = new Footprints(cluster);
      await footprints.note();
      const crowd = new Crowd(clients, cluster);
      const watcher = new Watcher(cluster, crowd);
      const outages = new Outages();
      const trouble = new Trouble(cluster, outages);
      const parts = [crowd, watcher, trouble, outages, footprints] as const;
      const chaos = new Chaos(cluster, clients, ...parts);
      watcher.start();
      for (const member of STANDING) crowd.enter(member);
      await chaos.#untilWell();
      return chaos;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** How often each fault has happened. */
  get counts(): ReadonlyMap<FaultKind, number> {
    return this.trouble.counts;
  }

  /** @throws Error where a fault could not be made or mended. */
  async run(plan: Plan): Promise<RunResult> {
    const { crowd, watcher } = this;
    const fromMs = Date.now();
    const [drops, joins, refused] = [crowd.drops.length, crowd.joined, crowd.refused];
    const looks = watcher.looks.length;
    const later = async (atMs: number, act: () => Promise<void>): Promise<void> => {
      await sleep(atMs);
      await act();
    };
    await Promise.all([
      ...plan.faults.map((fault) => later(fault.atMs, () => this.trouble.happen(fault))),
      ...plan.moves.map((one, i) =>
        later(one.atMs, () => move(crowd, one, `short-${plan.seed}-${i}`)),
      ),
    ]);
    const { ended } = this.clients;
    if (ended !== undefined) throw new Error(ended);
    const calmFromMs = Date.now();
    const amiss = await this.#untilWell();
    const toMs = Date.now();
    const outages = this.outages.all().filter((one) => one.toMs > fromMs);
    const violations = this.#newOnes({
      outages: this.outages.all(),
      hits: this.outages.hits,
      streams: crowd.streams({ fromMs, toMs }),
      drops: crowd.drops.slice(drops),
      looks: watcher.looks,
      counts: [],
    });
    await this.trouble.settle();
    return {
      plan,
      violations,
      outages,
      tookMs: toMs - fromMs,
      calmMs: toMs - calmFromMs,
      amiss,
      looks: watcher.looks.length - looks,
      joins: crowd.joined - joins,
      refused: crowd.refused - refused,
    };
  }

  /** Everybody leaves: nothing may be left. */
  async leave(): Promise<readonly Violation[]> {
    const { crowd, watcher } = this;
    const drops = crowd.drops.length;
    await crowd.end();
    const untilMs = Date.now() + EMPTY_MS;
    let counts: Count[] = [];
    let isEmpty = false;
    while (!isEmpty && Date.now() < untilMs) {
      await sleep(1_000);
      const look = await watcher.look();
      counts = await this.footprints.compare();
      const rooms = [
        ...(look.registry?.rooms ?? []),
        ...look.nodes.flatMap((node) => node.rooms ?? []),
      ];
      const isClean =
        check({ outages: [], hits: [], streams: [], drops: [], looks: [], counts }).length === 0;
      isEmpty = look.registry !== undefined && rooms.length === 0 && isClean;
    }
    return this.#newOnes({
      outages: this.outages.all(),
      hits: [],
      streams: [],
      drops: crowd.drops.slice(drops),
      looks: watcher.looks,
      counts,
    });
  }

  /** For people who look for a cause. */
  log(): string {
    return [this.cluster.log(), this.clients.takeLog(), this.crowd.stories(0), ''].join('\n');
  }

  async close(): Promise<void> {
    await this.watcher.close();
    await this.clients.close();
    await this.cluster.close();
  }

  /** What is seen over several runs is told once. */
  #newOnes(seen: Observations): Violation[] {
    return check(seen).filter(({ rule, atMs, text }) => {
      const key = `${rule} ${atMs} ${text.replace(/for \d+ ms/, '')}`;
      const isNew = !this.#known.has(key);
      this.#known.add(key);
      return isNew;
    });
  }

  /** @returns what is still not well when it has taken too long. */
  async #untilWell(): Promise<readonly string[]> {
    const startedMs = Date.now();
    for (;;) {
      const amiss = this.#amiss(startedMs);
      if (amiss.length === 0 || Date.now() - startedMs >= CALM_MS) return amiss;
      await sleep(200);
    }
  }

  #amiss(sinceMs: number): string[] {
    const look = this.watcher.looks.at(-1);
    if (look === undefined || look.atMs <= sinceMs) return ['nobody has looked'];
    if (look.registry === undefined) return ['the registry does not answer'];
    return [...mismatches(look), ...this.crowd.missing()];
  }
}
