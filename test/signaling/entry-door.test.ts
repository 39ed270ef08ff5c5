import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { linkRequests } from '../../node-image/api/cluster/link-requests';
import { TokenVerifier } from '../../node-image/api/tokens';
import { RoomError } from '../../node-image/room/errors';
import type { LocalRooms } from '../../node-image/room/local-rooms';
import { RoomElsewhereError } from '../../node-image/room/room-ownership';
import { Simulations } from '../../node-image/room/simulate';
import { LinkDoor, linkGate } from '../../node-image/signaling/link-door';
import { RtcEndpoint } from '../../node-image/signaling/rtc-endpoint';
import type { Sessions } from '../../node-image/signaling/sessions';
import { handshake } from '../cluster/support/handshake';
import { SignalConnection } from '../support/signal';
import { joinToken } from '../support/tokens';
import { EntryMaster, EntryNode, SIGNER } from './entry-support';

const log = pino({ level: 'silent' });
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const gate = linkGate({
  tokens: new TokenVerifier({ keys: { [SIGNER.apiKey]: SIGNER.apiSecret } }),
  lengths: { identity: 100, roomName: 100 },
  pendingHandshakes: 0,
});

/** A node with the real endpoint and door, whose Rooms do what the test says. */
async function nodeWith(
  rooms: Partial<Pick<LocalRooms, 'get' | 'find' | 'getOrCreate'>>,
  autoCreate = true,
): Promise<{ node: EntryNode; joined: string[] }> {
  const joined: string[] = [];
  const endpoint = new RtcEndpoint({
    gate,
    rooms: { get: () => undefined, find: async () => undefined, ...rooms } as LocalRooms,
    sessions: { get: () => undefined } as unknown as Sessions,
    simulations: new Simulations(Date.now),
    autoCreate,
    maxMessageBytes: 1000,
    metrics: {
      joined: (state) => void joined.push(state),
      joinLatency: () => undefined,
      sessionStarted: () => undefined,
    },
    isNodeFull: () => false,
    log,
  });
  const door = new LinkDoor({ endpoint, log });
  const node = await new EntryNode('ND_real').start();
  node.instead = door.upgrade;
  node.answer = linkRequests([door.path], log);
  closers.push(() => node.kill());
  return { node, joined };
}

async function otherNode(): Promise<EntryNode> {
  const other = await new EntryNode('ND_other').start();
  other.greeting = '';
  closers.push(() => other.kill());
  return other;
}

async function masterOf(node: EntryNode): Promise<EntryMaster> {
  const master = await new EntryMaster().start();
  master.routes.next = node.target;
  closers.push(() => master.close());
  return master;
}

const isElsewhere = async (): Promise<never> => {
  throw new RoomElsewhereError('the room is at another node');
};

const token = () => joinToken(SIGNER, 'room', 'someone');

async function statusOf(master: EntryMaster, query = {}): Promise<[number, string] | 'accepted'> {
  const answer = await SignalConnection.open(master.url, await token(), query);
  return 'status' in answer ? [answer.status, answer.body] : 'accepted';
}

describe('LinkDoor', () => {
  test('sends a client on whose Room is not here, and counts no failure', async () => {
    const { node, joined } = await nodeWith({ getOrCreate: isElsewhere });
    const other = await otherNode();
    const master = await masterOf(node);
    master.routes.onFailed = (room) => void master.routes.found.set(room, other.target);
    assert.equal(await statusOf(master), 'accepted');
    assert.deepEqual(master.routes.failures, ['ND_real elsewhere']);
    assert.deepEqual([...joined, ...master.joined], []);
  });

  test('sends a client on that resumes while its Room moves', async () => {
    const room = { settled: isElsewhere } as unknown as ReturnType<LocalRooms['get']>;
    const { node } = await nodeWith({ get: () => room });
    const other = await otherNode();
    const master = await masterOf(node);
    master.routes.onFailed = (name) => void master.routes.found.set(name, other.target);
    assert.equal(await statusOf(master, { reconnect: '1' }), 'accepted');
    assert.equal(other.requests.length, 1);
  });

  test('tells a client to join anew whom it does not know', async () => {
    const { node } = await nodeWith({});
    const master = await masterOf(node);
    const answer = await SignalConnection.open(master.url, await token(), { reconnect: '1' });
    assert.ok(answer instanceof SignalConnection);
    assert.equal((await answer.message('leave')).action, 2);
  });

  test('passes the refusals of the Room on', async () => {
    const { node } = await nodeWith({
      getOrCreate: async () => {
        throw new RoomError('resource_exhausted', 'the room is full');
      },
    });
    assert.deepEqual(await statusOf(await masterOf(node)), [403, 'the room is full']);
  });

  test('says when to try again where the Room cannot be had now', async () => {
    const { node } = await nodeWith({
      getOrCreate: async () => {
        throw new RoomError('unavailable', 'Redis is away');
      },
    });
    const { url } = await masterOf(node);
    const answer = await handshake(url.replace(/^ws/, 'http'), await token());
    assert.deepEqual([answer.status, answer.retryAfter], [503, '2']);
  });

  test('looks for a Room that may not be made where it might go on', async () => {
    const asked: string[] = [];
    const find = async (name: string): Promise<undefined> => void asked.push(name);
    const { node } = await nodeWith({ find }, false);
    assert.deepEqual(await statusOf(await masterOf(node)), [404, 'requested room does not exist']);
    assert.deepEqual(asked, ['room']);
  });

  test('validates over the link, and says which Room is not its', async () => {
    const { node } = await nodeWith({ find: isElsewhere }, false);
    const master = await masterOf(node);
    const asked = { method: 'GET' as const, path: '/rtc/validate', timeoutMs: 5000 };
    const headers = { authorization: `Bearer ${await token()}` };
    const answer = await master.link.request(node.target.link, { ...asked, headers });
    assert.deepEqual([answer.status, answer.headers['x-sluice-elsewhere']], [421, '1']);
    assert.equal((await master.link.request(node.target.link, asked)).status, 401);
  });

  test('takes handshakes for /rtc only', async () => {
    const { node } = await nodeWith({});
    const master = await masterOf(node);
    const rawHeaders = ['Host', 'x', 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
    const answer = await master.link.upgrade(node.target.link, {
      path: '/rtc/v1',
      rawHeaders,
      timeoutMs: 5000,
    });
    assert.ok('status' in answer);
    assert.equal(answer.status, 404);
  });

  test("takes the client's address from the Master Node", async () => {
    const passed = await gate.check({
      headers: { 'x-sluice-client': '203.0.113.9', authorization: `Bearer ${await token()}` },
      url: '/rtc',
      socket: { remoteAddress: '10.0.0.1' },
    } as unknown as IncomingMessage);
    assert.equal(passed.address, '203.0.113.9');
    assert.equal(passed.query.client.address, '203.0.113.9');
  });
});
