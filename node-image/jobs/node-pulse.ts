import { type JobNodes, NodeSilentError } from './job-nodes';

/** A node that answered so lately, and whose connection is broken now, was killed in between, ms. */
const LATELY_MS = 3500;

export interface NodePulseOptions {
  readonly nodes: Pick<JobNodes, 'running'>;
  /** A node answered a moment ago, and nothing listens there any more. */
  readonly onBroken: (nodeId: string) => void;
  /** Monotonic, ms. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Asks nodes what they run, and notices when one breaks off between two questions: so a killed process
 * is known before it misses a heartbeat, and its recordings go on elsewhere a second later.
 */
export class NodePulse {
  readonly #options: NodePulseOptions;
  readonly #now: () => number;
  /** When nodes answered last. */
  readonly #answeredMs = new Map<string, number>();

  constructor(options: NodePulseOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Ids of the jobs that run there. @throws NodeSilentError */
  async running(nodeId: string): Promise<ReadonlySet<string>> {
    try {
      const ids = await this.#options.nodes.running(nodeId);
      this.#answeredMs.set(nodeId, this.#now());
      return ids;
    } catch (error) {
      const answeredMs = this.#answeredMs.get(nodeId) ?? Number.NEGATIVE_INFINITY;
      this.#answeredMs.delete(nodeId);
      const isSudden = this.#now() - answeredMs < LATELY_MS;
      if (error instanceof NodeSilentError && error.isBroken && isSudden) {
        this.#options.onBroken(nodeId);
      }
      throw error;
    }
  }
}
