import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ParticipantInfo } from '@livekit/protocol';
import type { RoomServiceClient } from 'livekit-server-sdk';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { sleep, until } from '../../support/wait';
import { listenForWebhooks, type WebhookListener } from '../../support/webhooks';
import { assertNoneDropped, backTimes, leaveCalls, startCalls } from '../support/calls';
import { apiOf, closeAll, untilState } from './support/drains';

let webhooks: WebhookListener;
let cluster: TestCluster;
let clients: RustClients;
let api: RoomServiceClient;
before(async () => {
  webhooks = await listenForWebhooks();
  cluster = await TestCluster.start({
    mediaNodes: 2,
    config: { webhook: { urls: [webhooks.url], api_key: 'devkey' } },
  });
  webhooks.trust(cluster);
  clients = await RustClients.start();
  api = apiOf(cluster);
});
after(() => closeAll(clients, cluster, webhooks));

/** What of a participant must be the same after a move. */
const kept = ({
  identity,
  name,
  metadata,
  attributes,
  permission,
  joinedAtMs,
}: ParticipantInfo) => ({
  identity,
  name,
  metadata,
  attributes,
  joinedAtMs,
  canPublish: permission?.canPublish,
  canSubscribe: permission?.canSubscribe,
  canPublishData: permission?.canPublishData,
  canUpdateMetadata: permission?.canUpdateMetadata,
});

const byIdentity = (a: { identity: string }, b: { identity: string }): number =>
  a.identity < b.identity ? -1 : 1;

test('what was changed of participants since their tokens were made moves with them, and nobody is told of a leave', {
  timeout: 90_000,
}, async () => {
  const [call] = await startCalls(cluster, clients, { name: 'kept' });
  assert.ok(call);
  const { room } = call;
  await api.updateParticipant(room, 'kept-0-a', {
    name: 'Renamed',
    metadata: 'changed',
    attributes: { hand: 'raised', seat: '12' },
    permission: {
      canPublish: true,
      canSubscribe: true,
      canPublishData: false,
      canUpdateMetadata: true,
    },
  });
  await api.updateRoomMetadata(room, 'of the Room, changed');
  const listed = await api.listParticipants(room);
  const before = listed.map(kept).sort(byIdentity);
  const trackSids = listed.flatMap(({ tracks }) => tracks.map(({ sid }) => sid));
  assert.equal(trackSids.length, 4);
  const source = await cluster.roomNode(room);
  const { sid } = (await api.listRooms([room]))[0] ?? {};
  const told = webhooks.events.length;

  // From the order until all is as before, as fast as it answers.
  const wrong: string[] = [];
  let looks = 0;
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      const people = await api.listParticipants(room);
      const [info] = await api.listRooms([room]);
      const who = people.map(({ identity }) => identity).sort();
      if (who.join() !== 'kept-0-a,kept-0-b') wrong.push(`participants ${who.join()}`);
      if (info?.sid !== sid) wrong.push(`Room ${info?.sid}`);
      looks += 1;
    }
  })();
  const orderedMs = Date.now();
  await cluster.admin().drain(source.nodeId, { patience: 0, deadline: '30s' });
  await backTimes([call], orderedMs);
  await untilState(cluster, source, 'drained');
  isOver = true;
  await looking;
  assert.deepEqual(wrong, []);
  assert.ok(looks > 20, `the server API was asked ${looks} times only`);

  const now = await until('the tracks to be there again', async () => {
    const people = await api.listParticipants(room);
    return people.every(({ tracks }) => tracks.length === 2) ? people : undefined;
  });
  assert.deepEqual(now?.map(kept).sort(byIdentity), before);
  const newSids = now?.flatMap(({ tracks }) => tracks.map((track) => track.sid)) ?? [];
  assert.ok(newSids.every((one) => !trackSids.includes(one)));
  for (const member of call.members) {
    const status = await member.status();
    assert.equal(status.metadata, 'of the Room, changed');
    assert.equal(status.roomSid, sid);
  }
  await assertNoneDropped([call]);
  assert.notEqual((await cluster.roomNode(room)).nodeId, source.nodeId);
  await sleep(1_000);
  const names = new Set(webhooks.events.slice(told).map(({ event }) => event));
  assert.deepEqual([...names].sort(), ['track_published', 'track_unpublished']);

  // When they do leave, it is told once, as of any other.
  await leaveCalls([call]);
  await webhooks.event(
    'participant_left',
    ({ participant }) => participant?.identity === 'kept-0-a',
  );
  await cluster.admin().undrain(source.nodeId);
  await untilState(cluster, source, 'serving');
});

test('what is changed while its client is on the way holds when it is there', {
  timeout: 90_000,
}, async () => {
  const [call] = await startCalls(cluster, clients, { name: 'on-the-way' });
  assert.ok(call);
  const source = await cluster.roomNode(call.room);
  const orderedMs = Date.now();
  await cluster.admin().drain(source.nodeId, { patience: 0, deadline: '30s' });
  await until(
    'the Room to be on its way',
    async () => {
      const rooms = await cluster.admin().rooms();
      return rooms.find(({ name }) => name === call.room)?.nodeId !== source.nodeId;
    },
    { intervalMs: 5 },
  );
  await api.updateParticipant(call.room, 'on-the-way-0-b', { metadata: 'told on the way' });
  await backTimes([call], orderedMs);
  const info = await api.getParticipant(call.room, 'on-the-way-0-b');
  assert.equal(info.metadata, 'told on the way');
  await leaveCalls([call]);
  await untilState(cluster, source, 'drained');
  await cluster.admin().undrain(source.nodeId);
});
