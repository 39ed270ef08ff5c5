import type { Logger } from 'pino';
import type { ProbeResult } from './link/link';
import type { LinkAddress, RegisteredNode } from './node-record';

/** A node that is reached over the node link. */
export type NodeWithLink = RegisteredNode & { readonly record: { readonly link: LinkAddress } };

export const hasLink = (node: RegisteredNode): node is NodeWithLink =>
  node.record.link !== undefined;

export interface NodeProofsOptions {
  /** Never rejects. */
  readonly probe: (node: NodeWithLink) => Promise<ProbeResult>;
  readonly log: Logger;
}

/** Which nodes have answered on their link, with the secret of this cluster. */
export class NodeProofs {
  readonly #options: NodeProofsOptions;
  readonly #proven = new Set<string>();
  readonly #proving = new Map<string, Promise<void>>();
  readonly #strangers = new Set<string>();

  constructor(options: NodeProofsOptions) {
    this.#options = options;
  }

  /** Those that never have. Asks those that are new. Never rejects. */
  async missing(nodes: readonly RegisteredNode[]): Promise<ReadonlySet<string>> {
    const fresh = nodes.filter(hasLink).filter(({ record }) => !this.#proven.has(record.id));
    await Promise.all(fresh.map((node) => this.#prove(node)));
    const still = fresh.filter(({ record }) => !this.#proven.has(record.id));
    return new Set(still.map(({ record }) => record.id));
  }

  forget(id: string): void {
    this.#proven.delete(id);
    this.#strangers.delete(id);
  }

  #prove(node: NodeWithLink): Promise<void> {
    const { id } = node.record;
    const running = this.#proving.get(id);
    if (running !== undefined) {
      return running;
    }
    const proving = this.#options
      .probe(node)
      .then((probe) => this.#tell(node, probe))
      .finally(() => this.#proving.delete(id));
    this.#proving.set(id, proving);
    return proving;
  }

  #tell({ record: { id, link, machineId } }: NodeWithLink, probe: ProbeResult): void {
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
}
