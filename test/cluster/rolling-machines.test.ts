import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GroupDescription, GroupMachine } from '../../node-image/cluster/node-group';
import type { NodeState, RegisteredNode } from '../../node-image/cluster/node-record';
import { rollingStep } from '../../node-image/cluster/rolling';
import { MACHINE_ROLL_REASON } from '../../node-image/cluster/shared-config';
import { recordOf } from './core-support';

const node = (id: string, state: NodeState = 'serving', reason?: string): RegisteredNode => ({
  record: recordOf(id, { state }),
  seenAgoMs: 0,
  order:
    reason === undefined
      ? undefined
      : { id: 'DR_1', reason, patienceUntilMs: 0, deadlineMs: 0, onDeadline: 'force' },
});
const machine = (id: string, isOutdated: boolean, state: GroupMachine['state'] = 'running') => ({
  id,
  state,
  ageMs: 0,
  isOutdated,
});
const group = (
  machines: readonly GroupMachine[],
  changes: Partial<GroupDescription> = {},
): GroupDescription => ({
  wanted: machines.filter(({ state }) => state !== 'stopping').length,
  machines,
  limits: { min: 1, max: 10 },
  ...changes,
});
const step = (nodes: RegisteredNode[], described: GroupDescription, size = 2) =>
  rollingStep({ nodes, version: 0, group: described, size, self: 'M1' });

describe('machines of an older launch template', () => {
  it('are left alone where there are none', () => {
    const machines = [machine('N1', false), machine('N2', false)];
    assert.deepEqual(step([node('N1'), node('N2')], group(machines)), { step: 'done' });
  });

  it('are replaced one after the other: first a new one, then an old one drains', () => {
    const old = [machine('N1', true), machine('N2', true)];
    const both = [node('N1'), node('N2')];
    assert.equal(step(both, group(old)).step, 'grow');
    assert.equal(step(both, group(old, { wanted: 3 })).step, 'wait', 'it is asked for');
    const three = group([...old, machine('N3', false)]);
    const drain = step([...both, node('N3')], three);
    assert.deepEqual([drain.step, 'inPlace' in drain && drain.inPlace], ['drain', false]);
    const draining = [node('N1', 'draining', MACHINE_ROLL_REASON), node('N2'), node('N3')];
    assert.equal(step(draining, three).step, 'wait', 'one at a time');
  });

  it('are done when all are replaced', () => {
    const machines = [machine('N1', true, 'stopping'), machine('N3', false), machine('N4', false)];
    const nodes = [node('N3'), node('N4')];
    assert.deepEqual(step(nodes, group(machines)), { step: 'done' });
  });

  it('drain without a new one where the group may have no more', () => {
    const machines = [machine('N1', true), machine('N2', true)];
    const full = group(machines, { limits: { min: 2, max: 2 } });
    assert.equal(step([node('N1'), node('N2')], full).step, 'drain');
    const afterwards = group([machine('N2', true)], { limits: { min: 1, max: 2 } });
    assert.equal(step([node('N2')], afterwards).step, 'grow', 'before the next one');
  });

  it('wait where there is one, and there may be no other one', () => {
    const only = group([machine('N1', true)], { limits: { min: 1, max: 1 } });
    const waits = step([node('N1')], only, 1);
    assert.equal(waits.step, 'wait');
    assert.match('why' in waits ? waits.why : '', /only Media Node.*raise its maximum/);
  });

  it('do not make masters leave', () => {
    const master = { ...node('M1'), record: recordOf('M1', { role: 'master', machineId: 'N1' }) };
    const described = group([machine('N1', true)]);
    assert.deepEqual(step([master], described), { step: 'done' });
  });
});
