import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Message } from '@bufbuild/protobuf';
import {
  AgentDispatch,
  CreateRoomRequest,
  DeleteAgentDispatchRequest,
  DeleteRoomRequest,
  Job,
  ListAgentDispatchRequest,
  ListRoomsRequest,
  MuteRoomTrackRequest,
  ParticipantInfo,
  PerformRpcRequest,
  Room,
  RoomParticipantIdentity,
  SendDataRequest,
  TrackInfo,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
} from '@livekit/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import { RoutedRoomControl } from '../../../node-image/api/cluster/routed-room-control';
import { RoomError, type RoomErrorCode } from '../../../node-image/room/errors';
import type { RoomControl } from '../../../node-image/room/room-control';
import { RoomElsewhereError } from '../../../node-image/room/room-ownership';
import { log } from '../../media/support/media';
import { linkClient, NodeControl } from './support/node-control';
import { FakeRoutes } from './support/routes';

/** Answers what the test says, and keeps what it was asked. */
class ScriptedControl {
  asked: unknown;
  method = '';
  answer: () => unknown = () => undefined;

  readonly control = new Proxy({} as RoomControl, {
    get: (_target, method) => async (request: unknown) => {
      this.method = String(method);
      this.asked = request;
      return this.answer();
    },
  });
}

const lines: string[] = [];
const noisy = pino({ level: 'error' }, { write: (line) => void lines.push(line) });
const script = new ScriptedControl();
const link = linkClient();
const routes = new FakeRoutes();
let node: NodeControl;
let routed: RoutedRoomControl;

before(async () => {
  const options = { log: noisy, maxBodyBytes: 100_000 };
  node = await NodeControl.listen('ND_media', script.control, options);
  routes.nodes = [node.target];
  routes.rooms.set('r', node.target);
  routed = new RoutedRoomControl({ routes, link, timeoutMs: 2000, log });
});
after(async () => {
  link.close();
  await node.close();
});
beforeEach(() => {
  lines.length = 0;
  routes.failures.length = 0;
});

const text = fc.string({ unit: 'binary', maxLength: 50 }).map((one) => Buffer.from(one).toString());
const texts = fc.array(text, { maxLength: 4 });
const flag = fc.boolean();
const number = fc.nat();
const data = fc.uint8Array({ maxLength: 500 });
// No object can have it as an ordinary key.
const key = text.filter((name) => name !== '__proto__');
const attributes = fc.dictionary(key, text, { maxKeys: 4, noNullPrototype: true });
const room = fc.constant('r');

const roomInfo = fc
  .record({ sid: text, name: text, metadata: text, numParticipants: number })
  .map((fields) => new Room(fields));
const participant = fc
  .record({
    sid: text,
    identity: text,
    attributes,
    tracks: fc.array(fc.constant(new TrackInfo({ sid: 'TR_x' })), { maxLength: 2 }),
  })
  .map((fields) => new ParticipantInfo(fields));
const track = fc.record({ sid: text, muted: flag }).map((fields) => new TrackInfo(fields));

const dispatch = fc
  .record({ id: text, room, agentName: text, metadata: text, attributes })
  .map((fields) => new AgentDispatch(fields));

interface Case {
  readonly method: keyof RoomControl;
  readonly request: fc.Arbitrary<unknown>;
  readonly answer: fc.Arbitrary<unknown>;
}

const cases: Case[] = [
  {
    method: 'createRoom',
    request: fc
      .record({ name: room, metadata: text, emptyTimeout: number, syncStreams: flag })
      .map((fields) => new CreateRoomRequest(fields)),
    answer: roomInfo,
  },
  {
    method: 'listRooms',
    request: fc.constant(new ListRoomsRequest()),
    // With the Room that is placed: one that is missing would be asked for again.
    answer: fc
      .uniqueArray(roomInfo, { maxLength: 3, selector: ({ name }) => name })
      .map((rooms) => [new Room({ name: 'r' }), ...rooms.filter(({ name }) => name !== 'r')]),
  },
  {
    method: 'deleteRoom',
    request: room.map((name) => new DeleteRoomRequest({ room: name })),
    answer: fc.constant(undefined),
  },
  { method: 'listParticipants', request: room, answer: fc.array(participant, { maxLength: 3 }) },
  {
    method: 'getParticipant',
    request: fc
      .record({ room, identity: text })
      .map((fields) => new RoomParticipantIdentity(fields)),
    answer: participant,
  },
  {
    method: 'removeParticipant',
    request: fc
      .record({ room, identity: text })
      .map((fields) => new RoomParticipantIdentity(fields)),
    answer: fc.constant(undefined),
  },
  {
    method: 'mutePublishedTrack',
    request: fc
      .record({ room, identity: text, trackSid: text, muted: flag })
      .map((fields) => new MuteRoomTrackRequest(fields)),
    answer: fc.option(track, { nil: undefined }),
  },
  {
    method: 'updateParticipant',
    request: fc
      .record({ room, identity: text, name: text, metadata: text, attributes })
      .map((fields) => new UpdateParticipantRequest(fields)),
    answer: participant,
  },
  {
    method: 'updateSubscriptions',
    request: fc
      .record({ room, identity: text, trackSids: texts, subscribe: flag })
      .map((fields) => new UpdateSubscriptionsRequest(fields)),
    answer: fc.constant(undefined),
  },
  {
    method: 'sendData',
    request: fc
      .record({ room, data, destinationIdentities: texts, nonce: data })
      .map((fields) => new SendDataRequest(fields)),
    answer: fc.constant(undefined),
  },
  {
    method: 'updateRoomMetadata',
    request: fc
      .record({ room, metadata: text })
      .map((fields) => new UpdateRoomMetadataRequest(fields)),
    answer: roomInfo,
  },
  {
    method: 'performRpc',
    request: fc
      .record({ room, destinationIdentity: text, method: text, payload: text })
      .map((fields) => new PerformRpcRequest(fields)),
    answer: text,
  },
  { method: 'createDispatch', request: dispatch, answer: dispatch },
  {
    method: 'deleteDispatch',
    request: fc
      .record({ room, dispatchId: text })
      .map((fields) => new DeleteAgentDispatchRequest(fields)),
    answer: dispatch,
  },
  {
    method: 'listDispatch',
    request: fc
      .record({ room, dispatchId: text })
      .map((fields) => new ListAgentDispatchRequest(fields)),
    answer: fc.array(dispatch, { maxLength: 3 }),
  },
  {
    method: 'connectedAgents',
    request: room,
    answer: fc.array(
      text.map((id) => new Job({ id })),
      { maxLength: 3 },
    ),
  },
];

