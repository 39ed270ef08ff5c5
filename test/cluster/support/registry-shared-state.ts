import assert from 'node:assert/strict';
import type { Registry } from '../../../node-image/cluster/registry';
import { sleep, until } from '../../support/wait';
import { drainOrder, heard, placed, tell } from './registry-facts';

export interface SharedStateSuite {
  readonly it: (what: string, body: () => Promise<void>) => void;
  /** A name that nobody else uses. */
  readonly name: (what: string) => string;
  readonly one: () => Registry;
  readonly other: () => Registry;
}

/** Leases, documents, the audit and events: part of the suite of any registry. */
export function sharedStateSuite({ it, name, one, other }: SharedStateSuite): void {
  it('a lease has one owner, who may keep it, and each has a higher epoch', async () => {
    const lease = name('lease');
    const both = await Promise.all([
      one().acquireLease(lease, 'a', 60_000),
      other().acquireLease(lease, 'b', 60_000),
    ]);
    const [first] = both.filter((got) => got !== undefined);
    assert.ok(first !== undefined && both.includes(undefined));
    assert.deepEqual(await other().acquireLease(lease, first.owner, 60_000), first);
    await other().releaseLease({ ...first, epoch: first.epoch - 1 });
    assert.equal(await other().acquireLease(lease, 'c', 60_000), undefined);
    await one().releaseLease(first);
    const second = await other().acquireLease(lease, 'c', 60_000);
    assert.equal(second?.owner, 'c');
    assert.ok(second !== undefined && second.epoch > first.epoch);
  });

  it('a lease that is not kept ends by itself', async () => {
    const lease = name('lease');
    const first = await one().acquireLease(lease, 'a', 100);
    const second = await until('the lease to end', () => other().acquireLease(lease, 'b', 60_000));
    assert.ok(first !== undefined && second !== undefined && second.epoch > first.epoch);
    assert.equal(await one().acquireLease(lease, 'a', 100), undefined);
  });

  it('a document is written only over the version that its writer knows', async () => {
    const document = name('document');
    assert.equal(await one().document(document), undefined);
    const both = await Promise.all([
      one().writeDocument(document, 'a', 0),
      other().writeDocument(document, 'b', 0),
    ]);
    const [first] = both.filter((written) => written !== undefined);
    assert.ok(both.includes(undefined));
    assert.equal(first?.version, 1);
    assert.deepEqual(await one().document(document), first);
    assert.deepEqual(await other().writeDocument(document, 'c', 1), { value: 'c', version: 2 });
    assert.equal(await one().writeDocument(document, 'd', 1), undefined);
  });

  it('the audit gives the newest first, and keeps a thousand', async () => {
    for (let i = 0; i < 1002; i += 1) await one().audit({ by: 'ND_a', text: `decision ${i}` });
    const [newest, second, ...rest] = await other().auditTrail(3);
    assert.deepEqual([newest?.text, second?.text], ['decision 1001', 'decision 1000']);
    assert.equal(rest.length, 1);
    assert.equal(newest?.by, 'ND_a');
    assert.ok(Math.abs(Date.now() - (newest?.atMs ?? 0)) < 5000);
    assert.equal((await other().auditTrail(5000)).length, 1000);
    assert.deepEqual(await one().auditTrail(0), []);
  });

  it('all hear of a Room, until they listen no more', async () => {
    const events = heard(other());
    const mine = heard(one());
    const room = name('room');
    const stopped: unknown[] = [];
    const stop = other().onEvent((event) => stopped.push(event));
    stop();
    await tell(one(), room);
    const told = () =>
      [events, mine].every((all) => all.some((event) => 'room' in event && event.room === room));
    await until('both to hear it', told);
    assert.deepEqual(stopped, []);
  });

  it('the registry tells of orders, of Rooms moved and released, of documents', async () => {
    const events = heard(other());
    const [id, room, document] = [name('node'), name('room'), name('document')];
    const count = (value: string): number =>
      events.filter((event) => Object.values(event).includes(value)).length;
    const hears = (what: string, value: string, times: number): Promise<unknown> =>
      until(`${times} times ${what}`, () => count(value) === times);
    await one().order(id, drainOrder('order'));
    await hears('order', id, 1);
    await one().cancelOrder(id);
    await hears('order or its end', id, 2);
    await one().forgetNode(id);
    await hears('node', id, 3);
    const epoch = await placed(one(), room, 'ND_a');
    await one().place({ room, nodeId: 'ND_b', replaces: epoch });
    await hears('move', room, 1);
    await one().release(room, (await one().room(room))?.epoch ?? 0);
    await hears('move or release', room, 2);
    await one().writeDocument(document, 'text', 0);
    await hears('document', document, 1);
    await sleep(50);
    assert.deepEqual([count(id), count(room), count(document)], [3, 2, 1]);
  });
}
