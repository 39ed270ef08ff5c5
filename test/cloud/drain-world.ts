import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { DrainOrder } from '../../node-image/cluster/node-record';
import { recordOf } from '../cluster/core-support';
import { FakeAws } from '../support/aws/fake-aws';
import { FakeMetadata } from '../support/aws/fake-metadata';
import { FakeScalingGroup } from '../support/aws/fake-scaling-group';

/** What the hook waits without a heartbeat, ms. Short: a client that does not care is found out soon. */
export const HOOK_MS = 900;
/** As often as clients are to look, ms. */
export const LOOK_MS = 50;
/** What a client is given to notice, ms: much longer than it takes. */
export const NOTICE_MS = 3000;
export const HOOK = 'sluice-terminating';

/** A Media Node on the machine, as the registry sees it. */
export class FakeNode {
  isAlive = true;
  rooms = 1;
  order: DrainOrder | undefined;
  /** What it was ordered, one after the other. */
  readonly orders: DrainOrder[] = [];
  readonly #registry: MemoryRegistry;
  readonly #machineId: string;
  readonly #timer: NodeJS.Timeout;

  constructor(registry: MemoryRegistry, machineId: string) {
    this.#registry = registry;
    this.#machineId = machineId;
    this.#timer = setInterval(() => void this.beat(), LOOK_MS);
  }

  async beat(): Promise<void> {
    if (!this.isAlive) return;
    const isEmpty = this.rooms === 0;
    const state = this.order === undefined ? 'serving' : isEmpty ? 'drained' : 'draining';
    const record = recordOf('N1', { machineId: this.#machineId, state });
    const { order } = await this.#registry.heartbeat(record, [], this.order);
    if (order !== undefined && JSON.stringify(order) !== JSON.stringify(this.order)) {
      this.orders.push(order);
      this.order = order;
    }
  }

  /** Its process is killed, and its record taken away. */
  async die(): Promise<void> {
    this.isAlive = false;
    await this.#registry.forgetNode('N1');
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** A machine of a group with a node on it, and all that a drain client speaks to. */
export interface DrainWorld {
  readonly machineId: string;
  readonly group: FakeScalingGroup;
  readonly aws: FakeAws;
  readonly metadata: FakeMetadata;
  readonly registry: MemoryRegistry;
  readonly node: FakeNode;
  /** AWS ends the machine. */
  end(): void;
  isEnded(): boolean;
  close(): Promise<void>;
}

export async function drainWorld(): Promise<DrainWorld> {
  const hook = { name: HOOK, transition: 'terminating', defaultResult: 'CONTINUE' } as const;
  const group = new FakeScalingGroup({ hooks: [{ ...hook, heartbeatTimeout: HOOK_MS / 1000 }] });
  group.setDesired(1);
  const machineId = group.machines[0]?.id ?? '';
  const aws = await FakeAws.start(group);
  const metadata = await FakeMetadata.start({ 'instance-id': machineId });
  const registry = new MemoryRegistry();
  const node = new FakeNode(registry, machineId);
  await node.beat();
  const timer = setInterval(() => {
    group.expire();
    const target = group.targetStateOf(machineId);
    if (target !== undefined) metadata.values.set('autoscaling/target-lifecycle-state', target);
  }, LOOK_MS / 2);
  return {
    machineId,
    group,
    aws,
    metadata,
    registry,
    node,
    end: () => group.beginEnd(machineId),
    isEnded: () => group.machine(machineId) === undefined,
    close: async () => {
      clearInterval(timer);
      node.close();
      await Promise.all([aws.close(), metadata.close(), registry.close()]);
    },
  };
}

/** @returns whether it became true in time. */
export async function within(ms: number, isSo: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + ms;
  while (!isSo()) {
    if (performance.now() > untilMs) return false;
    await sleep(LOOK_MS / 2);
  }
  return true;
}
