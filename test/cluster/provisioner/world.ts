import { pino } from 'pino';
import { MemoryRegistry } from '../../../node-image/cluster/memory-registry';
import type { NodeRecord } from '../../../node-image/cluster/node-record';
import type {
  ProvisionAnswer,
  Provisioner,
  ProvisionRequest,
} from '../../../node-image/cluster/provisioner/provisioner';
import {
  ProvisionerGroup,
  type ProvisionerGroupOptions,
} from '../../../node-image/cluster/provisioner/provisioner-group';
import { recordOf } from '../core-support';

/** Answers as the test says. */
export class FakeProvisioner implements Provisioner {
  readonly name = 'fake';
  readonly asked: ProvisionRequest[] = [];
  answer: () => ProvisionAnswer | Promise<ProvisionAnswer> = () => ({ outcome: 'done' });

  async ask(request: ProvisionRequest): Promise<ProvisionAnswer> {
    this.asked.push(request);
    return this.answer();
  }

  /** Without their ids. */
  get what(): object[] {
    return this.asked.map(({ id: _, ...rest }) => rest);
  }
}

/** A registry with Media Nodes in it, and a group that asks a provisioner. */
export function provisionerWorld(changes: Partial<ProvisionerGroupOptions> = {}) {
  const clock = { now: 1_000_000 };
  const registry = new MemoryRegistry({ now: () => clock.now });
  const provisioner = new FakeProvisioner();
  const lines: string[] = [];
  /** Machines whose nodes answer on their link. */
  const alive = new Set<string>();
  const groupOf = (nodeId: string) =>
    new ProvisionerGroup({
      kind: 'webhook',
      provisioner,
      registry,
      nodeId,
      limits: { min: 1, max: 4 },
      retryAfterMs: 300_000,
      deadAfterMs: 600_000,
      everyMs: 5000,
      isAlive: (machine) => alive.has(machine),
      log: pino({}, { write: (line: string) => lines.push(line) }),
      now: () => clock.now,
      ...changes,
    });
  const beat = (id: string, more: Partial<NodeRecord> = {}) =>
    registry.heartbeat(recordOf(id, { startedAtMs: clock.now, ...more }), []);
  /** A node that is empty, as the controller has it before it ends a machine. */
  const empty = async (id: string): Promise<void> => {
    await beat(id);
    await registry.order(id, {
      id: `DR_${id}`,
      reason: 'scale-in',
      patienceUntilMs: 0,
      deadlineMs: 0,
      onDeadline: 'force',
      final: 'its machine has been told to end',
    });
    await beat(id, { state: 'drained' });
  };
  const group = groupOf('M1');
  return { clock, registry, provisioner, group, groupOf, beat, empty, alive, lines };
}

/** Lets what was begun in the background come to its end. */
export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
