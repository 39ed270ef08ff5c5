import type { Logger } from 'pino';
import type { LinkClient, ProbeResult } from './link/link';
import {
  isStale,
  type LinkAddress,
  type NodeRecord,
  type RegisteredNode,
  STALE_MS,
} from './node-record';
import type { ClusterSnapshot, Registry } from './registry';

/** How often the nodes are looked at, ms. */
const LOOK_MS = 1000;
/** A node that has missed a heartbeat is asked whether it is there, ms. */
const DOUBT_MS = 3000;
const PROBE_MS = 1000;
/** Between two refusals that make a process gone rather than busy, ms. */
const SECOND_LOOK_MS = 100;
/** Once the registry answers again, nobody is called dead for so long, ms. */
const GRACE_MS = 10_000;

/** As many of the dead are remembered. */
const BURIED_REMEMBERED = 100;

export type Verdict = 'alive' | 'dead' | 'unknown';

export interface NodeWatchOptions {
  readonly registry: Registry;
  readonly link: LinkClient;
  readonly log: Logger;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

type NodeWithLink = RegisteredNode & { readonly record: { readonly link: LinkAddress } };

/**
 * The nodes of the cluster as this node sees them, and which of them are dead.
 *
 * Dead is who says nothing to the registry **and** does not answer on its link, where it has one; a
 * process whose port is closed is dead at once. Whoever answers on its link is alive, whatever the
 * registry says.
 */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  readonly #now: () => number;
  readonly #nodes = new Map<string, RegisteredNode>();
  readonly #verdicts = new Map<string, Promise<Verdict>>();
  /** Nodes that have answered on their link, with the secret of this cluster. */
  readonly #proven = new Set<string>();
  readonly #proving = new Map<string, Promise<void>>();
  readonly #strangers = new Set<string>();
  /** When nodes were found dead here. */
  readonly #buriedMs = new Map<string, number>();
  /** Nodes that lived all the same: that they refuse a connection means nothing. */
  readonly #risen = new Set<string>();
  readonly #lost = new Set<(node: RegisteredNode) => void>();
  readonly #looked = new Set<() => void>();
  #snapshot: ClusterSnapshot | undefined;
  #looking: Promise<ClusterSnapshot> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #away = false;
  #graceUntilMs = 0;
  #closed = false;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Starts to look, and has looked once. Never rejects. */
  async start(): Promise<void> {
    await this.#round();
    if (!this.#closed) {
      this.#timer = setInterval(() => void this.#round(), LOOK_MS);
    }
  }

