import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { DisconnectReason } from '@livekit/protocol';
import { HostedRooms } from '../../node-image/cluster/hosted-rooms';
import type { LinkAnswer, LinkRequest } from '../../node-image/cluster/link/link';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import { NodeWatch } from '../../node-image/cluster/node-watch';
import {
  type PlaceRequest,
  type PlaceResult,
  RegistryUnavailableError,
} from '../../node-image/cluster/registry';
import { RegistryOwnership } from '../../node-image/lifecycle/registry-ownership';
import { RoomMover } from '../../node-image/lifecycle/room-mover';
import { decodeHandover } from '../../node-image/room/handover';
import type { Room } from '../../node-image/room/room';
import { FakeLink, quiet, recordOf } from '../cluster/core-support';
import { TestRooms } from '../room/rooms';
import { until } from '../support/wait';

/** Loses the answers to as many placements as the test says. */
class TestRegistry extends MemoryRegistry {
  loses = 0;
  /** Before a placement is answered. */
  meanwhile = (): void => {};

  override async place(request: PlaceRequest): Promise<PlaceResult> {
    const result = await super.place(request);
    this.meanwhile();
    if (this.loses > 0) {
      this.loses -= 1;
      throw new RegistryUnavailableError('no answer within 400 ms');
    }
    return result;
  }
}

class HandoverLink extends FakeLink {
  constructor(private readonly take: (request: LinkRequest) => Promise<void>) {
    super();
  }

  override async request(_to: unknown, request: LinkRequest): Promise<LinkAnswer> {
    await this.take(request);
    return { status: 200, headers: {}, body: Buffer.from('{}') };
  }
}

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0).reverse()) close();
});

async function nodeOf(nodeId: string, registry: TestRegistry) {
  const hosted = new HostedRooms({ registry, nodeId, log: quiet });
  const ownership = new RegistryOwnership({ hosted, outlivesNode: true, log: quiet });
  const test = await TestRooms.start({ rooms: { ownership, handoverWaitMs: 300 } });
  opened.push(() => test.close());
  await registry.heartbeat(recordOf(nodeId), []);
  return { nodeId, hosted, test, rooms: test.rooms };
}

/** Two nodes, and a Room with one participant on the first of them. */
async function twoNodes() {
  const registry = new TestRegistry();
  const from = await nodeOf('N1', registry);
  const to = await nodeOf('N2', registry);
  const link = new HandoverLink(async ({ body }) =>
    to.rooms.adopt(decodeHandover(body ?? Buffer.alloc(0))),
  );
  const watch = new NodeWatch({ registry, link, log: quiet });
  opened.push(() => watch.close());
  await watch.look();
  const mover = new RoomMover({
    ...from,
    registry,
    watch,
    link,
    choose: () => ({ chosen: 'N2', candidates: [] }),
    log: quiet,
  });
  await registry.place({ room: 'a', nodeId: 'N1' });
  const room: Room = await from.rooms.getOrCreate({ name: 'a' });
  const { participant } = await from.test.join(room, 'ann');
  room.activated(participant);
  return { registry, from, to, mover, room };
}

describe('moving a Room', () => {
  test('takes it there with who is in it', async () => {
    const { registry, to, mover, room } = await twoNodes();
    assert.equal(await mover.move('a'), undefined);
    assert.equal(room.closed, true);
    assert.equal((await registry.room('a'))?.nodeId, 'N2');
    assert.notEqual(to.rooms.get('a')?.expected.get('ann'), undefined);
  });

  test('is made though the answer of the registry was lost', async () => {
    const { registry, to, mover, room } = await twoNodes();
    registry.loses = 2;
    assert.equal(await mover.move('a'), undefined);
    assert.equal(room.closed, true);
    assert.notEqual(to.rooms.get('a')?.expected.get('ann'), undefined);
  });

  test('is finished when a heartbeat tells that it had begun', async () => {
    const { registry, from, to, mover, room } = await twoNodes();
    const replaces = from.hosted.epochOf('a');
    await registry.place({ room: 'a', nodeId: 'N2', replaces, movedFrom: 'N1' });
    const reply = await registry.heartbeat(recordOf('N1'), from.hosted.list());
    assert.deepEqual(
      reply.superseded.map((one) => mover.finish(one)),
      [true],
    );
    await until('the Room to be gone', () => room.closed);
    assert.notEqual(to.rooms.get('a')?.expected.get('ann'), undefined);
  });

  test('leaves to others what they have placed', async () => {
    const { registry, from, mover, room } = await twoNodes();
    const replaces = from.hosted.epochOf('a');
    await registry.place({ room: 'a', nodeId: 'N3', replaces });
    const reply = await registry.heartbeat(recordOf('N1'), from.hosted.list());
    assert.deepEqual(
      reply.superseded.map((one) => mover.finish(one)),
      [false],
    );
    assert.equal(await mover.move('a'), undefined);
    assert.equal(room.closed, true);
    assert.equal((await registry.room('a'))?.nodeId, 'N3');
  });

  test('does not bring a Room back that has ended meanwhile', async () => {
    for (const when of ['before', 'while it is placed'] as const) {
      const { registry, to, mover, room } = await twoNodes();
      const end = (): void => {
        registry.meanwhile = () => {};
        room.close(DisconnectReason.ROOM_DELETED);
      };
      registry.meanwhile = when === 'before' ? () => {} : end;
      const moving = mover.move('a');
      if (when === 'before') end();
      assert.equal(await moving, undefined);
      assert.equal(await registry.room('a'), undefined, when);
      assert.equal(to.rooms.get('a'), undefined, when);
    }
  });
});
