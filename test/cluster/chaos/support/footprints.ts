import type { ClusterNode, TestCluster } from '../../../support/cluster';
import { Metrics } from '../../../support/metrics';
import { footprint } from '../../../support/proc';
import { metricsUrlOf, nodesOf } from './addresses';
import type { Count } from './observations';

/** Connections that nodes keep to each other and to Redis, for what comes next. */
const KEPT_DESCRIPTORS = 16;

/** What a process of each role holds while nobody is in a call, to be compared with later. */
export class Footprints {
  readonly #descriptors = new Map<ClusterNode['role'], number>();

  constructor(private readonly cluster: TestCluster) {}

  /** To be called before anybody is in a call. */
  async note(): Promise<void> {
    for (const node of this.#running()) {
      const { fileDescriptors } = await footprint(node.pid);
      const known = this.#descriptors.get(node.role) ?? 0;
      this.#descriptors.set(node.role, Math.max(known, fileDescriptors));
    }
  }

  /** To be called once everybody has left. */
  async compare(): Promise<Count[]> {
    const counts: Count[] = [];
    for (const node of this.#running()) {
      const process = `${node.name} ${node.nodeId}`;
      const before = this.#descriptors.get(node.role);
      const after = (await footprint(node.pid)).fileDescriptors;
      if (before !== undefined) {
        const what = 'file descriptors';
        counts.push({ process, what, before, after, slack: KEPT_DESCRIPTORS });
      }
      if (node.role === 'media') {
        const objects = await mediaObjects(node);
        counts.push({ process, what: 'media objects', before: 0, after: objects, slack: 0 });
      }
    }
    return counts;
  }

  #running(): ClusterNode[] {
    return nodesOf(this.cluster).filter((node) => node.running && node.nodeId !== '');
  }
}

/** Of mediasoup, whatever their kind. */
async function mediaObjects(node: ClusterNode): Promise<number> {
  return (await Metrics.scrape(metricsUrlOf(node))).sum('sluice_media_objects') ?? Number.NaN;
}
