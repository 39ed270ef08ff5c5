import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CreateRoomRequest,
  DeleteRoomRequest,
  ListRoomsRequest,
  ListRoomsResponse,
  MuteRoomTrackRequest,
  MuteRoomTrackResponse,
  ParticipantInfo,
  PerformRpcRequest,
  PerformRpcResponse,
  Room,
  RoomParticipantIdentity,
  SendDataRequest,
  SendDataResponse,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
} from '@livekit/protocol';
import { RoutedRoomControl } from '../../../node-image/api/cluster/routed-room-control';
import type { LinkClient, LinkError } from '../../../node-image/cluster/link/link';
import { RoomError } from '../../../node-image/room/errors';
import { answered, broken, elsewhere, FakeLink, refused } from './support/fake-link';
import { FakeRoutes, targetOf } from './support/routes';

const room = 'r';
const identity = 'ann';

/** Room r is on node a; when that one fails, on node b. */
function cluster(link: LinkClient, timeoutMs = 1000) {
  const warnings: string[] = [];
  const log = {
    warn: (_fields: unknown, text?: string) => void warnings.push(String(text)),
    debug: () => undefined,
  };
  const routes = new FakeRoutes();
  routes.nodes = [targetOf('ND_a', 1), targetOf('ND_b', 2)];
  routes.rooms.set(room, targetOf('ND_a', 1));
  routes.onFailed = (name) => routes.rooms.set(name, targetOf('ND_b', 2));
  const control = new RoutedRoomControl({ routes, link, timeoutMs, log });
  return { routes, control, warnings };
}

type Call = (control: RoutedRoomControl) => Promise<unknown>;
const bytes = new Uint8Array([1]);
const repeated: Record<string, [Call, Uint8Array]> = {
  CreateRoom: [(c) => c.createRoom(new CreateRoomRequest({ name: room })), new Room().toBinary()],
  DeleteRoom: [(c) => c.deleteRoom(new DeleteRoomRequest({ room })), new Uint8Array()],
  ListParticipants: [(c) => c.listParticipants(room), new Uint8Array()],
  GetParticipant: [
    (c) => c.getParticipant(new RoomParticipantIdentity({ room, identity })),
    new ParticipantInfo({ identity }).toBinary(),
  ],
  RemoveParticipant: [
    (c) => c.removeParticipant(new RoomParticipantIdentity({ room, identity })),
    new Uint8Array(),
  ],
  MutePublishedTrack: [
    (c) => c.mutePublishedTrack(new MuteRoomTrackRequest({ room, identity })),
    new MuteRoomTrackResponse().toBinary(),
  ],
  UpdateParticipant: [
    (c) => c.updateParticipant(new UpdateParticipantRequest({ room, identity })),
    new Uint8Array(),
  ],
  UpdateSubscriptions: [
    (c) => c.updateSubscriptions(new UpdateSubscriptionsRequest({ room, identity })),
    new Uint8Array(),
  ],
  UpdateRoomMetadata: [
    (c) => c.updateRoomMetadata(new UpdateRoomMetadataRequest({ room })),
    new Uint8Array(),
  ],
};
const once: Record<string, [Call, Uint8Array]> = {
  SendData: [
    (c) => c.sendData(new SendDataRequest({ room, data: bytes })),
    new SendDataResponse().toBinary(),
  ],
  PerformRpc: [
    (c) => c.performRpc(new PerformRpcRequest({ room, destinationIdentity: identity })),
    new PerformRpcResponse({ payload: 'p' }).toBinary(),
  ],
};

const unavailable = (text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof RoomError, String(error));
  assert.equal(error.code, 'unavailable');
  assert.match(error.message, text);
  return true;
};

