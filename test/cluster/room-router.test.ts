import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LinkError } from '../../node-image/cluster/link/link';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { NodeWatch } from '../../node-image/cluster/node-watch';
import { choosePlacement } from '../../node-image/cluster/placement';
import { RegistryUnavailableError, type RoomPlacement } from '../../node-image/cluster/registry';
import { RoomRouter } from '../../node-image/cluster/room-router';
import { NoRouteError } from '../../node-image/cluster/room-routes';
import { UnplacedRooms } from '../../node-image/cluster/unplaced-rooms';
import { sleep } from '../support/wait';
import { FakeLink, quiet, recordOf } from './core-support';
import { ledgerWith, selectorWith } from './placement-nodes';

class TestRegistry extends MemoryRegistry {
  away = false;

  override async room(name: string): Promise<RoomPlacement | undefined> {
    if (this.away) throw new RegistryUnavailableError('away');
    return super.room(name);
  }

  override async snapshot() {
    if (this.away) throw new RegistryUnavailableError('away');
    return super.snapshot();
  }
}

async function cluster(...ids: string[]) {
  const registry = new TestRegistry();
  const link = new FakeLink();
  const unplaced = new UnplacedRooms();
  for (const id of ids) await registry.heartbeat(recordOf(id), []);
  const master = async () => {
    const watch = new NodeWatch({ registry, link, log: quiet });
    await watch.look();
    const router = new RoomRouter({
      registry,
      watch,
      link,
      log: quiet,
      unplaced,
      choose: (snapshot, exclude) =>
        choosePlacement({
          snapshot,
          selector: selectorWith(),
          ledger: ledgerWith(),
          exclude,
          linkProtocol: 1,
          random: Math.random,
        }),
    });
    return { watch, router };
  };
  return { registry, link, unplaced, master, ...(await master()) };
}

