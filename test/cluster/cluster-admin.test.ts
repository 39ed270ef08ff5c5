import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { AdminError } from '../../node-image/cluster/admin-views';
import { RegistryUnavailableError } from '../../node-image/cluster/registry';
import { AdminCluster, CALLER } from './cluster-admin-support';

let cluster: AdminCluster;
const MINUTE = 60_000;

beforeEach(async () => {
  cluster = new AdminCluster();
  await cluster.beat('ND_master', { role: 'master', link: undefined, machineId: 'i-0' });
  await cluster.beat('ND_a1', { machineId: 'i-1', load: { clients: 7 } });
  await cluster.beat('ND_a2', { machineId: 'i-2' });
  await cluster.beat('ND_b', { machineId: 'i-3' });
});

const fails = (code: AdminError['code'], text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AdminError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};
const drain = (node: string, request = {}) => cluster.admin.drain(node, request, CALLER);
const remove = (node: string, force = false, reason = '') =>
  cluster.admin.remove(node, { force, reason }, CALLER);

describe('a node', () => {
  test('is shown as others see it, masters first', async () => {
    await cluster.place('ND_b', 'r1', 'r2');
    await drain('ND_a2');
    cluster.nowMs += 6000;
    await cluster.beat('ND_b');
    const { nodes, nowMs } = await cluster.admin.nodes();
    assert.equal(nowMs, cluster.nowMs);
    assert.deepEqual(
      nodes.map(({ id, state, stale, seenAgoMs, rooms }) => [id, state, stale, seenAgoMs, rooms]),
      [
        ['ND_master', 'serving', true, 6000, 0],
        ['ND_a1', 'serving', true, 6000, 0],
        ['ND_a2', 'draining', true, 6000, 0],
        ['ND_b', 'serving', false, 0, 2],
      ],
    );
    assert.equal(nodes[2]?.order?.id, 'order-1');
  });

  test('goes by its id, by its machine, or by the start of its id', async () => {
    for (const wanted of ['ND_b', 'i-3']) {
      assert.equal((await cluster.admin.node(wanted)).id, 'ND_b');
    }
    assert.equal((await cluster.admin.node('ND_a1')).id, 'ND_a1');
    assert.equal((await cluster.admin.node('ND_m')).id, 'ND_master');
  });

  test('is not guessed where several fit, and not found where none does', async () => {
    await assert.rejects(cluster.admin.node('ND_a'), fails('invalid', /ND_a1 \(i-1\), ND_a2/));
    await assert.rejects(cluster.admin.node(''), fails('not_found', /There are ND_master/));
    await assert.rejects(cluster.admin.node('i-'), fails('not_found', /"i-"/));
    await assert.rejects(new AdminCluster().admin.node('x'), fails('not_found', /has none/));
  });

  test('is the one that lives, where its machine has the record of a dead one too', async () => {
    cluster.nowMs += 6000;
    await cluster.beat('ND_b2', { machineId: 'i-3' });
    assert.equal((await cluster.admin.node('i-3')).id, 'ND_b2');
  });

  test('that goes by an id is that one, whatever else begins with it', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.stringMatching(/^ND_[ab]{1,4}$/), { minLength: 1, maxLength: 8 }),
        async (ids) => {
          const many = new AdminCluster();
          for (const id of ids) await many.beat(id);
          for (const id of ids) assert.equal((await many.admin.node(id)).id, id);
        },
      ),
      { numRuns: 50 },
    ));
});

