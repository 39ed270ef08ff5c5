import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { spread, worstGap } from '../../support/measure';
import { goalFigures, report, spreadFigures } from '../../support/measure-report';
import { until } from '../../support/wait';
import { listenForWebhooks } from '../../support/webhooks';
import { assertNoneDropped, backTimes, startCalls } from '../support/calls';
import { apiOf, untilState } from './support/drains';

const ROOMS = 20;

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

test('twenty Rooms of two move off a node that drains: nobody is dropped, and nothing of a Room changes', {
  timeout: 240_000,
}, async (t) => {
  const webhooks = await listenForWebhooks();
  closers.push(() => webhooks.close());
  const cluster = await TestCluster.start({
    mediaNodes: 1,
    config: { webhook: { urls: [webhooks.url], api_key: 'devkey' } },
  });
  closers.push(() => cluster.close());
  webhooks.trust(cluster);
  const clients = await RustClients.start();
  closers.push(() => clients.close());
  const api = apiOf(cluster);
  const [source] = cluster.mediaNodes;
  assert.ok(source);

  for (let i = 0; i < ROOMS; i++) {
    await api.createRoom({ name: `twenty-${i}`, metadata: `of Room ${i}` });
  }
  const calls = await startCalls(cluster, clients, { name: 'twenty', rooms: ROOMS });
  const target = await cluster.addMediaNode();
  await cluster.untilServing();
  const before = await api.listRooms();
  const sids = (await cluster.admin().rooms()).map(({ name, sid }) => ({ name, sid }));
  assert.equal(sids.length, ROOMS);
  const told = webhooks.events.length;

  const orderedMs = Date.now();
  await cluster.admin().drain(source.nodeId, { patience: 0, deadline: '20s' });
  const view = await untilState(cluster, source, 'drained', 40_000);
  const drainedMs = Date.now();
  assert.equal(view.record.drain?.roomsMoved, ROOMS);
  await backTimes(calls, orderedMs, 30_000);

  const gaps: number[] = [];
  const rejoins: number[] = [];
  for (const call of calls) {
    for (const member of call.members) {
      const { frames, events, roomSid, metadata } = await member.status(orderedMs - 1_000);
      const [times = []] = Object.values(frames);
      gaps.push(worstGap(times, orderedMs, Date.now()));
      const at = (name: string): number => events.find((event) => event.name === name)?.atMs ?? 0;
      rejoins.push(at('reconnected') - at('reconnecting'));
      assert.equal(events.filter(({ name }) => name === 'reconnected').length, 1, member.identity);
      const room = before.find(({ name }) => name === call.room);
      assert.equal(roomSid, room?.sid);
      assert.equal(metadata, room?.metadata);
    }
  }
  await assertNoneDropped(calls);

  const rooms = await cluster.admin().rooms();
  assert.deepEqual(
    rooms.map(({ name, sid }) => ({ name, sid })),
    sids,
  );
  for (const room of rooms) {
    assert.equal(room.nodeId, target.nodeId);
    assert.equal(room.participants, 2);
    assert.equal(room.publishers, 2);
  }
  const after = await api.listRooms();
  assert.deepEqual(
    after.map(({ name, sid, metadata }) => ({ name, sid, metadata })).sort(byName),
    before.map(({ name, sid, metadata }) => ({ name, sid, metadata })).sort(byName),
  );
  // Tracks are published anew, with other sids, and that is all that anybody is told.
  await until('the tracks to be told of', () => webhooks.events.length >= told + 8 * ROOMS);
  const names = new Set(webhooks.events.slice(told).map(({ event }) => event));
  assert.deepEqual([...names].sort(), ['track_published', 'track_unpublished']);
  assert.deepEqual(webhooks.failures, []);

  await report(t, {
    name: 'drain-20-rooms',
    about:
      `Drain of a Media Node with ${ROOMS} Rooms of 2 while all publish and receive (Opus and ` +
      'VP8 160x90 at 5 frames/s, clients of the Rust SDK, all on one machine with both nodes): the ' +
      'worst gap between two frames of each participant, in ms; without a drain it is about 200. ' +
      `Of ${2 * ROOMS} calls 0 were dropped, of ${ROOMS} Rooms 0 were lost.`,
    units: { median: 'ms', p95: 'ms', p99: 'ms', worst: 'ms', drained: 'ms' },
    rows: [
      {
        case: 'from Reconnecting to Reconnected',
        figures: { ...spreadFigures(spread(rejoins)), drained: drainedMs - orderedMs },
      },
      {
        case: 'worst gap in the picture',
        figures: {
          ...goalFigures(spread(gaps), { median: 2_000, p95: 3_000 }),
          drained: drainedMs - orderedMs,
        },
      },
    ],
  });
});

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