const codes: RoomErrorCode[] = [
  'invalid_argument',
  'not_found',
  'already_exists',
  'failed_precondition',
  'resource_exhausted',
  'deadline_exceeded',
  'unimplemented',
  'unavailable',
  'permission_denied',
  'internal',
];
const roomError = fc
  .record({ code: fc.constantFrom(...codes), message: text, meta: attributes })
  .map(({ code, message, meta }) => new RoomError(code, message, meta));

const bare = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(bare);
  return value !== null && typeof value === 'object' && 'toBinary' in value
    ? Buffer.from((value as Message<never> & { toBinary(): Uint8Array }).toBinary()).toString('hex')
    : value;
};

/** As the proxy has it: every method takes one argument. */
const call = (method: keyof RoomControl, request: unknown): Promise<unknown> =>
  (routed[method] as (request: unknown) => Promise<unknown>)(request);

describe('a call over the node link', () => {
  test('covers every method of RoomControl', () => {
    const own = Object.getOwnPropertyNames(RoutedRoomControl.prototype);
    assert.deepEqual(
      cases.map(({ method }) => method).sort(),
      own.filter((name) => name !== 'constructor').sort(),
    );
  });

  for (const { method, request, answer } of cases) {
    test(`arrives as it was made, and its answer comes back: ${method}`, () =>
      fc.assert(
        fc.asyncProperty(request, answer, async (asked, given) => {
          script.answer = () => given;
          assert.deepEqual(bare(await call(method, asked)), bare(given));
          assert.deepEqual([script.method, bare(script.asked)], [method, bare(asked)]);
        }),
        { numRuns: 30 },
      ));
  }

  for (const { method, request } of cases.filter((one) => one.method !== 'listRooms')) {
    test(`comes back with the same error: ${method}`, () =>
      fc.assert(
        fc.asyncProperty(request, roomError, async (asked, error) => {
          script.answer = () => {
            throw error;
          };
          await assert.rejects(call(method, asked), (got: unknown) => {
            assert.ok(got instanceof RoomError, String(got));
            assert.deepEqual(
              { code: got.code, message: got.message, meta: got.meta },
              { code: error.code, message: error.message, meta: error.meta },
            );
            return true;
          });
        }),
        { numRuns: 20 },
      ));
  }

  test('that fails on the node tells no details, and the node logs them', async () => {
    script.answer = () => {
      throw new Error('a secret detail');
    };
    const failing = call('listParticipants', 'r');
    await assert.rejects(failing, { code: 'internal', message: 'internal error' });
    assert.match(lines.join(), /a secret detail/);
  });

  test('looks again where the node says that the Room is elsewhere', async () => {
    const answers = [
      () => {
        throw new RoomElsewhereError('it has moved');
      },
      () => [],
    ];
    script.answer = () => answers.shift()?.();
    assert.deepEqual(await call('listParticipants', 'r'), []);
    assert.deepEqual(routes.failures, [{ room: 'r', nodeId: 'ND_media', why: 'elsewhere' }]);
    assert.deepEqual(lines, []);
  });
});

describe('a request that no Master Node makes', () => {
  const send = (method: 'GET' | 'POST', path: string, body?: Uint8Array) =>
    link.request(node.target.link, { method, path, body, timeoutMs: 2000 });

  test('is not found where there is no such call', async () => {
    const paths = ['/control/Nothing', '/control/', '/control', '/', '/control/__proto__', '//x'];
    for (const path of paths) {
      assert.equal((await send('POST', path, new Uint8Array())).status, 404, path);
    }
    assert.equal((await send('GET', '/control/ListRooms')).status, 404);
  });

  test('is refused where its body is no request of that call', async () => {
    const answer = await send('POST', '/control/CreateRoom', new Uint8Array([0x0a, 0x7f]));
    assert.equal(answer.status, 400);
    assert.match(answer.body.toString(), /the request of CreateRoom could not be decoded/);
  });

  test('is refused where its body is too large, and the next is answered', async () => {
    const large = await send('POST', '/control/CreateRoom', new Uint8Array(200_000));
    assert.equal(large.status, 413);
    script.answer = () => [];
    assert.equal((await send('POST', '/control/ListRooms', new Uint8Array())).status, 200);
  });
});
