import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { sleep, until } from '../../support/wait';
import {
  assertNoneDropped,
  assertUndisturbed,
  backTimes,
  leaveCalls,
  startCalls,
} from '../support/calls';
import { apiOf, closeAll, untilState, untilView } from './support/drains';

let cluster: TestCluster;
let clients: RustClients;
before(async () => {
  cluster = await TestCluster.start({
    mediaNodes: 2,
    config: {
      room: { departure_timeout: 1 },
      sluice: { drain: { patience: '2m', deadline: '5m' } },
    },
  });
  clients = await RustClients.start();
});
after(() => closeAll(clients, cluster));
afterEach(async () => {
  for (const node of cluster.mediaNodes) {
    if (!node.running) await node.start();
    else
      await cluster
        .admin()
        .undrain(node.nodeId)
        .catch(() => node.restart());
  }
  await cluster.untilServing();
  await until('all Rooms to be gone', async () => (await cluster.admin().rooms()).length === 0);
});

const options = { timeout: 90_000 };

/** All calls on one node: the other one drains while they start. */
async function callsOnOne(name: string, rooms: number) {
  const [node, other] = cluster.mediaNodes.filter(({ running }) => running);
  assert.ok(node && other);
  await cluster.admin().drain(other.nodeId, { patience: 0, deadline: '1m' });
  const calls = await startCalls(cluster, clients, { name, rooms });
  await cluster.admin().undrain(other.nodeId);
  await untilState(cluster, other, 'serving');
  return { node, other, calls };
}

test(
  'a Room that ends by itself while there is patience is not moved; the others are, after it',
  options,
  async () => {
    const { node, calls } = await callsOnOne('patience', 2);
    const [ending, staying] = calls;
    assert.ok(ending && staying);
    const { order } = await cluster.admin().drain(node.nodeId, { patience: '6s', deadline: '1m' });
    const orderedMs = Date.now();
    const first = await untilView(cluster, node, 'progress to be shown', ({ record }) => {
      return record.drain?.roomsLeft === 2 && record.drain.participantsLeft === 4;
    });
    assert.equal(first.state, 'draining');
    assert.equal(first.order?.deadlineMs, order.deadlineMs);
    assert.deepEqual(first.record.drain, {
      orderId: order.id,
      roomsLeft: 2,
      participantsLeft: 4,
      turnAllocationsLeft: 0,
      roomsMoved: 0,
      obstacle: '',
      overdue: false,
    });
    await leaveCalls([ending]);
    await sleep(orderedMs + 5_000 - Date.now());
    await assertUndisturbed([staying], orderedMs);
    const view = await untilState(cluster, node, 'drained');
    assert.equal(view.record.drain?.roomsMoved, 1);
    await backTimes([staying], orderedMs + 5_000);
    await assertNoneDropped([staying]);
    await leaveCalls([staying]);
  },
);

test(
  'an order that is taken back in the middle leaves the rest where they are',
  options,
  async () => {
    const { node, calls } = await callsOnOne('undrained', 2);
    const orderedMs = Date.now();
    await cluster.admin().drain(node.nodeId, { patience: '4s', deadline: '1m' });
    await untilState(cluster, node, 'draining');
    await sleep(1_000);
    const { order } = await cluster.admin().undrain(node.nodeId);
    assert.ok(order);
    await untilState(cluster, node, 'serving');
    await sleep(orderedMs + 6_000 - Date.now());
    await assertUndisturbed(calls, orderedMs);
    for (const { room } of calls) assert.equal((await cluster.roomNode(room)).nodeId, node.nodeId);
    await leaveCalls(calls);
  },
);

test(
  'with no other node and onDeadline keep, a node says what is in the way and stays; its calls go on',
  options,
  async () => {
    const { node, other, calls } = await callsOnOne('keep', 1);
    await cluster.admin().drain(other.nodeId, { patience: 0, deadline: '1m' });
    await untilState(cluster, other, 'drained');
    const orderedMs = Date.now();
    await cluster.admin().drain(node.nodeId, { patience: 0, deadline: '2s', onDeadline: 'keep' });
    const view = await untilView(cluster, node, 'the deadline to have passed', ({ record }) => {
      return record.drain?.overdue === true;
    });
    assert.equal(view.record.drain?.obstacle, 'no other Media Node serves');
    assert.equal(view.record.state, 'draining');
    await sleep(3_000);
    await assertUndisturbed(calls, orderedMs);
    // As soon as there is a node, they are moved.
    const movedMs = Date.now();
    await cluster.admin().undrain(other.nodeId);
    await untilState(cluster, node, 'drained');
    await backTimes(calls, movedMs);
    await assertNoneDropped(calls);
    await leaveCalls(calls);
  },
);