describe('a drain', () => {
  test('is ordered by the clock of the registry, as the configuration says', async () => {
    const { order, changed, nodeId } = await drain('i-1');
    assert.deepEqual(order, {
      id: 'order-1',
      reason: 'asked by the admin API',
      patienceUntilMs: cluster.nowMs + 15 * MINUTE,
      deadlineMs: cluster.nowMs + 60 * MINUTE,
      onDeadline: 'force',
    });
    assert.deepEqual([changed, nodeId], [true, 'ND_a1']);
    assert.deepEqual((await cluster.admin.node('ND_a1')).order, order);
  });

  test('is as whoever asks says', async () => {
    const request = { reason: 'kernel', patienceMs: 10, deadlineMs: 20, onDeadline: 'keep' };
    const { order } = await drain('ND_b', request);
    assert.deepEqual(
      [order.reason, order.patienceUntilMs, order.deadlineMs, order.onDeadline],
      ['kernel', cluster.nowMs + 10, cluster.nowMs + 20, 'keep'],
    );
  });

  test('has no more patience than time', async () => {
    const { order } = await drain('ND_b', { deadlineMs: MINUTE });
    assert.equal(order.patienceUntilMs, order.deadlineMs);
    const patient = drain('ND_a1', { patienceMs: 2 * MINUTE, deadlineMs: MINUTE });
    await assert.rejects(patient, fails('invalid', /120 s, is longer than the deadline, 60 s/));
    assert.equal((await cluster.admin.node('ND_a1')).order, undefined);
  });

  test('asked for twice stands as it was, and is in the audit once', async () => {
    const first = await drain('ND_b');
    cluster.nowMs += 1000;
    const second = await drain('ND_b');
    assert.deepEqual([second.order, second.changed], [first.order, false]);
    assert.equal((await cluster.audited()).length, 1);
    const earlier = await drain('ND_b', { deadlineMs: MINUTE });
    assert.deepEqual([earlier.order.id, earlier.changed], ['order-3', true]);
  });

  test('is in the audit with who asked, why, and what is left', async () => {
    await cluster.place('ND_a1', 'r');
    await drain('ND_a1', { reason: 'kernel' });
    assert.deepEqual(await cluster.audited(), [
      'ND_this: drain of ND_a1 ordered (kernel): 1 Room and 7 participants; patience 900 s, ' +
        'deadline 3600 s, then force; asked with API key devkey',
    ]);
  });

  test('is nothing for a Master Node', () =>
    assert.rejects(drain('ND_master'), fails('invalid', /Only Media Nodes are drained/)));

  test('is taken back', async () => {
    const { order } = await drain('ND_b');
    const undone = await cluster.admin.undrain('ND_b', 'a mistake', CALLER);
    assert.deepEqual(undone, { nodeId: 'ND_b', order });
    assert.equal((await cluster.admin.node('ND_b')).state, 'serving');
    assert.match((await cluster.audited())[0] ?? '', /drain of ND_b taken back \(a mistake\)/);
    assert.deepEqual(await cluster.admin.undrain('ND_b', '', CALLER), { nodeId: 'ND_b' });
    assert.equal((await cluster.audited()).length, 2);
  });

  test('that is final is not taken back, and it is said why', async () => {
    const { order } = await drain('ND_b');
    await cluster.registry.order('ND_b', { ...order, final: 'the machine is being ended' });
    const undone = cluster.admin.undrain('ND_b', '', CALLER);
    await assert.rejects(undone, fails('conflict', /the machine is being ended/));
    assert.notEqual((await cluster.admin.node('ND_b')).order, undefined);
  });
});