describe('RoomRouter', () => {
  it('places a Room once, and finds it from then on', async () => {
    const { router } = await cluster('N1', 'N2');
    assert.equal(await router.find('a'), undefined);
    const placed = await router.findOrPlace('a');
    assert.deepEqual(await router.find('a'), placed);
    assert.deepEqual(await router.findOrPlace('a'), placed);
  });

  it('gives all who ask at once, at two masters, the same place', async () => {
    const { router, master } = await cluster('N1', 'N2', 'N3');
    const other = (await master()).router;
    const asked = Array.from({ length: 40 }, (_, index) =>
      (index % 2 === 0 ? router : other).findOrPlace(`room ${index % 5}`),
    );
    const places = new Map<string, Set<string>>();
    for (const [index, target] of (await Promise.all(asked)).entries()) {
      const room = `room ${index % 5}`;
      places.set(room, (places.get(room) ?? new Set()).add(`${target.nodeId} ${target.epoch}`));
    }
    assert.deepEqual(
      [...places.values()].map((set) => set.size),
      [1, 1, 1, 1, 1],
    );
  });

  it('spreads a hundred Rooms that are asked for at once', async () => {
    const { router } = await cluster('N1', 'N2', 'N3', 'N4');
    const targets = await Promise.all(
      Array.from({ length: 100 }, (_, index) => router.findOrPlace(`room ${index}`)),
    );
    const counts = new Map<string, number>();
    for (const { nodeId } of targets) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
    assert.equal(counts.size, 4);
    assert.ok(Math.max(...counts.values()) <= 27, JSON.stringify([...counts]));
  });

  it('says when no Media Node serves, and when to ask again', async () => {
    const { router } = await cluster();
    const error = await router.findOrPlace('a').catch((caught: unknown) => caught);
    assert.ok(error instanceof NoRouteError);
    assert.match(error.message, /no Media Node serves/);
    assert.equal(error.retryAfterSeconds, 2);
  });

  it('counts the Rooms that no node takes, each once, until one does', async () => {
    const { router, registry, unplaced } = await cluster();
    for (const room of ['a', 'b', 'a'])
      await assert.rejects(router.findOrPlace(room), NoRouteError);
    assert.equal(unplaced.count, 2);
    await registry.heartbeat(recordOf('N1'), []);
    await router.findOrPlace('a');
    assert.equal(unplaced.count, 1);
  });

  it('places the Room of a dead node anew, with a higher epoch', async () => {
    const { router, link } = await cluster('N1', 'N2');
    const before = await router.findOrPlace('a');
    link.probes.set(before.nodeId, 'refused');
    await router.failed('a', before, new LinkError('reset', 'cut'));
    const after = await router.findOrPlace('a');
    assert.notEqual(after.nodeId, before.nodeId);
    assert.ok(after.epoch > before.epoch);
  });

  it('does not move a Room from a node that only did not answer once', async () => {
    const { router } = await cluster('N1', 'N2');
    const before = await router.findOrPlace('a');
    await router.failed('a', before, new LinkError('silent', 'no answer'));
    assert.deepEqual(await router.findOrPlace('a'), before);
  });

  it('places nothing on a node that has another secret, and moves nothing away from it', async () => {
    const { router, link, registry } = await cluster('N1', 'N2');
    link.probes.set('N1', 'stranger');
    const places = await Promise.all(
      Array.from({ length: 10 }, (_, index) => router.findOrPlace(`room ${index}`)),
    );
    assert.deepEqual(new Set(places.map(({ nodeId }) => nodeId)), new Set(['N2']));
    await registry.place({ room: 'there', nodeId: 'N1' });
    assert.equal((await router.findOrPlace('there')).nodeId, 'N1');
    link.probes.set('N2', 'stranger');
    assert.equal((await router.findOrPlace('more')).nodeId, 'N2', 'one that was proven stays so');
  });

  it('gives a node Rooms as soon as it answers', async () => {
    const { router, link } = await cluster('N1');
    link.probes.set('N1', 'silent');
    await assert.rejects(router.findOrPlace('a'), NoRouteError);
    link.probes.set('N1', 'alive');
    assert.equal((await router.findOrPlace('a')).nodeId, 'N1');
  });

  it('finds Rooms that run while the registry is away, and places none', async () => {
    const { router, registry, link, master } = await cluster('N1', 'N2');
    const known = await router.findOrPlace('known');
    const other = (await master()).router;
    registry.away = true;
    assert.deepEqual(await router.findOrPlace('known'), known);
    // A master that has never heard of it asks the nodes.
    link.answers.set(2, ({ path }) =>
      path === '/rooms/known' ? { body: Buffer.from('{"epoch":7}') } : { status: 404 },
    );
    assert.equal((await other.find('known'))?.nodeId, 'N2');
    await assert.rejects(router.findOrPlace('new'), /registry of the cluster does not answer/);
    await assert.rejects(router.find('new'), NoRouteError);
    registry.away = false;
    assert.notEqual(await router.findOrPlace('new'), undefined);
  });

  it('never places a Room that runs on a node which only the registry has lost', async () => {
    const { router, registry, link, watch } = await cluster('N1', 'N2');
    // Redis came back empty, and N2 does not reach it yet.
    await registry.forgetNode('N2');
    await watch.look();
    link.answers.set(2, ({ path }) =>
      path === '/rooms/a' ? { body: Buffer.from('{"epoch":7}') } : { status: 404 },
    );
    assert.equal((await router.find('a'))?.nodeId, 'N2');
    assert.equal((await router.findOrPlace('a')).nodeId, 'N2');
    assert.deepEqual(await registry.rooms(), []);
    assert.equal((await router.findOrPlace('new')).nodeId, 'N1');
  });

  it('finds out that the registry has just lost its memory before it places a Room', async () => {
    const { router, registry, link } = await cluster('N1', 'N2');
    await registry.forgetNode('N2');
    link.answers.set(2, () => ({ body: Buffer.from('{"epoch":7}') }));
    assert.equal((await router.findOrPlace('a')).nodeId, 'N2');
    assert.deepEqual(await registry.rooms(), []);
  });

  it('finds out that the registry has just lost its memory before it says that a Room is nowhere', async () => {
    const { router, registry, link } = await cluster('N1', 'N2');
    await registry.forgetNode('N2');
    link.answers.set(2, () => ({ body: Buffer.from('{"epoch":7}') }));
    await sleep(300);
    assert.equal((await router.find('a'))?.nodeId, 'N2');
  });

  it('looks at the nodes a few times a second at most for Rooms that are nowhere', async () => {
    const { router, registry } = await cluster('N1');
    let looks = 0;
    const snapshot = registry.snapshot.bind(registry);
    registry.snapshot = () => {
      looks += 1;
      return snapshot();
    };
    const startedMs = performance.now();
    for (let count = 0; count < 200; count += 1) await router.find(`room ${count}`);
    assert.ok(looks <= (performance.now() - startedMs) / 250 + 1, `${looks} looks`);
  });

  it('places no Room that nobody waits for any more when it is its turn', async () => {
    const { router, registry } = await cluster('N1');
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const place = registry.place.bind(registry);
    registry.place = async (request) => {
      await held;
      return place(request);
    };
    const [gone, there] = [new AbortController(), new AbortController()];
    const first = router.findOrPlace('first', gone.signal);
    const left = router.findOrPlace('left', gone.signal);
    const shared = [gone, there].map(({ signal }) => router.findOrPlace('shared', signal));
    const api = [router.findOrPlace('api', gone.signal), router.findOrPlace('api')];
    await sleep(20);
    gone.abort();
    goOn();
    await assert.rejects(left, NoRouteError);
    await Promise.all([first, ...shared, ...api]);
    const rooms = (await registry.rooms()).map(({ room }) => room).sort();
    // What had begun is done.
    assert.deepEqual(rooms, ['api', 'first', 'shared']);
    assert.equal((await router.findOrPlace('left', there.signal)).nodeId, 'N1');
  });

  it('asks where a Room was last when the registry does not know it any more', async () => {
    const { router, registry, link } = await cluster('N1');
    const { epoch } = await router.findOrPlace('a');
    await registry.release('a', epoch);
    link.answers.set(1, () => ({ body: Buffer.from(`{"epoch":${epoch}}`) }));
    assert.equal((await router.find('a'))?.nodeId, 'N1');
    link.answers.set(1, () => ({ status: 404 }));
    assert.equal(await router.find('a'), undefined);
  });

  it('asks the node that claims the higher epoch, where two answer', async () => {
    const { router, registry, link } = await cluster('N1', 'N2');
    registry.away = true;
    link.answers.set(1, () => ({ body: Buffer.from('{"epoch":7}') }));
    link.answers.set(2, () => ({ body: Buffer.from('{"epoch":9}') }));
    assert.equal((await router.find('a'))?.nodeId, 'N2');
  });

  it('survives a node that answers nonsense', async () => {
    const { router, registry, link } = await cluster('N1');
    registry.away = true;
    link.answers.set(1, () => ({ body: Buffer.from('<html>') }));
    await assert.rejects(router.find('a'), NoRouteError);
  });
});