describe('a call whose node does not answer', () => {
  for (const [name, [call, answer]] of Object.entries({ ...repeated, ...once })) {
    for (const reason of ['refused', 'stranger'] as const) {
      test(`${name} is made again after ${reason}: it never arrived`, async () => {
        const link = new FakeLink([broken(reason), () => answered(answer)]);
        const { routes, control } = cluster(link);
        await call(control);
        assert.deepEqual(
          link.requests.map((one) => [one.path, one.port]),
          [
            [`/control/${name}`, 1],
            [`/control/${name}`, 2],
          ],
        );
        assert.deepEqual(routes.failures, [{ room, nodeId: 'ND_a', why: reason }]);
      });
    }

    test(`${name} is made again where the Room is elsewhere`, async () => {
      const link = new FakeLink([elsewhere, () => answered(answer)]);
      const { routes, control, warnings } = cluster(link);
      await call(control);
      assert.equal(link.requests.length, 2);
      assert.deepEqual(routes.failures, [{ room, nodeId: 'ND_a', why: 'elsewhere' }]);
      assert.deepEqual(warnings, [], 'Rooms move: that is nothing to warn of');
    });
  }

  const lost: LinkError['reason'][] = ['reset', 'silent'];
  for (const reason of lost) {
    for (const [name, [call, answer]] of Object.entries(repeated)) {
      test(`${name} is made again after ${reason}: twice is as good as once`, async () => {
        const link = new FakeLink([broken(reason), () => answered(answer)]);
        await call(cluster(link).control);
        assert.equal(link.requests.length, 2);
      });
    }
    for (const [name, [call, answer]] of Object.entries(once)) {
      test(`${name} is not made again after ${reason}: it may have been carried out`, async () => {
        const link = new FakeLink([broken(reason), () => answered(answer)]);
        const { control, routes } = cluster(link);
        await assert.rejects(call(control), unavailable(/is not known/));
        assert.equal(link.requests.length, 1);
        assert.equal(routes.failures.length, 1);
      });
    }
  }

  for (const name of ['DeleteRoom', 'RemoveParticipant'] as const) {
    test(`${name} that finds nothing the second time has succeeded`, async () => {
      const [call] = repeated[name] ?? assert.fail();
      const gone = () => refused('not_found', 'gone');
      await call(cluster(new FakeLink([broken('reset'), gone])).control);
      const never = cluster(new FakeLink([broken('refused'), gone])).control;
      await assert.rejects(call(never), { code: 'not_found' });
    });
  }

  test('is given up after a few attempts, and says whether it was carried out', async () => {
    const [call] = repeated['GetParticipant'] ?? assert.fail();
    const link = new FakeLink([broken('refused')]);
    await assert.rejects(call(cluster(link).control), unavailable(/was not carried out/));
    assert.equal(link.requests.length, 4);
    const reset = new FakeLink([broken('reset'), broken('refused')]);
    await assert.rejects(call(cluster(reset).control), unavailable(/is not known/));
  });

  test('is given up when its time is over', async () => {
    const [call] = repeated['GetParticipant'] ?? assert.fail();
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return broken('silent')();
    };
    const link = new FakeLink([slow]);
    await assert.rejects(call(cluster(link, 20).control), unavailable(/is not known/));
    assert.equal(link.requests.length, 1);
  });

  test('says that no node can be found', async () => {
    const link = new FakeLink([() => answered('')]);
    const { control, routes } = cluster(link);
    routes.away = true;
    for (const [call] of Object.values({ ...repeated, ...once })) {
      await assert.rejects(call(control), unavailable(/the registry is away/));
    }
    assert.equal(link.requests.length, 0);
  });

  test('fails where the answer makes no sense, and names the node', async () => {
    const [call] = repeated['GetParticipant'] ?? assert.fail();
    const nonsense = [
      answered('<html>', 502),
      answered('{"code":"no_such_code","message":"m"}', 400),
      answered(new Uint8Array([0xff, 0xff]), 200),
      answered('', 421),
    ];
    for (const answer of nonsense) {
      const odd = call(cluster(new FakeLink([() => answer])).control);
      await assert.rejects(odd, /node ND_a answered GetParticipant/);
    }
  });
});

describe('the time that a node has to answer', () => {
  test('is longer for an RPC, by its response timeout', async () => {
    const link = new FakeLink([() => answered(new PerformRpcResponse().toBinary())]);
    const { control } = cluster(link, 700);
    const limits = [0, 30_000, 2 ** 32 - 1].map(async (responseTimeoutMs) => {
      await control.performRpc(new PerformRpcRequest({ room, responseTimeoutMs }));
    });
    await Promise.all(limits);
    await control.listParticipants(room);
    assert.deepEqual(
      link.requests.map((one) => one.timeoutMs),
      [10_700, 30_700, 2 ** 31 - 1, 700],
    );
  });
});

