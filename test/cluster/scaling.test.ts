import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupDescription, GroupMachine } from '../../node-image/cluster/node-group';
import type { NodeLoad, RegisteredNode } from '../../node-image/cluster/node-record';
import {
  cheapestToEmpty,
  decideScaling,
  type ScalingQuestion,
  type ScalingState,
} from '../../node-image/cluster/scaling';
import {
  roomsThatFit,
  type ScalingConfig,
  scalingLoad,
} from '../../node-image/cluster/scaling-stock';
import { drainOrder, IDLE, ledgerWith, nodeNamed } from './placement-nodes';
import { busy, machine, nodeOn, scaleIn, scalingWith } from './scaling-nodes';

const groupOf = (...machines: (string | GroupMachine)[]): GroupDescription => ({
  wanted: machines.length,
  machines: machines.map((one) => (typeof one === 'string' ? machine(one) : one)),
});

function decide(
  nodes: readonly RegisteredNode[],
  changes: Partial<Omit<ScalingQuestion, 'scaling'>> & { scaling?: Partial<ScalingConfig> } = {},
) {
  const { scaling, ...others } = changes;
  return decideScaling({
    nodes,
    group: groupOf(...nodes.map(({ record }) => record.machineId)),
    scaling: scalingWith(scaling),
    ledger: ledgerWith(),
    nowMs: 1e9,
    state: {},
    ...others,
  });
}

describe('the group grows', () => {
  test('when the load is above the target, by as many as bring it below', () => {
    const one = decide([nodeOn('a', busy(0.61))]);
    assert.deepEqual([one.action, 'count' in one && one.count], ['grow', 1]);
    assert.equal(one.reason, 'load 0.61 of 1 nodes is above target_load, 0.6');
    const two = decide([nodeOn('a', busy(1)), nodeOn('b', busy(1))], {
      scaling: { max_nodes: 9, target_load: 0.5 },
    });
    assert.deepEqual([two.action, 'count' in two && two.count], ['grow', 2]);
    assert.equal(decide([nodeOn('a', busy(0.6))]).action, 'none');
  });

  test('when jobs wait for a node, by as many as take them', () => {
    const question = { scaling: { max_nodes: 9 }, waitingCpus: 6 };
    const grown = decide([nodeOn('a')], question);
    assert.deepEqual([grown.action, 'count' in grown && grown.count], ['grow', 2]);
    assert.equal(grown.reason, 'jobs that need 6 CPU cores wait for a node');
    assert.equal(decide([nodeOn('a')], { waitingCpus: 0 }).action, 'none');
  });

  test('when jobs were refused lately, by as many as would have taken them', () => {
    const question = { scaling: { max_nodes: 9 }, refusedCpus: 6, waitingCpus: 1 };
    const grown = decide([nodeOn('a')], question);
    assert.deepEqual([grown.action, 'count' in grown && grown.count], ['grow', 2]);
    assert.equal(grown.reason, 'jobs that need 6 CPU cores were refused lately');
  });

  test('when too few further Rooms fit', () => {
    const question = { scaling: { headroom_rooms: 30 } };
    // 0.9 * 4 cores, 0.1 for each Room; then 0.1 * 4 cores less.
    assert.equal(decide([nodeOn('a')], question).figures.roomsThatFit, 36);
    assert.equal(decide([nodeOn('a', busy(0.1))], question).action, 'none');
    const grown = decide([nodeOn('a', busy(0.2))], question);
    assert.equal(grown.action, 'grow');
    assert.match(grown.reason, /28 more Rooms fit, fewer than headroom_rooms, 30$/);
  });

  test('when Rooms found no node', () => {
    const grown = decide([nodeOn('a', busy(0.3))], { unplaced: 3 });
    assert.deepEqual([grown.action, grown.reason], ['grow', '3 Rooms found no node']);
    const first = decide([], { scaling: { min_nodes: 0 }, unplaced: 300 });
    assert.deepEqual([first.action, 'count' in first && first.count], ['grow', 1]);
  });

  test('when there are fewer nodes than min_nodes', () => {
    const grown = decide([], { scaling: { min_nodes: 2 } });
    assert.deepEqual([grown.action, 'count' in grown && grown.count], ['grow', 2]);
  });

  test('not again while machines are starting, or are asked for only', () => {
    const nodes = [nodeOn('a', busy(0.9))];
    const starting = groupOf('a', machine('b', { state: 'starting', ageMs: 9000 }));
    assert.equal(decide(nodes, { group: starting }).action, 'none');
    assert.equal(decide(nodes, { group: { ...groupOf('a'), wanted: 2 } }).action, 'none');
    const booting = [...nodes, nodeOn('b', { state: 'starting' })];
    assert.equal(decide(booting, { group: groupOf('a', machine('b')) }).action, 'none');
  });

  test('never above max_nodes, and says so', () => {
    const nodes = ['a', 'b'].map((id) => nodeOn(id, busy(1)));
    const stuck = decide(nodes, { scaling: { max_nodes: 2 } });
    assert.equal(stuck.action, 'none');
    assert.match(stuck.reason, /target_load, 0.6, but there are max_nodes, 2, already$/);
  });

  test('for load that a draining node will leave behind', () => {
    const nodes = [nodeOn('a', busy(0.4)), nodeOn('b', { ...busy(0.4), order: drainOrder })];
    assert.equal(decide(nodes).action, 'grow');
    assert.equal(decide(nodes).figures.meanLoad, 0.8);
  });

  test('by cancelling a drain of its own before by a new machine', () => {
    const nodes = [nodeOn('a', busy(0.9)), nodeOn('b', { order: scaleIn })];
    const back = decide(nodes);
    assert.deepEqual([back.action, 'nodeIds' in back && back.nodeIds], ['undrain', ['ND_b']]);
    for (const order of [drainOrder, { ...scaleIn, final: 'terminated' }]) {
      const told = [nodeOn('a', busy(0.9)), nodeOn('b', { order })];
      assert.equal(decide(told).action, 'grow');
    }
  });
});

