import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeRecord, RegisteredNode } from '../../node-image/cluster/node-record';
import { RelayPeers } from '../../node-image/lifecycle/relay-peers';
import { nodeRecord } from '../cluster/support/registry-facts';

const TURN = { host: '10.0.0.9', port: 3478 };

function peersOf(first: readonly RegisteredNode[]) {
  const world = { nodes: [...first], nowMs: 0 };
  const listeners: (() => void)[] = [];
  const allowed: (readonly string[])[] = [];
  const peers = new RelayPeers({
    watch: { nodes: () => world.nodes, onLooked: (listener) => listeners.push(listener) },
    turn: { allow: async (addresses) => void allowed.push(addresses) },
    nodeId: 'ND_own',
    mediaAddresses: ['10.0.0.4', '192.0.2.4'],
    now: () => world.nowMs,
  });
  const lookAt = (nowMs: number): void => {
    world.nowMs = nowMs;
    for (const listener of listeners) listener();
  };
  return { peers, world, allowed, lookAt };
}

const node = (id: string, changes: Partial<NodeRecord>): RegisteredNode => ({
  record: nodeRecord(id, changes),
  seenAgoMs: 0,
});

test('TURN relays to where nodes take media, whatever their state, and to no name', () => {
  const { allowed, lookAt } = peersOf([
    node('ND_a', { mediaAddresses: ['10.0.0.5', '192.0.2.5'], state: 'starting' }),
    node('ND_b', { mediaAddresses: ['10.0.0.5', 'somewhere.example.com'], state: 'draining' }),
    node('ND_master', { role: 'master' }),
  ]);
  lookAt(0);
  assert.deepEqual(allowed, [['10.0.0.5', '192.0.2.5']]);
});

test('TURN/TLS comes to a node when its TURN server knows the others, and stays when more come', () => {
  const { peers, world, lookAt } = peersOf([node('ND_a', { mediaAddresses: ['10.0.0.5'] })]);
  assert.equal(peers.isReady, false);
  lookAt(1000);
  lookAt(4000);
  world.nodes.push(node('ND_b', { mediaAddresses: ['10.0.0.6'] }));
  lookAt(5000);
  lookAt(10_000);
  assert.equal(peers.isReady, false, 'it learned of the second one 5 s ago');
  lookAt(11_000);
  assert.equal(peers.isReady, true);
  world.nodes.push(node('ND_c', { mediaAddresses: ['10.0.0.7'] }));
  lookAt(12_000);
  assert.equal(peers.isReady, true);
});

test('a node waits with its first Room for TURN servers that have clients, and for no others', () => {
  const own = node('ND_own', { mediaAddresses: ['10.0.0.4', '192.0.2.4'], turnTls: TURN });
  const other = node('ND_a', { mediaAddresses: ['10.0.0.5'] });
  const withTurn = node('ND_b', { mediaAddresses: ['10.0.0.9'], turnTls: TURN });
  assert.equal(peersOf([own, other]).peers.knownInMs, 0);
  assert.ok(peersOf([own, other, withTurn]).peers.knownInMs > 5000);
  const before = node('ND_before', { mediaAddresses: ['10.0.0.4', '192.0.2.4'] });
  assert.equal(peersOf([before, withTurn]).peers.knownInMs, 0, 'it was known before its restart');
});
