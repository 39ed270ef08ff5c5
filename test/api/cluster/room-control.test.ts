import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  CreateRoomRequest,
  DeleteRoomRequest,
  ListRoomsRequest,
  MuteRoomTrackRequest,
  PerformRpcRequest,
  RoomParticipantIdentity,
  SendDataRequest,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
} from '@livekit/protocol';
import { RoutedRoomControl } from '../../../node-image/api/cluster/routed-room-control';
import type { TlsLinkClient } from '../../../node-image/cluster/link/link-client';
import { RoomError } from '../../../node-image/room/errors';
import { LocalRoomControl } from '../../../node-image/room/local-room-control';
import type { RoomControl } from '../../../node-image/room/room-control';
import { log } from '../../media/support/media';
import { TestRooms } from '../../room/rooms';
import { linkClient, NodeControl } from './support/node-control';
import { FakeRoutes } from './support/routes';

interface Subject {
  readonly node: TestRooms;
  readonly control: RoomControl;
  readonly close: () => Promise<void>;
}

const limits = { nameLength: 10, metadataBytes: 10, attributesBytes: 10 };

async function local(): Promise<Subject> {
  const node = await TestRooms.start();
  const control = new LocalRoomControl(node.rooms, limits);
  return { node, control, close: async () => node.close() };
}

/** The same Rooms, behind a real node link; only those that were made over it are routed. */
async function routed(): Promise<Subject> {
  const { node, control } = await local();
  const server = await NodeControl.listen('ND_media', control);
  const routes = new FakeRoutes();
  routes.nodes = [server.target];
  const link: TlsLinkClient = linkClient();
  return {
    node,
    control: new RoutedRoomControl({ routes, link, timeoutMs: 2000, log }),
    close: async () => {
      link.close();
      await server.close();
      node.close();
    },
  };
}

const fails = (code: string, message: string) => (error: unknown) => {
  assert.ok(error instanceof RoomError, String(error));
  assert.deepEqual([error.code, error.message], [code, message]);
  return true;
};