describe('a machine without a node', () => {
  const nodes = [nodeOn('a', busy(0.2))];
  const question = { group: groupOf('a', 'b'), scaling: { min_nodes: 2 } };
  /** Decides twice, so long after the node of b was seen. */
  const later = (afterMs: number, memory: ScalingState = {}) => {
    const seen = decide([...nodes, nodeOn('b')], { ...question, state: memory });
    const gone = decide(nodes, { ...question, state: seen.nextState });
    return decide(nodes, { ...question, state: gone.nextState, nowMs: 1e9 + afterMs });
  };

  test('is waited for, then replaced, then removed', () => {
    assert.equal(later(20_000).action, 'none');
    assert.equal(later(31_000).action, 'grow');
    const enough = { ...question, scaling: { min_nodes: 2, max_nodes: 2 } };
    const first = decide([...nodes, nodeOn('b')], enough);
    const second = decide(nodes, { ...enough, state: first.nextState });
    const third = decide(nodes, { ...enough, state: second.nextState, nowMs: 1e9 + 599_000 });
    assert.equal(third.action, 'none');
    const last = decide(nodes, { ...enough, state: third.nextState, nowMs: 1e9 + 601_000 });
    assert.deepEqual([last.action, 'machineIds' in last && last.machineIds], ['remove', ['b']]);
  });

  test('has longer to start than to start again', () => {
    const starting = { ...question, group: groupOf('a', machine('b', { ageMs: 0 })) };
    const first = decide(nodes, starting);
    const startedAgo = (ms: number) => {
      const group = groupOf('a', machine('b', { ageMs: ms }));
      return decide(nodes, { ...question, group, state: first.nextState, nowMs: 1e9 + ms });
    };
    assert.equal(startedAgo(300_000).action, 'none');
    assert.equal(startedAgo(601_000).action, 'grow');
  });

  test('is not waited for long by a controller that has just taken over', () => {
    const old = { ...question, group: groupOf('a', machine('b', { ageMs: 1e8 })) };
    const first = decide(nodes, old);
    assert.equal(first.action, 'none');
    const second = decide(nodes, { ...old, state: first.nextState, nowMs: 1e9 + 31_000 });
    assert.equal(second.action, 'grow');
  });
});

