import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Registry } from '../../node-image/cluster/registry';
import { drainOrder, nodeRecord, placed } from './support/registry-facts';
import { lostOrdersSuite } from './support/registry-lost-orders';
import { sharedStateSuite } from './support/registry-shared-state';

export interface RegistryFixture {
  /** A further connection to the same registry. */
  connect(): Promise<Registry>;
  close(): Promise<void>;
}

/** What any kind of registry has to do. */
export function registrySuite(kind: string, open: () => Promise<RegistryFixture>): void {
  let fixture: RegistryFixture;
  /** Two that are connected to the same registry. */
  let one: Registry;
  let other: Registry;
  let names = 0;
  const name = (what: string): string => `${what} ${++names} "ä\n`;
  const it = (what: string, body: () => Promise<void>): void => {
    void test(`registry in ${kind}: ${what}`, body);
  };

  before(async () => {
    fixture = await open();
    one = await fixture.connect();
    other = await fixture.connect();
  });
  after(async () => {
    await one.close();
    await other.close();
    await fixture.close();
  });

  it('a record is what its node wrote last, until it is forgotten', async () => {
    const id = name('node');
    await one.heartbeat(nodeRecord(id, { state: 'starting' }), []);
    const record = nodeRecord(id, {
      mediaAddresses: ['10.0.0.4', '192.0.2.4'],
      relay: { addresses: ['10.0.0.4'], portStart: 30_000, portEnd: 39_999 },
      turnTls: { host: '10.0.0.4', port: 443 },
      region: 'ä',
    });
    const { nowMs, duplicate, order } = await one.heartbeat(record, []);
    assert.ok(Math.abs(Date.now() - nowMs) < 5000);
    assert.deepEqual([duplicate, order], [false, undefined]);
    const snapshot = await other.snapshot();
    const node = snapshot.nodes.find((known) => known.record.id === id);
    assert.deepEqual({ ...node?.record }, record);
    assert.ok(node !== undefined && node.seenAgoMs >= 0 && node.seenAgoMs < 5000);
    assert.ok(snapshot.nowMs >= nowMs);
    await other.forgetNode(id);
    assert.ok(!(await one.snapshot()).nodes.some((known) => known.record.id === id));
  });

  it('a second process under the same id is told so, and changes nothing', async () => {
    const id = name('node');
    const first = nodeRecord(id, { startedAtMs: 1000 });
    const room = name('room');
    await one.heartbeat(first, []);
    const second = nodeRecord(id, { startedAtMs: 2000, state: 'drained' });
    const reply = await other.heartbeat(second, [{ room, epoch: 5 }]);
    assert.equal(reply.duplicate, true);
    assert.equal(await one.room(room), undefined);
    const known = (await one.snapshot()).nodes.find(({ record }) => record.id === id);
    assert.equal(known?.record.state, 'serving');
    assert.equal((await one.heartbeat(first, [])).duplicate, false);
    await one.forgetNode(id);
    assert.equal((await other.heartbeat(second, [])).duplicate, false);
  });

  it('two that place the same Room at once get one placement, 50 times', async () => {
    for (let i = 0; i < 50; i++) {
      const room = name('room');
      const results = await Promise.all([
        one.place({ room, nodeId: 'ND_one' }),
        other.place({ room, nodeId: 'ND_other' }),
      ]);
      assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['exists', 'placed']);
      const [first, second] = results.map((result) =>
        result.outcome === 'outdated' ? undefined : result.placement,
      );
      assert.deepEqual(first, second);
      assert.deepEqual({ ...(await one.room(room)) }, { ...first });
    }
  });

  it('a Room is moved only from the placement that its mover knows, to a higher epoch', async () => {
    const room = name('room');
    const first = await placed(one, room, 'ND_a');
    const moved = await other.place({
      room,
      nodeId: 'ND_b',
      replaces: first,
      movedFrom: 'ND_a',
    });
    assert.equal(moved.outcome, 'placed');
    const now = await one.room(room);
    assert.deepEqual([now?.nodeId, now?.movedFrom], ['ND_b', 'ND_a']);
    assert.ok(now !== undefined && now.epoch > first);
    const late = await one.place({ room, nodeId: 'ND_c', replaces: first });
    assert.deepEqual(late, { outcome: 'exists', placement: now });
  });

  it('a Room that is released and placed again at once has a higher epoch', async () => {
    const room = name('room');
    let before = 0;
    for (let i = 0; i < 20; i++) {
      const epoch = await placed(one, room, 'ND_a');
      assert.ok(epoch > before);
      await one.release(room, epoch);
      before = epoch;
    }
  });

  it('a Room that was lost is placed above the epoch that its mover knows', async () => {
    const epoch = Date.now() + 60_000;
    const result = await one.place({ room: name('room'), nodeId: 'ND_a', replaces: epoch });
    assert.equal(result.outcome, 'placed');
    assert.equal(result.outcome === 'placed' && result.placement.epoch, epoch + 1);
  });

  it('a placement that insists on its snapshot is refused once another was made', async () => {
    const { version } = await one.snapshot();
    const room = name('room');
    await placed(other, name('room'), 'ND_a');
    const late = await one.place({ room, nodeId: 'ND_a', ifVersion: version });
    assert.deepEqual(late, { outcome: 'outdated' });
    assert.equal(await one.room(room), undefined);
    const again = (await one.snapshot()).version;
    assert.notEqual(again, version);
    const result = await one.place({ room, nodeId: 'ND_a', ifVersion: again });
    assert.equal(result.outcome, 'placed');
  });

  it('of many that place different Rooms by one snapshot, one succeeds', async () => {
    const { version } = await one.snapshot();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? one : other).place({
          room: name('room'),
          nodeId: 'ND_a',
          ifVersion: version,
        }),
      ),
    );
    assert.equal(results.filter(({ outcome }) => outcome === 'placed').length, 1);
  });

  it('placements show among the recent ones, once each, until the Room is gone', async () => {
    const room = name('room');
    const recent = async () =>
      (await other.snapshot()).recent.filter((placement) => placement.room === room);
    const first = await placed(one, room, 'ND_a');
    const found = await recent();
    assert.deepEqual(
      found.map(({ nodeId }) => nodeId),
      ['ND_a'],
    );
    assert.ok(found.every(({ agoMs }) => agoMs >= 0 && agoMs < 5000));
    await one.place({ room, nodeId: 'ND_b', replaces: first });
    assert.deepEqual(
      (await recent()).map(({ nodeId }) => nodeId),
      ['ND_b'],
    );
    await one.release(room, (await one.room(room))?.epoch ?? 0);
    assert.deepEqual(await recent(), []);
  });

  it('facts are kept for the next owner, and end with the Room', async () => {
    const room = name('room');
    const epoch = await placed(one, room, 'ND_a');
    assert.equal((await one.room(room))?.facts, undefined);
    assert.equal(await one.saveFacts(room, epoch - 1, 'late'), false);
    const facts = JSON.stringify({ metadata: 'ä'.repeat(300_000) });
    assert.equal(await one.saveFacts(room, epoch, facts), true);
    assert.equal((await other.room(room))?.facts, facts);
    const rooms = await other.rooms();
    assert.equal(rooms.find((known) => known.room === room)?.facts, undefined);
    await other.place({ room, nodeId: 'ND_b', replaces: epoch });
    const moved = await one.room(room);
    assert.equal(moved?.facts, facts);
    assert.equal(await one.saveFacts(room, epoch, 'of the late owner'), false);
    await one.release(room, epoch);
    assert.equal((await one.room(room))?.nodeId, 'ND_b');
    await one.release(room, moved?.epoch ?? 0);
    assert.equal(await one.room(room), undefined);
    await placed(one, room, 'ND_c');
    assert.equal((await one.room(room))?.facts, undefined);
  });

  it('a late owner hears with its heartbeat that its Room is another one’s', async () => {
    const [room, late, mine] = [name('room'), name('late'), name('mine')];
    const epoch = await placed(one, room, late);
    const own = await placed(one, mine, late);
    await other.place({ room, nodeId: 'ND_b', replaces: epoch });
    const hosted = [
      { room, epoch },
      { room: mine, epoch: own },
    ];
    const { superseded, restored } = await one.heartbeat(nodeRecord(late), hosted);
    assert.deepEqual(superseded, [await one.room(room)]);
    assert.deepEqual(restored, []);
    assert.equal((await one.room(room))?.nodeId, 'ND_b');
  });

  it('a Room that the registry lost is its host’s again, and older placements give way', async () => {
    const [id, lost, older] = [name('node'), name('lost'), name('older')];
    const before = await placed(one, older, 'ND_b');
    const hosted = [
      { room: lost, epoch: 7 },
      { room: older, epoch: before + 1 },
    ];
    const { restored, superseded } = await one.heartbeat(nodeRecord(id), hosted);
    assert.deepEqual([...restored], [lost, older]);
    assert.deepEqual(superseded, []);
    assert.deepEqual(
      [await other.room(lost), await other.room(older)].map((room) => [room?.nodeId, room?.epoch]),
      [
        [id, 7],
        [id, before + 1],
      ],
    );
  });

  it('of two hosts with one epoch the first stays', async () => {
    const room = name('room');
    const [first, second] = [name('node'), name('node')];
    await one.heartbeat(nodeRecord(first), [{ room, epoch: 9 }]);
    const { superseded } = await other.heartbeat(nodeRecord(second), [{ room, epoch: 9 }]);
    assert.deepEqual(
      superseded.map(({ nodeId }) => nodeId),
      [first],
    );
  });

  it('hundreds of Rooms are said again and listed, and one that is released meanwhile is not', async () => {
    const id = name('node');
    const hosted = Array.from({ length: 2000 }, (_, i) => ({ room: `${id} ${i}`, epoch: i + 1 }));
    const beating = one.heartbeat(nodeRecord(id), hosted);
    await Promise.all([one.release(`${id} 5`, 6), one.release(`${id} 1990`, 1991)]);
    await beating;
    await one.release(`${id} 5`, 6);
    const rooms = (await other.rooms()).filter(({ nodeId }) => nodeId === id);
    assert.ok(!rooms.some(({ room }) => room === `${id} 1990`));
    assert.equal(rooms.length, 1998);
  });

  it('a node keeps its order, unless a new one ends earlier or is final', async () => {
    const id = name('node');
    await one.heartbeat(nodeRecord(id), []);
    const first = drainOrder('first');
    assert.deepEqual({ ...(await one.order(id, first)) }, first);
    const later = drainOrder('later', { deadlineMs: first.deadlineMs + 1 });
    assert.equal((await other.order(id, later)).id, 'first');
    assert.equal((await other.order(id, drainOrder('same'))).id, 'first');
    assert.equal((await one.heartbeat(nodeRecord(id), [])).order?.id, 'first');
    const earlier = drainOrder('earlier', { deadlineMs: first.deadlineMs - 1 });
    assert.equal((await other.order(id, earlier)).id, 'earlier');
    const final = drainOrder('final', { deadlineMs: later.deadlineMs, final: 'it is terminated' });
    assert.equal((await one.order(id, final)).id, 'final');
    assert.equal((await one.order(id, { ...final, id: 'again' })).id, 'final');
    const sooner = drainOrder('soon', { deadlineMs: 5, onDeadline: 'keep' });
    const soon = await one.order(id, sooner);
    // Whoever has to leave does not stay because somebody else would let it.
    const { final: why, onDeadline } = final;
    assert.deepEqual({ ...soon }, { ...sooner, final: why, onDeadline });
    const node = (await other.snapshot()).nodes.find(({ record }) => record.id === id);
    assert.deepEqual(node?.order, soon);
  });

  it('an order is taken away once, and never where it is final', async () => {
    const id = name('node');
    assert.equal(await one.cancelOrder(id), false);
    await one.order(id, drainOrder('first'));
    assert.equal(await other.cancelOrder(id), true);
    assert.equal(await other.cancelOrder(id), false);
    await one.order(id, drainOrder('second', { final: 'it is terminated' }));
    assert.equal(await other.cancelOrder(id), false);
    assert.equal((await one.heartbeat(nodeRecord(id), [])).order?.id, 'second');
    await one.forgetNode(id);
    assert.equal((await one.heartbeat(nodeRecord(id), [])).order, undefined);
  });

  lostOrdersSuite({ it, name, one: () => one, other: () => other });
  sharedStateSuite({ it, name, one: () => one, other: () => other });

  it('it is closed once and for all', async () => {
    const third = await fixture.connect();
    assert.equal(third.available, true);
    await third.close();
    await third.close();
    assert.equal(third.available, false);
    await assert.rejects(third.snapshot(), { name: 'RegistryUnavailableError', message: /closed/ });
  });
}
