import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideScaling, type ScalingState } from '../../node-image/cluster/scaling';
import type { ScalingConfig } from '../../node-image/cluster/scaling-stock';
import { anyNodes, ledgerWith } from './placement-nodes';
import { busy, machine, nodeOn, scaleIn, scalingWith } from './scaling-nodes';

const anyScaling = fc
  .record({
    min_nodes: fc.integer({ min: 1, max: 5 }),
    extra: fc.nat(6),
    target_load: fc.constantFrom(0.3, 0.6, 0.8),
    headroom_rooms: fc.constantFrom(0, 2, 40),
    scale_in_after: fc.constantFrom(0, 60_000),
  })
  .map(({ extra, ...one }) => scalingWith({ ...one, max_nodes: one.min_nodes + extra }));

test('whatever the nodes: bounds are kept, and none that leaves is chosen', () => {
  const machineState = fc.constantFrom('starting', 'running', 'running', 'stopping');
  const group = fc.array(fc.record({ state: machineState, ageMs: fc.nat(2e6) }), { maxLength: 10 });
  fc.assert(
    fc.property(
      anyNodes,
      group,
      fc.nat(2),
      anyScaling,
      fc.nat(20),
      fc.option(fc.nat(1e6), { nil: undefined }),
      (all, states, more, scaling, unplaced, lowSinceMs) => {
        const nodes = all.map((node, index) => ({
          ...node,
          record: { ...node.record, machineId: `m${index}` },
        }));
        const machines = states.map((one, index) => ({ id: `m${index}`, ...one }));
        const live = machines.filter(({ state }) => state !== 'stopping').length;
        const decision = decideScaling({
          nodes,
          group: { wanted: live + more, machines },
          scaling,
          ledger: ledgerWith(),
          nowMs: 1e6,
          state: { lowSinceMs },
          unplaced,
        });
        const { figures } = decision;
        if (decision.action === 'grow') {
          assert.ok(decision.count >= 1);
          assert.ok(live + more + decision.count <= scaling.max_nodes);
        }
        if (decision.action === 'shrink') {
          assert.ok(figures.serving - decision.nodeIds.length >= scaling.min_nodes);
          assert.notEqual(decision.nodeIds.length, 0);
          for (const id of decision.nodeIds) {
            const node = nodes.find(({ record }) => record.id === id);
            assert.deepEqual([node?.record.state, node?.order], ['serving', undefined]);
            const { state } = machines.find((one) => one.id === node?.record.machineId) ?? {};
            assert.ok(state === 'running' || state === 'starting');
          }
        }
        assert.notEqual(decision.reason, '');
      },
    ),
    { numRuns: 500 },
  );
});

/** A cluster whose load is spread over the nodes that serve, decided about every five seconds. */
function simulate(loadCores: number, count: number, scaling: ScalingConfig, seconds: number) {
  const start = (index: number, atMs: number) => ({ id: `m${index}`, atMs, drainedMs: Infinity });
  let machines = Array.from({ length: count }, (_, index) => start(index, -1e6));
  let made = count;
  let state: ScalingState = {};
  const actions: { readonly action: string; readonly atMs: number }[] = [];
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 5000) {
    machines = machines.filter(({ drainedMs }) => drainedMs > nowMs);
    const up = machines.filter(({ atMs }) => nowMs - atMs >= 60_000);
    const carriers = up.filter(({ drainedMs }) => drainedMs === Infinity).length;
    const nodes = up.map(({ id, drainedMs }) =>
      drainedMs === Infinity
        ? nodeOn(id, busy(Math.min(1, loadCores / (4 * carriers))))
        : nodeOn(id, { order: scaleIn }),
    );
    const decision = decideScaling({
      nodes,
      group: {
        wanted: machines.length,
        machines: machines.map(({ id, atMs }) =>
          machine(id, {
            ageMs: nowMs - atMs,
            state: nowMs - atMs >= 60_000 ? 'running' : 'starting',
          }),
        ),
      },
      scaling,
      ledger: ledgerWith(),
      nowMs,
      state,
    });
    state = decision.nextState;
    if (decision.action !== 'none') actions.push({ action: decision.action, atMs: nowMs });
    if (decision.action === 'grow') {
      for (let index = 0; index < decision.count; index += 1) machines.push(start(made++, nowMs));
    }
    if (decision.action === 'shrink') {
      const going = new Set(decision.nodeIds.map((id) => id.slice(3)));
      machines = machines.map((one) =>
        going.has(one.id) ? { ...one, drainedMs: nowMs + 30_000 } : one,
      );
    }
  }
  return { actions, left: machines.length };
}

test('a constant load never lets the group go up and down, and it comes to rest', () => {
  fc.assert(
    fc.property(
      fc.nat(400).map((tenths) => tenths / 10),
      fc.integer({ min: 1, max: 11 }),
      anyScaling,
      (loadCores, count, scaling) => {
        const { actions, left } = simulate(loadCores, count, scaling, 3600);
        const kinds = new Set(actions.map(({ action }) => action));
        // It may have to end what max_nodes forbids; else it goes one way.
        if (count <= scaling.max_nodes) assert.ok(kinds.size <= 1, [...kinds].join(', '));
        assert.ok(!kinds.has('undrain') && !kinds.has('remove'));
        const last = actions.at(-1)?.atMs ?? 0;
        assert.ok(last < 3_000_000, `${last}`);
        assert.ok(
          left >= scaling.min_nodes && left <= Math.max(scaling.max_nodes, scaling.min_nodes),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('a group that is too small for a load grows until the load is below the target', () => {
  const { actions, left } = simulate(7.5, 1, scalingWith({ max_nodes: 9 }), 900);
  assert.deepEqual(new Set(actions.map(({ action }) => action)), new Set(['grow']));
  assert.equal(left, 4);
});