for (const [kind, start] of Object.entries({ local, routed })) {
  describe(`the server API on Rooms, ${kind}`, () => {
    let subject: Subject;
    let control: RoomControl;
    let room: string;
    let number = 0;

    before(async () => {
      subject = await start();
      control = subject.control;
    });
    after(() => subject.close());
    beforeEach(async () => {
      number += 1;
      room = `room ${number}/ü`;
      await control.createRoom(new CreateRoomRequest({ name: room, metadata: 'old' }));
    });

    async function join(identity: string) {
      const found = subject.node.rooms.get(room);
      assert.ok(found !== undefined);
      return subject.node.join(found, identity);
    }

    test('makes a Room once, and changes it', async () => {
      const request = new CreateRoomRequest({ name: room, emptyTimeout: 7 });
      const again = await control.createRoom(request);
      assert.deepEqual([again.name, again.metadata, again.emptyTimeout], [room, 'old', 7]);
      assert.equal(again.sid, subject.node.rooms.get(room)?.info().sid);
    });

    test('lists Rooms by their names, or all', async () => {
      const named = await control.listRooms(new ListRoomsRequest({ names: [room, 'nowhere'] }));
      assert.deepEqual(
        named.map((one) => one.name),
        [room],
      );
      const all = await control.listRooms(new ListRoomsRequest());
      assert.equal(all.length, subject.node.rooms.all().length);
      assert.deepEqual(await control.listRooms(new ListRoomsRequest({ names: ['nowhere'] })), []);
    });

    test('ends a Room, which is not found any more', async () => {
      const { sink } = await join('ann');
      await control.deleteRoom(new DeleteRoomRequest({ room }));
      assert.equal(sink.sent('leave').length, 1);
      const gone = control.deleteRoom(new DeleteRoomRequest({ room }));
      await assert.rejects(gone, fails('not_found', 'requested room does not exist'));
      assert.deepEqual(await control.listParticipants(room), []);
    });

    test('changes the metadata of a Room', async () => {
      const request = new UpdateRoomMetadataRequest({ room, metadata: 'new' });
      assert.equal((await control.updateRoomMetadata(request)).metadata, 'new');
    });

    test('lists, finds, changes and removes participants', async () => {
      const { participant } = await join('ann');
      const [listed] = await control.listParticipants(room);
      assert.ok(listed?.equals(participant.info()));
      const who = new RoomParticipantIdentity({ room, identity: 'ann' });
      assert.ok((await control.getParticipant(who)).equals(participant.info()));
      const update = new UpdateParticipantRequest({ ...who, name: 'Ann', attributes: { a: '1' } });
      const info = await control.updateParticipant(update);
      assert.deepEqual([info.name, info.attributes], ['Ann', { a: '1' }]);
      await control.removeParticipant(who);
      const gone = control.getParticipant(who);
      await assert.rejects(gone, fails('not_found', 'participant does not exist'));
    });

    test('refuses what is too large, and to unmute from afar', async () => {
      await join('ann');
      const who = { room, identity: 'ann' };
      await assert.rejects(
        control.updateParticipant(
          new UpdateParticipantRequest({ ...who, metadata: 'x'.repeat(11) }),
        ),
        fails('invalid_argument', 'exceeds metadata size limit'),
      );
      await assert.rejects(
        control.mutePublishedTrack(new MuteRoomTrackRequest({ ...who, trackSid: 'TR_x' })),
        fails('failed_precondition', 'remote unmute not enabled'),
      );
    });

    test('mutes a track that nobody knows by telling the client, and answers no track', async () => {
      const { sink } = await join('ann');
      const request = { room, identity: 'ann', trackSid: 'TR_x', muted: true };
      const track = await control.mutePublishedTrack(new MuteRoomTrackRequest(request));
      assert.equal(track, undefined);
      assert.equal(sink.sent('mute')[0]?.sid, 'TR_x');
    });

    test('takes subscriptions and data', async () => {
      await join('ann');
      const choice = { room, identity: 'ann', trackSids: ['TR_x'], subscribe: false };
      await control.updateSubscriptions(new UpdateSubscriptionsRequest(choice));
      await control.sendData(new SendDataRequest({ room, data: new Uint8Array([1]) }));
    });

    test('says why an RPC failed', async () => {
      await join('ann');
      const request = { room, destinationIdentity: 'ann', method: 'm' };
      const call = control.performRpc(
        new PerformRpcRequest({ ...request, payload: 'x'.repeat(16_000) }),
      );
      await assert.rejects(call, (error: unknown) => {
        assert.ok(error instanceof RoomError);
        assert.equal(error.code, 'invalid_argument');
        assert.equal(error.meta['rpc_code'], '1402');
        return true;
      });
      const timedOut = control.performRpc(
        new PerformRpcRequest({ ...request, responseTimeoutMs: 50 }),
      );
      await assert.rejects(timedOut, { code: 'deadline_exceeded' });
    });

    const identity = 'ann';
    const room404 = 'requested room does not exist';
    const participant404 = 'participant does not exist';
    const nowhere: [string, (room: string) => Promise<unknown>, string][] = [
      ['its end', (of) => control.deleteRoom(new DeleteRoomRequest({ room: of })), room404],
      ['data', (of) => control.sendData(new SendDataRequest({ room: of })), room404],
      [
        'metadata',
        (of) => control.updateRoomMetadata(new UpdateRoomMetadataRequest({ room: of })),
        room404,
      ],
      ['an RPC', (of) => control.performRpc(new PerformRpcRequest({ room: of })), room404],
      [
        'a participant',
        (of) => control.getParticipant(new RoomParticipantIdentity({ room: of, identity })),
        participant404,
      ],
      [
        'a removal',
        (of) => control.removeParticipant(new RoomParticipantIdentity({ room: of, identity })),
        participant404,
      ],
      [
        'a change',
        (of) => control.updateParticipant(new UpdateParticipantRequest({ room: of, identity })),
        participant404,
      ],
      [
        'a mute',
        (of) => control.mutePublishedTrack(new MuteRoomTrackRequest({ room: of, identity })),
        participant404,
      ],
      [
        'subscriptions',
        (of) => control.updateSubscriptions(new UpdateSubscriptionsRequest({ room: of, identity })),
        participant404,
      ],
    ];
    for (const [what, call, message] of nowhere) {
      test(`does not find a Room that runs nowhere: ${what}`, () =>
        assert.rejects(call('nowhere'), fails('not_found', message)));
    }

    test('lists nobody in a Room that runs nowhere', async () => {
      assert.deepEqual(await control.listParticipants('nowhere'), []);
    });
  });
}
