import type { Logger } from 'pino';
import type { LinkClient, LinkError, ProbeResult } from './link/link';
import { hasLink, NodeProofs, type NodeWithLink } from './node-proofs';
import {
  HEARTBEAT_MS,
  isStale,
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
/** A node that lives has beaten within that time, ms. */
const OWED_MS = HEARTBEAT_MS + 500;
/** How often it is looked whether it has, ms. */
const OWED_LOOK_MS = 250;
/** Once the registry answers again, nobody is called dead for so long, ms. */
const GRACE_MS = 10_000;

const REFUSES = 'lives: does something refuse connections from here to its link?';

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

/**
 * The nodes of the cluster as this node sees them, and which of them are dead.
 *
 * Dead is who says nothing to the registry **and** does not answer on its link, where it has one. A
 * process whose port is closed is dead at once where a connection to it broke, and otherwise when it
 * misses its next heartbeat: a firewall may close a port too, and for this node only. Whoever answers
 * on its link is alive, whatever the registry says.
 */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  readonly #now: () => number;
  readonly #nodes = new Map<string, RegisteredNode>();
  readonly #verdicts = new Map<string, Promise<Verdict>>();
  readonly #proofs: NodeProofs;
  /** Nodes to which a connection broke, until they are heard of again. */
  readonly #broken = new Set<string>();
  /** When nodes were found dead here. */
  readonly #buriedMs = new Map<string, number>();
  /** Nodes that lived all the same: that they refuse a connection means nothing. */
  readonly #risen = new Set<string>();
  readonly #lost = new Set<(node: RegisteredNode) => void>();
  readonly #looked = new Set<() => void>();
  #snapshot: ClusterSnapshot | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<ClusterSnapshot> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #away = false;
  #graceUntilMs = 0;
  #closed = false;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#proofs = new NodeProofs({ probe: (node) => this.#probe(node), log: options.log });
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

  /** As `look`, where the last one was longer ago than that, in ms. @throws as `look` */
  async lookUnlessWithin(ms: number): Promise<void> {
    if (this.#now() - this.#lookedMs > ms) await this.look();
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
  unproven(nodes: readonly RegisteredNode[]): Promise<ReadonlySet<string>> {
    return this.#proofs.missing(nodes);
  }

  /** Called for each node that was found dead here. */
  onLost(listener: (node: RegisteredNode) => void): void {
    this.#lost.add(listener);
  }

  /** Called after each look. */
  onLooked(listener: () => void): void {
    this.#looked.add(listener);
  }

  /**
   * Somebody got no answer from a node: finds out what is the matter. Never rejects.
   *
   * @param why - what happened; `reset`, a connection broke, is a sign of a process that is gone.
   */
  suspect(nodeId: string, why?: LinkError['reason']): Promise<Verdict> {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) {
      return Promise.resolve('dead');
    }
    if (why === 'reset') {
      this.#broken.add(nodeId);
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
    this.#lookedMs = this.#now();
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
    this.#options.log.warn({ node: id, link }, `a node that was found dead ${REFUSES}`);
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
    const { id } = node.record;
    const second = first === 'refused' && hasLink(node) ? await this.#probeAgain(node) : first;
    if (second === 'alive') {
      this.#broken.delete(id);
      return 'alive';
    }
    const isGone = second === 'refused' && !this.#risen.has(id) && (await this.#owesABeat(node));
    if (this.#closed || !(isGone || (await this.#saysNothing(id)))) {
      return 'unknown';
    }
    await this.#bury(node, second);
    return 'dead';
  }

  #probe({ record }: NodeWithLink): Promise<ProbeResult> {
    return this.#options.link.probe(record.link, record.id, PROBE_MS);
  }

  async #probeAgain(node: NodeWithLink): Promise<ProbeResult> {
    await pause(SECOND_LOOK_MS);
    return this.#probe(node);
  }

  /** Waits for the next heartbeat of a node that refuses connections. @returns whether none comes. */
  async #owesABeat({ record: { id, link } }: RegisteredNode): Promise<boolean> {
    for (let before = 0; !this.#closed && !this.#broken.has(id); ) {
      try {
        await this.look();
      } catch {
        return false;
      }
      const { seenAgoMs } = this.#nodes.get(id) ?? { seenAgoMs: Infinity };
      if (seenAgoMs > OWED_MS) {
        return true;
      }
      if (seenAgoMs < before) {
        this.#risen.add(id);
        this.#options.log.warn({ node: id, link }, `a node ${REFUSES}`);
        return false;
      }
      before = seenAgoMs;
      await pause(OWED_LOOK_MS);
    }
    return !this.#closed;
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
    this.#broken.delete(id);
    this.#proofs.forget(id);
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

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
