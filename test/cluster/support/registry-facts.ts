import type { DrainOrder, NodeRecord } from '../../../node-image/cluster/node-record';
import type { ClusterEvent, Registry } from '../../../node-image/cluster/registry';

/** A serving Media Node that does nothing. */
export function nodeRecord(id: string, changes: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id,
    role: 'media',
    state: 'serving',
    version: '0.1.0',
    linkProtocol: 1,
    link: { host: '10.0.0.4', port: 7870 },
    machineId: '',
    region: '',
    configVersion: 0,
    startedAtMs: 1_700_000_000_000,
    load: {
      cpus: 4,
      cpuLoad: 0.25,
      sysLoad: 0.5,
      rooms: 0,
      clients: 0,
      tracksIn: 0,
      tracksOut: 0,
      bytesPerSec: 0,
      bytesPerSecLimit: 0,
      descriptors: { used: 100, limit: 65_536 },
      disk: { used: 1, limit: 0 },
      memory: { used: 1, limit: 0 },
      turnAllocations: 0,
      reservedCpus: 0,
      limitReached: false,
    },
    ...changes,
  };
}

export function drainOrder(id: string, changes: Partial<DrainOrder> = {}): DrainOrder {
  return {
    id,
    reason: 'sluice drain',
    patienceUntilMs: 1_800_000_000_000,
    deadlineMs: 1_800_000_060_000,
    onDeadline: 'force',
    ...changes,
  };
}

/** Places a Room that is nowhere. @throws Error where it was placed already */
export async function placed(registry: Registry, room: string, nodeId: string): Promise<number> {
  const result = await registry.place({ room, nodeId });
  if (result.outcome !== 'placed') throw new Error(`${room}: ${result.outcome}`);
  return result.placement.epoch;
}

/** What it hears from now on. */
export function heard(registry: Registry): ClusterEvent[] {
  const events: ClusterEvent[] = [];
  registry.onEvent((event) => events.push(event));
  return events;
}

/** Has everybody told of a Room, by one that is placed and released. */
export async function tell(registry: Registry, room: string): Promise<void> {
  await registry.release(room, await placed(registry, room, 'ND_told'));
}
