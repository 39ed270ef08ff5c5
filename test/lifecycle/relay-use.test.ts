import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegisteredNode } from '../../node-image/cluster/node-record';
import { RelayUse } from '../../node-image/lifecycle/relay-use';
import { ORDER } from '../cli/views';
import { nodeNamed } from '../cluster/placement-nodes';

const saying = (id: string, relayedBy: Record<string, number> | undefined, seenAgoMs = 500) =>
  nodeNamed(id, { load: { relayedBy }, seenAgoMs });

function relayUse() {
  const world = { nodes: [] as RegisteredNode[], nowMs: 0, allocations: 3 };
  const listeners: (() => void)[] = [];
  const use = new RelayUse({
    watch: {
      nodes: () => world.nodes,
      node: (id) => world.nodes.find(({ record }) => record.id === id),
      onLooked: (listener) => listeners.push(listener),
    },
    nodeId: 'ND_own',
    allocations: () => world.allocations,
    now: () => world.nowMs,
  });
  const at = (nowMs: number, own: RegisteredNode, ...others: RegisteredNode[]): number => {
    world.nowMs = nowMs;
    world.nodes = [own, ...others, nodeNamed('ND_master', { role: 'master' })];
    for (const listener of listeners) listener();
    return use.left;
  };
  return { world, at };
}

const own = (draining: boolean) => nodeNamed('ND_own', draining ? { order: ORDER } : {});

test('a drain does not wait for allocations that nobody has media through', () => {
  const { at } = relayUse();
  assert.equal(at(0, own(false), saying('ND_a', {})), 3);
  assert.equal(at(1000, own(true), saying('ND_a', { ND_own: 0 })), 3, 'one may be on its way in');
  assert.equal(at(10_000, own(true), saying('ND_a', { ND_own: 0 })), 3);
  assert.equal(at(11_000, own(true), saying('ND_a', { ND_own: 0 })), 0);
  const drained = nodeNamed('ND_own', { state: 'drained', order: ORDER });
  assert.equal(at(12_000, drained, saying('ND_a', { ND_own: 0 })), 0);
  assert.equal(at(13_000, drained, saying('ND_a', { ND_own: 1 })), 3, 'somebody came late');
});

test('it waits for all of them while a node has somebody who is relayed, or does not say', () => {
  const { at, world } = relayUse();
  const none = saying('ND_a', { ND_own: 0 });
  at(0, own(true), none);
  assert.equal(at(20_000, own(true), none, saying('ND_b', { ND_own: 2 })), 3);
  assert.equal(at(21_000, own(true), none, saying('ND_b', { ND_other: 0 })), 3);
  assert.equal(at(22_000, own(true), none, saying('ND_b', undefined)), 3, 'of another version');
  assert.equal(at(23_000, own(true), none, saying('ND_b', { ND_own: 0 }, 6000)), 3, 'it is silent');
  assert.equal(at(24_000, own(true), none, saying('ND_b', { ND_own: 0 })), 0);
  world.allocations = 0;
  assert.equal(at(25_000, own(true), none, saying('ND_b', { ND_own: 2 })), 0);
});

test('a drain that was taken back and begins anew waits again', () => {
  const { at } = relayUse();
  const none = saying('ND_a', { ND_own: 0 });
  at(0, own(true), none);
  assert.equal(at(10_000, own(true), none), 0);
  assert.equal(at(11_000, own(false), none), 3);
  assert.equal(at(12_000, own(true), none), 3);
  assert.equal(at(22_000, own(true), none), 0);
});
