/** The control plane by itself: joins through 1 to 4 Master Nodes, by participants without media. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchCluster } from './cluster';
import { runLoad } from './load';
import type { LoadLine } from './load-plan';
import { usageOf } from './process-tree';
import { type ExtraOptions, type ExtraSeries, markdown } from './series';

const PER_ROOM = 10;
/** Who wait for their answer at any time, over all Master Nodes: more would only wait longer. */
const AT_ONCE = 24;
const IDLE_SECONDS = 3;

interface JoinFigures {
  readonly masters: number;
  readonly joins: number;
  readonly joinsPerSecond: number;
  readonly joinMs: LoadLine['joinMs'];
  readonly masterCpuMillisecondsPerJoin: number;
  readonly mediaCpuMillisecondsPerJoin: number;
  readonly redisCpuMillisecondsPerJoin: number;
  readonly redisCommandsPerJoin: number;
  /** Of those, the most frequent. */
  readonly redisCommands: Readonly<Record<string, number>>;
  readonly failed: number;
  /** Why the figures are not those of the control plane. */
  readonly why: readonly string[];
  /** What went wrong, with how many participants. */
  readonly errors: readonly string[];
}

export const controlSeries: ExtraSeries = {
  name: 'control',
  seconds: 110,
  run: async (options) => {
    const counts = options.isSmoke ? [1, 2] : [1, 2, 3, 4];
    const rows: JoinFigures[] = [];
    for (const masters of counts) {
      const row = await joinsThrough(masters, options);
      options.say(`${masters} masters: ${row.joinsPerSecond.toFixed(0)} joins/s`);
      rows.push(row);
    }
    return {
      series: 'control',
      title: 'The control plane by itself',
      about: `Redis, Master Nodes, one Media Node and the load source on this machine; participants without media join Rooms of ${PER_ROOM}, ${AT_ONCE} at any time, in turn through each Master Node. Redis commands are those of scripts too, less what goes on without joins.`,
      table: markdown(
        [
          ...['Master Nodes', 'joins', 'joins/s', 'join p50 ms', 'p95', 'p99', 'failed'],
          ...['master CPU ms a join', 'Media Node CPU ms a join', 'Redis CPU ms a join'],
          'Redis commands a join',
        ],
        rows.map((row) => [
          `${row.masters}`,
          `${row.joins}`,
          row.joinsPerSecond.toFixed(0),
          ...[row.joinMs.p50, row.joinMs.p95, row.joinMs.p99].map((ms) => ms?.toFixed(0) ?? ''),
          `${row.failed}`,
          row.masterCpuMillisecondsPerJoin.toFixed(2),
          row.mediaCpuMillisecondsPerJoin.toFixed(2),
          row.redisCpuMillisecondsPerJoin.toFixed(3),
          row.redisCommandsPerJoin.toFixed(2),
        ]),
      ),
      notes: rows.flatMap(({ masters, why, errors }) => [
        ...why.map((one) => `${masters} Master Nodes: the load source is the bottleneck: ${one}`),
        ...errors.map((one) => `${masters} Master Nodes: ${one}`),
      ]),
      figures: rows,
    };
  },
};

async function joinsThrough(masters: number, options: ExtraOptions): Promise<JoinFigures> {
  const joins = options.isSmoke ? 100 : 1_200;
  const { address } = options;
  const cluster = await BenchCluster.start({ masters, mediaNodes: 1, address });
  try {
    // What goes on without any join, to take it off.
    const quiet = await cluster.redisCalls();
    await sleep(IDLE_SECONDS * 1_000);
    const before = await cluster.redisCalls();
    const redisPid = await cluster.redisPid();
    const cpuOf = (pids: readonly number[]): number =>
      pids.reduce((sum, pid) => sum + usageOf(pid).cpuSeconds, 0);
    const pids = [cluster.masters.map(({ pid }) => pid), cluster.mediaPids, [redisPid]];
    const cpuBefore = pids.map(cpuOf);
    const begun = performance.now();
    const ends = await Promise.all(
      cluster.masters.map(({ url }, index) =>
        joinAll({ cluster, url, index, masters, joins }, options),
      ),
    );
    const seconds = Math.max(...ends.map(({ joinedAtMs }) => joinedAtMs - begun)) / 1_000;
    const [master = 0, media = 0, redis = 0] = pids.map((list, i) => {
      return ((cpuOf(list) - (cpuBefore[i] ?? 0)) * 1_000) / joins;
    });
    const took = (performance.now() - begun) / 1_000;
    const after = await cluster.redisCalls();
    const calls = [...after].map(([name, count]) => {
      const idle = ((before.get(name) ?? 0) - (quiet.get(name) ?? 0)) / IDLE_SECONDS;
      return [name, (count - (before.get(name) ?? 0) - idle * took) / joins] as const;
    });
    const lines = ends.map(({ line }) => line);
    const [first] = lines;
    if (first === undefined) throw new Error('no load source came to its end');
    return {
      masters,
      joins,
      joinsPerSecond: joins / seconds,
      // Each master has its share of the same load: the slowest stands for all.
      joinMs:
        lines.map(({ joinMs }) => joinMs).sort((a, b) => (b.p95 ?? 0) - (a.p95 ?? 0))[0] ??
        first.joinMs,
      masterCpuMillisecondsPerJoin: master,
      mediaCpuMillisecondsPerJoin: media,
      redisCpuMillisecondsPerJoin: redis,
      redisCommandsPerJoin: Math.max(
        0,
        calls.reduce((sum, [, count]) => sum + count, 0),
      ),
      redisCommands: Object.fromEntries(
        calls.filter(([, count]) => count > 0.05).sort(([, a], [, b]) => b - a),
      ),
      failed: lines.reduce((sum, { clients }) => sum + clients.failed, 0),
      why: lines.flatMap(({ self }) => self.why),
      errors: lines.flatMap(({ errors }) =>
        Object.entries(errors).map(([error, count]) => `${count} participants: ${error}`),
      ),
    };
  } finally {
    await cluster.close();
  }
}

/** Plays one master's share of the joins, until all of them are in. */
async function joinAll(
  share: {
    readonly cluster: BenchCluster;
    readonly url: string;
    readonly index: number;
    readonly masters: number;
    readonly joins: number;
  },
  { program }: ExtraOptions,
): Promise<{ readonly line: LoadLine; readonly joinedAtMs: number }> {
  const { cluster, url, index, masters, joins } = share;
  const mine = Array.from({ length: joins }, (_, i) => i).filter((i) => i % masters === index);
  const participants = await Promise.all(
    mine.map(async (i) => ({
      name: `participant${i}`,
      token: await cluster.token(`room${Math.floor(i / PER_ROOM)}`, `participant${i}`),
      media: false,
    })),
  );
  const done = new AbortController();
  let joinedAtMs = performance.now();
  const line = await runLoad({
    program,
    plan: {
      url,
      seconds: 60,
      intervalSeconds: 0.1,
      joiningAtOnce: Math.ceil(AT_ONCE / masters),
      participants,
    },
    signal: done.signal,
    onLine: ({ clients }) => {
      if (done.signal.aborted) return;
      joinedAtMs = performance.now();
      if (clients.joined + clients.failed >= participants.length) done.abort();
    },
  });
  return { line, joinedAtMs };
}