describe('a removal', () => {
  test('is refused while the node hosts Rooms, and says which', async () => {
    await cluster.place('ND_a1', 'one', 'two');
    await assert.rejects(
      remove('ND_a1'),
      fails('conflict', /2 Rooms and 7 participants: one, two\. Drain it instead/),
    );
    assert.equal((await cluster.admin.node('ND_a1')).order, undefined);
    assert.deepEqual(await cluster.audited(), []);
  });

  test('counts who is in its Rooms now, which its record may not know yet', async () => {
    await cluster.place('ND_a1', 'one', 'two');
    await cluster.place('ND_b', 'three');
    cluster.figures = async () =>
      ['one', 'two', 'three'].map((name, i) => ({
        name,
        sid: `RM_${name}`,
        numParticipants: i + 1,
        numPublishers: 0,
      }));
    await assert.rejects(remove('ND_a1'), fails('conflict', /2 Rooms and 3 participants/));
  });

  test('by force is an order to be empty now, and final', async () => {
    await cluster.place('ND_a1', 'one');
    await drain('ND_a1');
    const { order, lost, outcome, message } = await remove('ND_a1', true, 'broken fan');
    assert.equal(outcome, 'ordered');
    assert.deepEqual(lost, { rooms: ['one'], participants: 7 });
    assert.match(
      message,
      /lets go of 1 Room and 7 participants now: what no other node takes over ends/,
    );
    assert.deepEqual(order, {
      id: 'order-2',
      reason: 'removed by force (broken fan)',
      patienceUntilMs: cluster.nowMs,
      deadlineMs: cluster.nowMs,
      onDeadline: 'force',
      final: 'the node was removed',
    });
    const undone = cluster.admin.undrain('ND_a1', '', CALLER);
    await assert.rejects(undone, fails('conflict', /the node was removed/));
    assert.match((await cluster.audited())[0] ?? '', /removal of ND_a1 ordered \(broken fan\)/);
  });

  test('of an empty node needs no force', async () => {
    assert.equal((await remove('ND_b')).outcome, 'ordered');
  });

  test('of a dead node forgets it, and says what was on it', async () => {
    await cluster.place('ND_a1', 'one');
    cluster.nowMs += 6000;
    const { outcome, lost } = await remove('ND_a1');
    assert.deepEqual([outcome, lost.rooms], ['forgotten', ['one']]);
    await assert.rejects(cluster.admin.node('ND_a1'), fails('not_found', /ND_a1/));
    assert.match((await cluster.audited())[0] ?? '', /dead node ND_a1 forgotten/);
    assert.equal((await remove('ND_master')).outcome, 'forgotten');
  });

  test('of a node that is cut off from the registry only needs force, and orders it', async () => {
    cluster.alive.add('ND_b');
    cluster.nowMs += 6000;
    await assert.rejects(remove('ND_b'), fails('conflict', /but answers on its node link/));
    const { outcome, message } = await remove('ND_b', true);
    assert.equal(outcome, 'ordered');
    assert.match(message, /does not reach the registry/);
  });

  test('of a Master Node that runs is refused', () =>
    assert.rejects(remove('ND_master', true), fails('invalid', /Stop its process/)));
});

describe('Rooms', () => {
  test('are listed with what their nodes say of them', async () => {
    await cluster.place('ND_b', 'z', 'a');
    cluster.figures = async () => [
      { name: 'a', sid: 'RM_a', numParticipants: 2, numPublishers: 1 },
    ];
    const rooms = await cluster.admin.rooms();
    assert.deepEqual(
      rooms.map(({ epoch: _, ...room }) => room),
      [
        {
          name: 'a',
          nodeId: 'ND_b',
          movedFrom: undefined,
          sid: 'RM_a',
          participants: 2,
          publishers: 1,
        },
        {
          name: 'z',
          nodeId: 'ND_b',
          movedFrom: undefined,
          sid: undefined,
          participants: undefined,
          publishers: undefined,
        },
      ],
    );
  });

  test('are listed without figures where the nodes say none', async () => {
    await cluster.place('ND_b', 'a');
    cluster.figures = async () => {
      throw new Error('no node answers');
    };
    assert.equal((await cluster.admin.rooms())[0]?.participants, undefined);
  });

  test('are explained: where one runs, where it would go, why not elsewhere', async () => {
    await cluster.place('ND_b', 'a');
    await drain('ND_a1', { reason: 'kernel' });
    const { runsOn, wouldGoTo, nodes } = await cluster.admin.explain('a');
    assert.equal(runsOn?.nodeId, 'ND_b');
    assert.ok(wouldGoTo === 'ND_a2' || wouldGoTo === 'ND_b');
    const drained = nodes.find(({ nodeId }) => nodeId === 'ND_a1');
    assert.deepEqual(drained?.sentences, ['it is draining (kernel)']);
  });
});

test('without the registry everything says so', async () => {
  await cluster.registry.close();
  const { admin } = cluster;
  const calls: (() => Promise<unknown>)[] = [
    () => admin.nodes(),
    () => admin.rooms(),
    () => admin.explain('a'),
    () => admin.audit(5),
    () => drain('ND_b'),
    () => admin.undrain('ND_b', '', CALLER),
    () => remove('ND_b'),
  ];
  for (const call of calls) await assert.rejects(call, RegistryUnavailableError);
});
