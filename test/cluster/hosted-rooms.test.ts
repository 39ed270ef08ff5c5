import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostedRooms } from '../../node-image/cluster/hosted-rooms';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { RegistryUnavailableError, type RoomPlacement } from '../../node-image/cluster/registry';
import { StrayRooms } from '../../node-image/cluster/stray-rooms';
import { quiet } from './core-support';

class TestRegistry extends MemoryRegistry {
  away = false;
  readonly saves: string[] = [];

  override async room(name: string): Promise<RoomPlacement | undefined> {
    this.#answer();
    return super.room(name);
  }

  override async saveFacts(room: string, epoch: number, facts: string): Promise<boolean> {
    this.#answer();
    this.saves.push(facts);
    return super.saveFacts(room, epoch, facts);
  }

  override async release(room: string, epoch: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.#answer();
    return super.release(room, epoch);
  }

  #answer(): void {
    if (this.away) throw new RegistryUnavailableError('away');
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

function node(nodeId = 'N1', registry = new TestRegistry()) {
  return { registry, hosted: new HostedRooms({ registry, nodeId, log: quiet }) };
}

describe('HostedRooms', () => {
  it('claims what is placed here, and nothing else', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'mine', nodeId: 'N1' });
    await registry.place({ room: 'theirs', nodeId: 'N2' });
    assert.equal(typeof (await hosted.claim('mine'))?.epoch, 'number');
    assert.equal(await hosted.claim('theirs'), undefined);
    assert.equal(await hosted.claim('nobodys'), undefined);
    assert.deepEqual(
      hosted.list().map(({ room }) => room),
      ['mine'],
    );
  });

  it('waits for a handover once, not each time that the Room is asked for', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1', movedFrom: 'N0' });
    assert.equal((await hosted.claim('a'))?.isMoving, true);
    assert.equal((await hosted.claim('a'))?.isMoving, false);
  });

  it('gives the next owner what was written down', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1' });
    const epoch = (await hosted.claim('a'))?.epoch;
    hosted.changed('a', 'facts');
    await settled();
    await registry.place({ room: 'a', nodeId: 'N2', replaces: epoch });
    const other = new HostedRooms({ registry, nodeId: 'N2', log: quiet });
    assert.equal((await other.claim('a'))?.facts, 'facts');
  });

  it('loses a Room to a newer placement, and not to one that was overtaken', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1' });
    const epoch = (await hosted.claim('a'))?.epoch ?? 0;
    // A reply that was under way while a move failed, and the Room was taken back.
    assert.equal(hosted.loses({ room: 'a', nodeId: 'N2', epoch: epoch - 1 }), false);
    assert.equal(hosted.epochOf('a'), epoch);
    // Somebody has placed it here anew.
    assert.equal(hosted.loses({ room: 'a', nodeId: 'N1', epoch: epoch + 1 }), false);
    assert.equal(hosted.epochOf('a'), epoch + 1);
    assert.equal(hosted.loses({ room: 'a', nodeId: 'N2', epoch: epoch + 2 }), true);
    assert.equal(hosted.epochOf('a'), undefined);
    assert.equal(hosted.loses({ room: 'a', nodeId: 'N2', epoch: epoch + 2 }), false);
  });

  it('holds a Room that the registry has lost, or knows an older placement of', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1' });
    const epoch = (await hosted.claim('a'))?.epoch ?? 0;
    await registry.release('a', epoch);
    assert.equal((await hosted.claim('a'))?.epoch, epoch);
    const older = new MemoryRegistry({ now: () => 1 });
    await older.place({ room: 'a', nodeId: 'N2' });
    registry.room = (name) => older.room(name);
    assert.equal((await hosted.claim('a'))?.epoch, epoch);
  });

  it('begins a Room anew that ended while the registry was away', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1' });
    await hosted.claim('a');
    hosted.changed('a', 'facts of the one that ended');
    await settled();
    registry.away = true;
    hosted.released('a');
    await settled();
    registry.away = false;
    assert.equal(await hosted.claim('a'), undefined);
    assert.equal(await registry.room('a'), undefined);
  });

  it('holds what it has while the registry is away, and tells it everything afterwards', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1' });
    await registry.place({ room: 'b', nodeId: 'N1' });
    const first = await hosted.claim('a');
    await hosted.claim('b');
    registry.away = true;
    assert.equal((await hosted.claim('a'))?.epoch, first?.epoch);
    await assert.rejects(hosted.claim('new'), RegistryUnavailableError);
    hosted.changed('a', 'one');
    hosted.changed('a', 'two');
    hosted.released('b');
    await settled();
    assert.deepEqual(registry.saves, []);
    registry.away = false;
    hosted.catchUp();
    await settled();
    assert.deepEqual(registry.saves, ['two']);
    assert.equal(await registry.room('b'), undefined);
    assert.equal((await registry.room('a'))?.facts, 'two');
  });

  it('writes facts down again that the registry had lost', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1' });
    await hosted.claim('a');
    hosted.changed('a', 'facts');
    await settled();
    hosted.restored(['a', 'unknown']);
    await settled();
    assert.deepEqual(registry.saves, ['facts', 'facts']);
  });

  it('claims a Room of the same name only after the one before has ended for good', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'a', nodeId: 'N1' });
    await hosted.claim('a');
    hosted.released('a');
    assert.equal(await hosted.claim('a'), undefined, 'it is placed nowhere by then');
    assert.deepEqual(hosted.list(), []);
  });

  it('places Rooms by itself on a Single Node', async () => {
    const registry = new TestRegistry();
    const hosted = new HostedRooms({ registry, nodeId: 'N1', placesItself: true, log: quiet });
    const { epoch } = (await hosted.claim('a')) ?? {};
    assert.equal((await hosted.claim('a'))?.epoch, epoch);
    hosted.released('a');
    assert.ok(((await hosted.claim('a'))?.epoch ?? 0) > (epoch ?? 0));
  });
});

describe('StrayRooms', () => {
  it('takes back what was placed here and never opened, the second time that it is seen', async () => {
    const { registry, hosted } = node();
    await registry.place({ room: 'open', nodeId: 'N1' });
    await registry.place({ room: 'stray', nodeId: 'N1' });
    await registry.place({ room: 'theirs', nodeId: 'N2' });
    await hosted.claim('stray');
    const strays = new StrayRooms({
      nodeId: 'N1',
      registry,
      hosted,
      exists: (room) => room === 'open',
      log: quiet,
    });
    await strays.look();
    assert.equal((await registry.rooms()).length, 3, 'it may be about to be opened');
    await strays.look();
    assert.deepEqual((await registry.rooms()).map(({ room }) => room).sort(), ['open', 'theirs']);
    assert.deepEqual(hosted.list(), []);
    strays.close();
  });

  it('leaves alone a Room that ended and was placed anew between two looks', async () => {
    const { registry, hosted } = node();
    const placed = await registry.place({ room: 'a', nodeId: 'N1' });
    const strays = new StrayRooms({
      nodeId: 'N1',
      registry,
      hosted,
      exists: () => false,
      log: quiet,
    });
    await strays.look();
    assert.ok(placed.outcome !== 'outdated');
    await registry.release('a', placed.placement.epoch);
    await registry.place({ room: 'a', nodeId: 'N1' });
    await strays.look();
    assert.equal((await registry.rooms()).length, 1);
    strays.close();
  });
});
