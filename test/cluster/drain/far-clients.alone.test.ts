import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startUdpRelay } from '../../network/support/udp-relay';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { spread, worstGap } from '../../support/measure';
import { goalFigures, report } from '../../support/measure-report';
import { freePortRange } from '../../support/ports';
import { assertNoneDropped, backTimes, startCalls } from '../support/calls';
import { untilState } from './support/drains';
import { startFarEntry } from './support/far-entry';

const ROOMS = 6;
const ROUND_TRIP_MS = 100;
const GOAL = { median: 2_000 };
/** The relays are what clients are told, the nodes listen beside them. */
const RELAY = '127.0.0.2';

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

test('clients at a round trip of 100 ms go with their Room; wanted: video again within 2 s at the median', {
  timeout: 150_000,
}, async (t) => {
  const cluster = await TestCluster.start({ mediaNodes: 0 });
  closers.push(() => cluster.close());
  const half = { delayMs: ROUND_TRIP_MS / 2 };
  const addFarNode = async () => {
    const port = await freePortRange(1);
    const relay = await startUdpRelay({
      listen: { address: RELAY, port },
      target: { address: '127.0.0.1', port },
    });
    closers.push(() => relay.close());
    relay.setLine('', { up: half, down: half });
    return cluster.addMediaNode({
      rtc: { udp_port: port, node_ip: RELAY, interfaces: { includes: ['lo'] } },
    });
  };
  const source = await addFarNode();
  await cluster.untilServing();
  const entry = await startFarEntry({ port: cluster.entry.port, roundTripMs: ROUND_TRIP_MS });
  closers.push(() => entry.close());
  const clients = await RustClients.start();
  closers.push(() => clients.close());
  const url = `ws://127.0.0.1:${entry.port}`;
  const calls = await startCalls(cluster, clients, { name: 'far', rooms: ROOMS, url });
  await addFarNode();
  await cluster.untilServing();

  const orderedMs = Date.now();
  await cluster.admin().drain(source.nodeId, { patience: 0, deadline: '15s' });
  await untilState(cluster, source, 'drained');
  await backTimes(calls, orderedMs, 30_000);
  const gaps: number[] = [];
  const rejoins: number[] = [];
  for (const member of calls.flatMap(({ members }) => members)) {
    const { frames, events } = await member.status(orderedMs - 1_000);
    gaps.push(worstGap(Object.values(frames)[0] ?? [], orderedMs, Date.now()));
    const at = (name: string): number => events.find((event) => event.name === name)?.atMs ?? 0;
    rejoins.push(at('reconnected') - at('reconnecting'));
  }
  await assertNoneDropped(calls);
  assert.equal(gaps.length, 2 * ROOMS);
  const [picture, rejoin] = [spread(gaps), spread(rejoins)];
  // Shows that the line is as long as it should be: signaling alone takes several round trips.
  assert.ok(
    Math.min(...rejoins) > 3 * ROUND_TRIP_MS,
    `somebody was back in ${Math.min(...rejoins)} ms`,
  );
  await report(t, {
    name: 'drain-100-ms',
    about:
      `Drain of a Media Node with ${ROOMS} Rooms of 2 whose clients (Rust SDK, Opus and VP8 160x90 ` +
      `at 5 frames/s) are ${ROUND_TRIP_MS} ms away by round trip, signaling and media both.`,
    units: { median: 'ms', p95: 'ms', p99: 'ms', worst: 'ms' },
    rows: [
      { case: 'from Reconnecting to Reconnected', figures: goalFigures(rejoin, GOAL) },
      { case: 'worst gap in the picture', figures: goalFigures(picture, GOAL) },
    ],
  });
});