describe('the group shrinks', () => {
  const two = ['a', 'b'].map((id) => nodeOn(id, busy(0.1)));
  const low = (sinceMs: number): ScalingState => ({ lowSinceMs: 1e9 - sinceMs });

  test('only after the load has allowed it for scale_in_after without a break', () => {
    const first = decide(two);
    assert.deepEqual([first.action, first.nextState.lowSinceMs], ['none', 1e9]);
    assert.equal(decide(two, { state: low(299_000) }).action, 'none');
    assert.equal(decide(two, { state: low(300_000) }).action, 'shrink');
    const high = two.map(({ record }) => nodeOn(record.machineId, busy(0.5)));
    assert.equal(decide(high, { state: low(299_000) }).nextState.lowSinceMs, undefined);
  });

  test('not where the rest would come near the target, or have too little headroom', () => {
    const nodes = ['a', 'b'].map((id) => nodeOn(id, busy(0.24)));
    assert.equal(decide(nodes, { state: low(1e8) }).action, 'none');
    const state = low(1e8);
    assert.equal(decide(two, { state, scaling: { headroom_rooms: 34 } }).action, 'none');
    assert.equal(decide(two, { state, scaling: { headroom_rooms: 20 } }).action, 'shrink');
  });

  test('not below min_nodes', () => {
    assert.equal(decide(two, { state: low(1e8), scaling: { min_nodes: 2 } }).action, 'none');
  });

  test('not while one is draining or starting', () => {
    const state = low(1e8);
    const draining = [...two, nodeOn('c', { order: scaleIn })];
    assert.equal(decide(draining, { state }).action, 'none');
    const starting = groupOf('a', 'b', machine('c', { state: 'starting', ageMs: 100 }));
    assert.equal(decide(two, { state, group: starting }).action, 'none');
  });

  test('a large group by several at a time', () => {
    const many = Array.from({ length: 12 }, (_, index) => nodeOn(`m${index}`));
    const shrunk = decide(many, { state: low(1e8), scaling: { max_nodes: 20 } });
    assert.equal('nodeIds' in shrunk && shrunk.nodeIds.length, 3);
    assert.equal(shrunk.nextState.lowSinceMs, undefined);
  });

  test('at once where max_nodes was lowered', () => {
    const nodes = ['a', 'b', 'c'].map((id) => nodeOn(id, busy(0.55)));
    const shrunk = decide(nodes, { scaling: { max_nodes: 2 } });
    assert.equal('nodeIds' in shrunk && shrunk.nodeIds.length, 1);
  });

  test('never by a node that is not of the group', () => {
    const group = groupOf('b');
    const nodes = [nodeNamed('ND_own'), nodeOn('b', { load: { cpuLoad: 0.1, clients: 50 } })];
    const shrunk = decide(nodes, { state: low(1e8), group });
    assert.deepEqual('nodeIds' in shrunk && shrunk.nodeIds, ['ND_b']);
  });
});

describe('the node that is cheapest to empty', () => {
  const order = (...nodes: RegisteredNode[]) =>
    cheapestToEmpty(nodes).map(({ record }) => record.id);

  test('has the fewest participants, then Rooms, and is the youngest', () => {
    const with_ = (id: string, clients: number, rooms: number, startedAtMs: number) =>
      nodeNamed(id, { load: { clients, rooms }, startedAtMs });
    const nodes = [
      with_('a', 2, 1, 9),
      with_('b', 1, 2, 9),
      with_('c', 1, 1, 1),
      with_('d', 1, 1, 5),
    ];
    assert.deepEqual(order(...nodes), ['d', 'c', 'b', 'a']);
  });

  test('has no Room that was placed since it last told of itself', () => {
    const told = nodeNamed('told', { load: { clients: 0, rooms: 0 }, startedAtMs: 1 });
    const given = nodeNamed('given', { load: { clients: 0, rooms: 0 }, startedAtMs: 9 });
    const placed = (agoMs: number, room = 'r') =>
      cheapestToEmpty([told, given], [{ room, nodeId: 'given', agoMs }])[0]?.record.id;
    assert.equal(placed(1_000), 'told');
    assert.equal(placed(20_000), 'given', 'it has told by now that it has none');
    assert.equal(placed(1_000, 'sluice-ready-1'), 'given', 'nobody misses a test call');
  });

  test('has an old configuration, if any has', () => {
    const old = nodeNamed('old', { configVersion: 1, load: { clients: 100 } });
    assert.deepEqual(order(nodeNamed('new', { configVersion: 2 }), old), ['old', 'new']);
  });
});

describe('the load of a node', () => {
  const load = (changes: Partial<NodeLoad>): NodeLoad => ({ ...IDLE, ...changes });

  test('is the scarcest of CPU, network and promised cores', () => {
    const network = { bytesPerSec: 70, bytesPerSecLimit: 100 };
    assert.equal(scalingLoad(load({ cpuLoad: 0.3, ...network, reservedCpus: 2 })), 0.7);
    assert.equal(scalingLoad(load({ cpuLoad: 0.3, reservedCpus: 2 })), 0.5);
    assert.equal(scalingLoad(load({ cpuLoad: 0.3, bytesPerSec: 1e12 })), 0.3);
  });

  test('leaves room for so many Rooms, by what is scarcest', () => {
    const ledger = ledgerWith({ room_memory_cost: 1e8, room_bandwidth_cost: 1e6 });
    assert.equal(roomsThatFit(load({ cpuLoad: 0.4 }), ledger), 20);
    assert.equal(roomsThatFit(load({ memory: { used: 7e9, limit: 8e9 } }), ledger), 6);
    assert.equal(roomsThatFit(load({ bytesPerSecLimit: 1e7 }), ledger), 9);
    assert.equal(roomsThatFit(load({ cpuLoad: 1 }), ledger), 0);
    assert.equal(roomsThatFit(load({ limitReached: true }), ledger), 0);
    const free = { room_cpu_cost: 0, room_memory_cost: 0, room_bandwidth_cost: 0 };
    assert.equal(roomsThatFit(load({}), ledgerWith(free)), Number.POSITIVE_INFINITY);
  });
});
