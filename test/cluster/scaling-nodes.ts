import type { GroupMachine } from '../../node-image/cluster/node-group';
import type { RegisteredNode } from '../../node-image/cluster/node-record';
import { SCALE_IN } from '../../node-image/cluster/scaling';
import type { ScalingConfig } from '../../node-image/cluster/scaling-stock';
import { configSchema } from '../../node-image/contract';
import { drainOrder, type NodeChanges, nodeNamed } from './placement-nodes';

const DEFAULTS = configSchema.parse({}).sluice.scaling;
export const scalingWith = (changes: Partial<ScalingConfig> = {}): ScalingConfig => ({
  ...DEFAULTS,
  ...changes,
});

export const machine = (id: string, changes: Partial<GroupMachine> = {}): GroupMachine => ({
  id,
  state: 'running',
  ageMs: 60_000,
  ...changes,
});

/** A node on a machine of the group. */
export const nodeOn = (machineId: string, changes: NodeChanges = {}): RegisteredNode =>
  nodeNamed(`ND_${machineId}`, { machineId, ...changes });

export const busy = (cpuLoad: number): NodeChanges => ({ load: { cpuLoad } });
export const scaleIn = { ...drainOrder, reason: SCALE_IN };