describe('the list of Rooms', () => {
  const listed = (...names: string[]) =>
    new ListRoomsResponse({ rooms: names.map((name) => new Room({ name })) }).toBinary();
  const byPort = (answers: Record<number, () => Uint8Array>) =>
    new FakeLink([({ port }) => answered(answers[port]?.() ?? assert.fail())]);
  const namesOf = (rooms: Room[]) => rooms.map(({ name }) => name).sort();

  test('is that of all nodes', async () => {
    const link = byPort({ 1: () => listed(room, 'b'), 2: () => listed('c') });
    const rooms = await cluster(link).control.listRooms(new ListRoomsRequest());
    assert.deepEqual(namesOf(rooms), ['b', 'c', room]);
    assert.equal(link.requests.length, 2);
  });

  for (const names of [[], [room]]) {
    const asked = names.length === 0 ? 'all' : 'some names';
    test(`of ${asked} has a Room that went on to another node between two answers`, async () => {
      let isMoved = false;
      const link = byPort({
        1: () => {
          isMoved = true;
          return listed();
        },
        // The list of this one is made before the Room is there.
        2: () => (isMoved ? listed(room) : listed()),
      });
      const { control, routes } = cluster(link);
      routes.nodes.reverse();
      const listing = control.listRooms(new ListRoomsRequest({ names }));
      routes.rooms.set(room, targetOf('ND_b', 2));
      assert.deepEqual(namesOf(await listing), [room]);
    });

    test(`of ${asked} does not wait for ever for a Room that no node has`, async () => {
      const { control } = cluster(byPort({ 1: () => listed(), 2: () => listed() }));
      assert.deepEqual(await control.listRooms(new ListRoomsRequest({ names })), []);
    });
  }

  test('leaves out a node that does not answer, and says so in the log', async () => {
    const link = byPort({ 1: broken('silent'), 2: () => listed('c') });
    const { control, warnings } = cluster(link);
    assert.deepEqual(namesOf(await control.listRooms(new ListRoomsRequest())), ['c']);
    assert.equal(warnings.length, 1);
  });

  test('fails where no node answers at all, and is empty where there is none', async () => {
    const { control, routes } = cluster(new FakeLink([broken('silent')]));
    const listing = control.listRooms(new ListRoomsRequest());
    await assert.rejects(listing, unavailable(/none of 2 Media Nodes/));
    routes.nodes = [];
    routes.rooms.clear();
    assert.deepEqual(await control.listRooms(new ListRoomsRequest()), []);
  });

  test('of some names asks only the nodes that host them', async () => {
    const link = new FakeLink([() => answered(listed(room, 's'))]);
    const { control, routes } = cluster(link);
    routes.rooms.set('s', targetOf('ND_a', 1));
    const names = [room, 's', 's', 'nowhere'];
    const rooms = await control.listRooms(new ListRoomsRequest({ names }));
    assert.deepEqual(namesOf(rooms), [room, 's']);
    assert.deepEqual(
      link.requests.map(({ body = bytes, port }) => [
        ListRoomsRequest.fromBinary(body).names,
        port,
      ]),
      [[[room, 's'], 1]],
    );
    assert.deepEqual(await control.listRooms(new ListRoomsRequest({ names: ['nowhere'] })), []);
  });

  test('of some names asks every node where it cannot be found out which', async () => {
    const link = byPort({ 1: () => listed(), 2: () => listed(room) });
    const { control, routes } = cluster(link);
    routes.away = true;
    const rooms = await control.listRooms(new ListRoomsRequest({ names: [room] }));
    assert.deepEqual(namesOf(rooms), [room]);
    assert.equal(link.requests.length, 2);
  });

  test('has a Room once that is just moving, from the node with more people in it', async () => {
    const room1 = new Room({ name: 'a', numParticipants: 2, sid: 'RM_1' });
    const room2 = new Room({ name: 'a', numParticipants: 1, sid: 'RM_1' });
    const link = byPort({
      1: () => new ListRoomsResponse({ rooms: [room1] }).toBinary(),
      2: () => new ListRoomsResponse({ rooms: [room2] }).toBinary(),
    });
    const rooms = await cluster(link).control.listRooms(new ListRoomsRequest());
    assert.deepEqual(
      rooms.map(({ numParticipants }) => numParticipants),
      [2],
    );
  });
});
