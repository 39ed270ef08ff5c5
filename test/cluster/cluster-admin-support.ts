import { ClusterAdmin, type RoomFigures } from '../../node-image/cluster/cluster-admin';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { choosePlacement } from '../../node-image/cluster/placement';
import { ledgerWith, type NodeChanges, nodeNamed, selectorWith } from './placement-nodes';

export const CALLER = { apiKey: 'devkey' };
const MINUTE = 60_000;

/** A cluster that is in the registry only, and whose clock the test moves. */
export class AdminCluster {
  nowMs = 1_000_000;
  /** Ids of nodes that answer on their link. */
  readonly alive = new Set<string>();
  figures: () => Promise<RoomFigures[]> = async () => [];
  readonly registry = new MemoryRegistry({ now: () => this.nowMs });
  readonly admin: ClusterAdmin;
  #orders = 0;

  constructor() {
    this.admin = new ClusterAdmin({
      registry: this.registry,
      nodeId: 'ND_this',
      choose: (snapshot, exclude) =>
        choosePlacement({
          snapshot,
          selector: selectorWith(),
          ledger: ledgerWith(),
          exclude,
          linkProtocol: 1,
          random: () => 0.5,
        }),
      drain: { patience: 15 * MINUTE, deadline: 60 * MINUTE, on_deadline: 'force' },
      listRooms: () => this.figures(),
      isAlive: async ({ record }) => this.alive.has(record.id),
      newId: () => {
        this.#orders += 1;
        return `order-${this.#orders}`;
      },
    });
  }

  async beat(id: string, changes: NodeChanges = {}): Promise<void> {
    await this.registry.heartbeat(nodeNamed(id, changes).record, []);
  }

  async place(nodeId: string, ...rooms: string[]): Promise<void> {
    for (const room of rooms) await this.registry.place({ room, nodeId });
  }

  async audited(): Promise<string[]> {
    return (await this.registry.auditTrail(100)).map(({ by, text }) => `${by}: ${text}`);
  }
}
