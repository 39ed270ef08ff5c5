/** Drain of a Media Node while its Rooms are full of media. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../test/support/wait';
import { BenchCluster } from './cluster';
import { runLoad } from './load';
import type { LoadTrack } from './load-plan';
import { type ExtraSeries, markdown } from './series';

const PER_ROOM = 4;
const TRACKS: readonly LoadTrack[] = [
  { kind: 'audio' },
  { kind: 'video', layers: [{ width: 640, height: 360, bitsPerSecond: 400_000, fps: 30 }] },
];
const DRAINED_WITHIN_MS = 40_000;

export const drainSeries: ExtraSeries = {
  name: 'drain',
  seconds: 45,
  run: async ({ program, address, isSmoke, say }) => {
    const rooms = isSmoke ? 2 : 8;
    const cluster = await BenchCluster.start({ masters: 1, mediaNodes: 2, address });
    try {
      const participants = await Promise.all(
        Array.from({ length: rooms * PER_ROOM }, async (_, i) => ({
          name: `participant${i}`,
          token: await cluster.token(`room${Math.floor(i / PER_ROOM)}`, `participant${i}`),
          joinAtMs: i * 50,
          publish: TRACKS,
          rejoin: true,
        })),
      );
      const done = new AbortController();
      const load = runLoad({
        program,
        plan: { url: cluster.masters[0]?.url ?? '', seconds: 120, participants },
        signal: done.signal,
      });
      const drained = drainOne(cluster, {
        rooms,
        joinedWithinMs: rooms * PER_ROOM * 50 + 5_000,
        say,
      });
      // Whichever way it goes, the load ends.
      await drained.finally(() => done.abort()).catch(() => undefined);
      const end = await load;
      const { drainSeconds, roomsMoved, participantsMoved } = await drained;
      const figures = {
        rooms,
        participants: rooms * PER_ROOM,
        roomsMoved,
        participantsMoved,
        rejoined: end.clients.rejoined,
        dropped: end.clients.failed,
        gapMs: end.gapMs,
        drainSeconds,
        packetsReceived: end.received.audio.packets + end.received.video.packets,
        errors: end.errors,
      };
      const { p50, p95, p99, max } = end.gapMs;
      return {
        series: 'drain',
        title: 'Drain of a Media Node under load',
        about: `Two Media Nodes with ${rooms} Rooms of ${PER_ROOM}, all publish sound and pictures of 400 kbit/s and receive all; one node is told to drain without patience. The gap of media is from the last packet before to the next complete key frame, of each participant that moved.`,
        table: markdown(
          [
            ...['Rooms moved', 'participants moved', 'joined again', 'dropped'],
            ...['gap p50 ms', 'p95', 'p99', 'worst', 'drained after s'],
          ],
          [
            [
              `${roomsMoved}`,
              `${participantsMoved}`,
              `${figures.rejoined}`,
              `${figures.dropped}`,
              ...[p50, p95, p99, max].map((ms) => ms?.toFixed(0) ?? ''),
              drainSeconds.toFixed(1),
            ],
          ],
        ),
        notes: [
          ...Object.entries(end.errors).map(([error, count]) => `${count} participants: ${error}`),
          ...end.self.why.map((why) => `the load source is the bottleneck: ${why}`),
        ],
        figures,
      };
    } finally {
      await cluster.close();
    }
  },
};

async function drainOne(
  cluster: BenchCluster,
  how: {
    readonly rooms: number;
    readonly joinedWithinMs: number;
    readonly say: (line: string) => void;
  },
): Promise<{ drainSeconds: number; roomsMoved: number; participantsMoved: number }> {
  await until(
    'all Rooms to be there',
    async () => {
      const all = await cluster.admin.rooms();
      return all.length === how.rooms && all.every(({ participants }) => participants === PER_ROOM);
    },
    { timeoutMs: how.joinedWithinMs + 20_000, intervalMs: 500 },
  );
  await sleep(3_000);
  const all = await cluster.admin.rooms();
  const [victim] = all;
  if (victim === undefined) throw new Error('no Room is placed');
  const hit = all.filter(({ nodeId }) => nodeId === victim.nodeId);
  how.say(`${hit.length} of ${all.length} Rooms are on the node that drains`);
  const begun = performance.now();
  await cluster.admin.drain(victim.nodeId, { patience: 0, deadline: '30s' });
  await until(
    'the node to be drained',
    async () => {
      const { record } = await cluster.admin.node(victim.nodeId);
      return record.state === 'drained';
    },
    { timeoutMs: DRAINED_WITHIN_MS, intervalMs: 50 },
  );
  const drainSeconds = (performance.now() - begun) / 1_000;
  // Those who moved have to have a picture again.
  await sleep(4_000);
  return { drainSeconds, roomsMoved: hit.length, participantsMoved: hit.length * PER_ROOM };
}