test(
  'with no other node and onDeadline force, its Rooms end, and their clients are back once there is one',
  options,
  async () => {
    const { node, other, calls } = await callsOnOne('force', 1);
    await cluster.admin().drain(other.nodeId, { patience: 0, deadline: '1m' });
    await untilState(cluster, other, 'drained');
    await cluster.admin().drain(node.nodeId, { patience: 0, deadline: '2s', onDeadline: 'force' });
    const view = await untilState(cluster, node, 'drained');
    const endedMs = Date.now() - 1_000;
    assert.equal(view.record.drain?.overdue, true);
    assert.equal(view.record.drain?.roomsMoved, 0);
    await sleep(3_000);
    await cluster.admin().undrain(other.nodeId);
    await backTimes(calls, endedMs);
    await assertNoneDropped(calls);
    assert.equal((await cluster.roomNode('force-0')).nodeId, other.nodeId);
    await leaveCalls(calls);
  },
);

test(
  'a node that is removed by force is told what it loses, and its clients find another one',
  options,
  async () => {
    const { node, other, calls } = await callsOnOne('removed', 2);
    const refusedMs = Date.now();
    await assert.rejects(
      cluster.admin().remove(node.nodeId),
      /has 2 Rooms and 4 participants: removed-0, removed-1\. Drain it instead/,
    );
    await sleep(1_500);
    await assertUndisturbed(calls, refusedMs);
    const orderedMs = Date.now();
    const result = await cluster.admin().remove(node.nodeId, { force: true });
    assert.equal(result.outcome, 'ordered');
    assert.deepEqual(result.lost, { rooms: ['removed-0', 'removed-1'], participants: 4 });
    await backTimes(calls, orderedMs);
    await assertNoneDropped(calls);
    await untilState(cluster, node, 'drained');
    for (const { room } of calls) assert.equal((await cluster.roomNode(room)).nodeId, other.nodeId);
    await assert.rejects(
      cluster.admin().undrain(node.nodeId),
      /cannot be taken back: the node was removed/,
    );
    await leaveCalls(calls);
    // It has nothing left: its process ends at once.
    await node.stop();
  },
);

test(
  'a second order and a second SIGTERM never force; a node that was told to stop moves its Rooms and ends with 0',
  options,
  async () => {
    const { node, other, calls } = await callsOnOne('stopped', 2);
    const [bystander] = await (async () => {
      await cluster.admin().drain(node.nodeId, { patience: '1m', deadline: '2m' });
      return startCalls(cluster, clients, { name: 'bystander' });
    })();
    assert.ok(bystander);
    assert.equal((await cluster.roomNode(bystander.room)).nodeId, other.nodeId);
    const beganMs = Date.now();
    const again = await cluster.admin().drain(node.nodeId, { patience: '1m', deadline: '2m' });
    assert.equal(again.changed, false);
    node.signal('SIGTERM');
    const told = await untilView(
      cluster,
      node,
      'the order to be final',
      ({ order }) => order?.final !== undefined,
    );
    // By its configuration it has longer; who ordered the drain has said less.
    assert.equal(told.order?.patienceUntilMs, again.order.patienceUntilMs);
    assert.equal(told.order?.deadlineMs, again.order.deadlineMs);
    node.signal('SIGTERM');
    node.signal('SIGTERM');
    await sleep(3_000);
    assert.ok(node.running, node.log.split('\n').slice(-40).join('\n'));
    // The workers go on: media flows, and nobody is told of anything.
    await assertUndisturbed([...calls, bystander], beganMs);
    await assert.rejects(
      cluster.admin().undrain(node.nodeId),
      /cannot be taken back: its process was told to stop \(SIGTERM\)/,
    );
    const hurriedMs = Date.now();
    const hurried = await cluster.admin().drain(node.nodeId, { patience: 0, deadline: '30s' });
    assert.equal(hurried.changed, true);
    assert.match(hurried.order.final ?? '', /SIGTERM/);
    await node.ended(30_000);
    assert.equal(node.end, 'ended with exit code 0');
    assert.match(node.log, /"roomsMoved":2,"overdue":false[^\n]*"msg":"drained"/);
    await backTimes(calls, hurriedMs);
    await assertNoneDropped([...calls, bystander]);
    await assertUndisturbed([bystander], beganMs);
    const rooms = await apiOf(cluster).listRooms();
    assert.deepEqual(
      rooms.map(({ name, numParticipants }) => `${name} ${numParticipants}`).sort(),
      ['bystander-0 2', 'stopped-0 2', 'stopped-1 2'],
    );
    await leaveCalls([...calls, bystander]);
  },
);
