import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { FakeAzureMetadata } from '../support/fake-azure/fake-metadata';
import { type FakeEvent, FakeScaleSet } from '../support/fake-azure/fake-scale-set';
import { FakeNode } from './drain-world';

/** A Media Node on a machine of a scale set, and another machine beside it. */
export interface EventWorld {
  readonly machineId: string;
  readonly otherId: string;
  readonly set: FakeScaleSet;
  readonly metadata: FakeAzureMetadata;
  readonly registry: MemoryRegistry;
  readonly node: FakeNode;
  /** Azure announces it for these machines. */
  announce(event: Partial<FakeEvent> & Pick<FakeEvent, 'EventType'>): void;
  /** It is over, or does not come. */
  forget(): void;
  close(): Promise<void>;
}

export const NOTICE_MS = 900_000;

export async function eventWorld(): Promise<EventWorld> {
  const set = new FakeScaleSet();
  set.setCapacity(2);
  const [machineId = '', otherId = ''] = set.machines.map(({ name }) => name);
  const metadata = await FakeAzureMetadata.start({ name: machineId, set });
  const registry = new MemoryRegistry();
  const node = new FakeNode(registry, machineId);
  await node.beat();
  return {
    machineId,
    otherId,
    set,
    metadata,
    registry,
    node,
    announce: (event) => {
      set.events = [
        {
          EventId: 'event-1',
          Resources: [machineId],
          NotBefore: new Date(Date.now() + NOTICE_MS).toUTCString(),
          EventStatus: 'Scheduled',
          DurationInSeconds: -1,
          ...event,
        },
      ];
    },
    forget: () => {
      set.events = [];
    },
    close: async () => {
      node.close();
      await Promise.all([metadata.close(), registry.close()]);
    },
  };
}