  /** As of the last look; with the registry away, as it was. */
  nodes(): RegisteredNode[] {
    return [...this.#nodes.values()];
  }

  node(id: string): RegisteredNode | undefined {
    return this.#nodes.get(id);
  }

  /** Whether the registry knew it at the last look, and not only this node. */
  isListed(id: string): boolean {
    return this.#snapshot?.nodes.some(({ record }) => record.id === id) ?? false;
  }

  /** Media Nodes that can be reached. */
  mediaNodes(): NodeWithLink[] {
    return this.nodes().filter(hasLink);
  }

  /** ms since the registry began to remember; undefined before it was ever asked. */
  get registryAgeMs(): number | undefined {
    return this.#snapshot?.ageMs;
  }

  /** Looks now. Calls at the same time share one look. @throws RegistryUnavailableError */
  look(): Promise<ClusterSnapshot> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /**
   * Nodes that nothing is to be placed on, as they have never answered on their link: one with
   * another secret, or one that cannot be reached from here. Asks those that are new. Never rejects.
   */
  async unproven(nodes: readonly RegisteredNode[]): Promise<ReadonlySet<string>> {
    const fresh = nodes.filter(hasLink).filter(({ record }) => !this.#proven.has(record.id));
    await Promise.all(fresh.map((node) => this.#prove(node)));
    const still = fresh.filter(({ record }) => !this.#proven.has(record.id));
    return new Set(still.map(({ record }) => record.id));
  }

  /** Called for each node that was found dead here. */
  onLost(listener: (node: RegisteredNode) => void): void {
    this.#lost.add(listener);
  }

  /** Called after each look. */
  onLooked(listener: () => void): void {
    this.#looked.add(listener);
  }

  /** Somebody got no answer from a node: finds out what is the matter. Never rejects. */
  suspect(nodeId: string): Promise<Verdict> {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) {
      return Promise.resolve('dead');
    }
    const running = this.#verdicts.get(nodeId);
    if (running !== undefined) {
      return running;
    }
    const verdict = this.#judge(node).finally(() => this.#verdicts.delete(nodeId));
    this.#verdicts.set(nodeId, verdict);
    return verdict;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#lost.clear();
    this.#looked.clear();
  }

  async #round(): Promise<void> {
    try {
      await this.look();
    } catch {
      // The registry logs that it is away.
    }
    for (const listener of this.#looked) {
      try {
        listener();
      } catch (error) {
        this.#options.log.error({ err: error }, 'what follows from a look at the nodes failed');
      }
    }
    for (const node of this.nodes()) {
      if (node.seenAgoMs > DOUBT_MS) {
        void this.suspect(node.record.id);
      }
    }
  }

  async #look(): Promise<ClusterSnapshot> {
    let snapshot: ClusterSnapshot;
    try {
      snapshot = await this.#options.registry.snapshot();
    } catch (error) {
      this.#away = true;
      throw error;
    }
    if (this.#away || snapshot.ageMs < GRACE_MS) {
      this.#graceUntilMs = this.#now() + (this.#away ? GRACE_MS : GRACE_MS - snapshot.ageMs);
      this.#away = false;
    }
    this.#take(snapshot);
    return snapshot;
  }

  #take(snapshot: ClusterSnapshot): void {
    this.#snapshot = snapshot;
    const listed = new Map(snapshot.nodes.map((node) => [node.record.id, node]));
    for (const [id, known] of this.#nodes) {
      if (!listed.has(id)) {
        // Gone, or forgotten by a registry that lost its memory: its link will tell.
        this.#keepOrForget(id, known);
      }
    }
    for (const [id, node] of listed) {
      this.#nodes.set(id, node);
      this.#lookForRisen(node);
    }
  }

  /** One heartbeat after its burial, and a node is alive; its last ones before it prove nothing. */
  #lookForRisen({ record: { id, link }, seenAgoMs }: RegisteredNode): void {
    const buriedMs = this.#buriedMs.get(id);
    if (buriedMs === undefined || this.#now() - buriedMs <= seenAgoMs) {
      return;
    }
    this.#buriedMs.delete(id);
    this.#risen.add(id);
    this.#options.log.warn(
      { node: id, link },
      'a node that was found dead lives: does something refuse connections from here to its link?',
    );
  }

  #keepOrForget(id: string, known: RegisteredNode): void {
    if (hasLink(known)) {
      this.#nodes.set(id, {
        ...known,
        seenAgoMs: Math.max(known.seenAgoMs + LOOK_MS, DOUBT_MS + 1),
      });
    } else {
      this.#nodes.delete(id);
    }
  }

  async #judge(node: RegisteredNode): Promise<Verdict> {
    // A Master Node has no link that could tell: what it says to the registry is all there is.
    const first = hasLink(node) ? await this.#probe(node) : 'silent';
    if (first === 'alive') {
      return 'alive';
    }
    const { id } = node.record;
    const second = first === 'refused' && hasLink(node) ? await this.#probeAgain(node) : first;
    if (second === 'alive') {
      return 'alive';
    }
    const isGone = second === 'refused' && !this.#risen.has(id);
    if (this.#closed || !(isGone || (await this.#saysNothing(id)))) {
      return 'unknown';
    }
    await this.#bury(node, second);
    return 'dead';
  }

  #prove(node: NodeWithLink): Promise<void> {
    const { id } = node.record;
    const running = this.#proving.get(id);
    if (running !== undefined) {
      return running;
    }
    const proving = this.#probe(node)
      .then((probe) => this.#tellProof(node, probe))
      .finally(() => this.#proving.delete(id));
    this.#proving.set(id, proving);
    return proving;
  }

  #tellProof({ record: { id, link, machineId } }: NodeWithLink, probe: ProbeResult): void {
    if (probe === 'alive') {
      this.#proven.add(id);
      this.#strangers.delete(id);
    } else if (probe === 'stranger' && !this.#strangers.has(id)) {
      this.#strangers.add(id);
      this.#options.log.error(
        { node: id, machine: machineId, link },
        'a node has another cluster secret, or another program has its address: it gets no Rooms; set sluice.cluster.secret to the same on all nodes',
      );
    }
  }

  #probe({ record }: NodeWithLink): Promise<ProbeResult> {
    return this.#options.link.probe(record.link, record.id, PROBE_MS);
  }

  async #probeAgain(node: NodeWithLink): Promise<ProbeResult> {
    await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
    return this.#probe(node);
  }

  async #saysNothing(id: string): Promise<boolean> {
    try {
      await this.look();
    } catch {
      // Without the registry nobody is called dead for being silent.
      return false;
    }
    const node = this.#nodes.get(id);
    return node === undefined || (isStale(node) && this.#now() >= this.#graceUntilMs);
  }

  #tell({ record, order }: RegisteredNode, probe: ProbeResult): void {
    const { id, machineId, link, state } = record;
    const facts = { node: id, machine: machineId, link, probe };
    // It may have been empty only after the last look.
    if (state === 'drained' || (order !== undefined && probe === 'refused')) {
      this.#options.log.info(facts, 'a node that was drained has left');
      return;
    }
    this.#options.log.warn(facts, whyDead(record, probe));
  }

  async #bury(node: RegisteredNode, probe: ProbeResult): Promise<void> {
    const { id } = node.record;
    if (!this.#nodes.delete(id)) {
      return;
    }
    this.#tell(node, probe);
    this.#risen.delete(id);
    this.#proven.delete(id);
    this.#strangers.delete(id);
    this.#buriedMs.set(id, this.#now());
    for (const oldest of [...this.#buriedMs.keys()].slice(0, -BURIED_REMEMBERED)) {
      this.#buriedMs.delete(oldest);
    }
    try {
      await this.#options.registry.forgetNode(id);
    } catch {
      // The registry is away; its record goes stale, and is taken away by whoever comes after.
    }
    for (const listener of this.#lost) {
      listener(node);
    }
  }
}

function whyDead({ link }: NodeRecord, probe: ProbeResult): string {
  const silence = `a node is dead: no heartbeat for ${STALE_MS / 1000} s`;
  if (link === undefined) {
    return silence;
  }
  return probe === 'refused'
    ? 'a node is dead: nothing listens on its link any more; its Rooms are placed anew'
    : `${silence} and no answer on its link; its Rooms are placed anew`;
}

const hasLink = (node: RegisteredNode): node is NodeWithLink => node.record.link !== undefined;
