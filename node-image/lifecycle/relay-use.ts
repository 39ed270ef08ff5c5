import { isStale, stateOf } from '../cluster/node-record';
import type { NodeWatch } from '../cluster/node-watch';

/** Who comes through a relay that drains is known by then: its connection has come about, ms. */
const SETTLE_MS = 10_000;

export interface RelayUseOptions {
  readonly watch: Pick<NodeWatch, 'node' | 'nodes' | 'onLooked'>;
  readonly nodeId: string;
  /** Those of this node's TURN server. */
  readonly allocations: () => number;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * The TURN allocations that a node which drains has to wait for. A client asks for one while it looks
 * for a path, and may keep it for the whole call though it took another: only the nodes of the Rooms
 * know whose media comes through it. While one of them does not say, all count.
 */
export class RelayUse {
  readonly #options: RelayUseOptions;
  readonly #now: () => number;
  #drainsSinceMs: number | undefined;

  constructor(options: RelayUseOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    options.watch.onLooked(() => this.#look());
  }

  /** 0: what there is may be ended, as nobody's media comes through it. */
  get left(): number {
    const { watch, nodeId, allocations } = this.#options;
    const count = allocations();
    const isSettled =
      this.#drainsSinceMs !== undefined && this.#now() - this.#drainsSinceMs >= SETTLE_MS;
    if (count === 0 || !isSettled) return count;
    const others = watch
      .nodes()
      .filter(({ record }) => record.role !== 'master' && record.id !== nodeId);
    const isUnused = others.every(
      (node) => !isStale(node) && node.record.load.relayedBy?.[nodeId] === 0,
    );
    return isUnused ? 0 : count;
  }

  #look(): void {
    const { watch, nodeId } = this.#options;
    const own = watch.node(nodeId);
    if (own === undefined || stateOf(own) === 'serving') this.#drainsSinceMs = undefined;
    else this.#drainsSinceMs ??= this.#now();
  }
}
