/** Connected clients of one Master Node: what a socket that only waits takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchCluster } from './cluster';
import { runLoad } from './load';
import { usageOf } from './process-tree';
import { type ExtraSeries, markdown } from './series';

const PER_ROOM = 10;
/** Who wait for their answer at any time, so that the memory of a burst is not taken for that of sockets. */
const AT_ONCE = 24;

export const socketsSeries: ExtraSeries = {
  name: 'sockets',
  seconds: 60,
  run: async ({ program, address, isSmoke }) => {
    const sockets = isSmoke ? 200 : 5_000;
    const cluster = await BenchCluster.start({ masters: 1, mediaNodes: 1, address });
    try {
      const [master] = cluster.masters;
      const [mediaPid = 0] = cluster.mediaPids;
      if (master === undefined) throw new Error('the cluster has no Master Node');
      const participants = await Promise.all(
        Array.from({ length: sockets }, async (_, i) => ({
          name: `participant${i}`,
          token: await cluster.token(`room${Math.floor(i / PER_ROOM)}`, `participant${i}`),
          media: false,
        })),
      );
      const idle = [master.pid, mediaPid].map(usageOf);
      const done = new AbortController();
      let held: readonly ReturnType<typeof usageOf>[] = idle;
      let open = 0;
      const end = await runLoad({
        program,
        // Whoever makes no peer connection is sent away after a minute.
        plan: { url: master.url, seconds: 58, joiningAtOnce: AT_ONCE, participants },
        signal: done.signal,
        onLine: ({ clients, type }) => {
          if (type === 'end' || done.signal.aborted) return;
          // On a slow machine the first are sent away before the last are in.
          if (clients.joined - clients.failed >= open) {
            open = clients.joined - clients.failed;
            held = [master.pid, mediaPid].map(usageOf);
          }
          // Some seconds more, in which what joining took is given back.
          if (open >= sockets) void sleep(4_000).then(() => done.abort());
        },
      });
      const rows = ['Master Node', 'Media Node'].map((node, i) => {
        const [before, after] = [idle[i], held[i]];
        if (before === undefined || after === undefined || open === 0) {
          throw new Error(`no socket was open: ${JSON.stringify(end.errors)}`);
        }
        return {
          node,
          sockets: open,
          rssBeforeBytes: before.rssBytes,
          rssBytes: after.rssBytes,
          bytesPerSocket: (after.rssBytes - before.rssBytes) / open,
          fileDescriptorsPerSocket: (after.fileDescriptors - before.fileDescriptors) / open,
          cpuMillisecondsPerSocket: ((after.cpuSeconds - before.cpuSeconds) * 1_000) / open,
        };
      });
      return {
        series: 'sockets',
        title: 'Idle sockets of one Master Node',
        about: `${sockets} participants without media hold their signal connection, in Rooms of ${PER_ROOM}, all through one Master Node to one Media Node. Memory is resident memory of the process tree, with what joining left behind.`,
        table: markdown(
          [
            ...['process', 'sockets', 'MB before', 'MB with them', 'kB a socket'],
            ...['descriptors a socket', 'CPU ms a socket, with its join'],
          ],
          rows.map((row) => [
            row.node,
            `${row.sockets}`,
            (row.rssBeforeBytes / 1e6).toFixed(0),
            (row.rssBytes / 1e6).toFixed(0),
            (row.bytesPerSocket / 1e3).toFixed(1),
            row.fileDescriptorsPerSocket.toFixed(3),
            row.cpuMillisecondsPerSocket.toFixed(2),
          ]),
        ),
        notes: [
          ...Object.entries(end.errors).map(([error, count]) => `${count} participants: ${error}`),
          ...end.self.why.map((why) => `the load source is the bottleneck: ${why}`),
        ],
        figures: rows,
      };
    } finally {
      await cluster.close();
    }
  },
};
