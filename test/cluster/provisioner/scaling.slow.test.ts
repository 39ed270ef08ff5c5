/** A cluster that asks a program, or a web server, for its machines, under a call that goes on. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RustClients } from '../../support/call-client-rust';
import { TestCluster } from '../../support/cluster';
import { joinToken } from '../../support/tokens';
import { until } from '../../support/wait';
import { assertNoneDropped, type Call, leaveCalls, untilFlowing } from '../support/calls';
import { GROUPS, Machines } from './machines';

/** What 3 publish and subscribe, audio and video; two calls of 2 are fewer. */
const MOST_TRACKS = 18;

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

for (const kind of ['exec', 'webhook'] as const) {
  test(`${kind}: from one machine to two, and back by a drain`, { timeout: 240_000 }, async () => {
    const machines = await Machines.start('media-1', 'media-2');
    closers.push(() => machines.close());
    const cluster = await TestCluster.start({
      mediaNodes: 0,
      config: {
        limit: { num_tracks: MOST_TRACKS },
        sluice: {
          // A Room costs what it costs: what new ones are expected to cost would hide it.
          ledger: { room_cpu_cost: 0.005 },
          drain: { patience: '0s', deadline: '60s' },
          scaling: {
            group: kind,
            min_nodes: 1,
            max_nodes: 3,
            target_load: 1,
            headroom_rooms: 1,
            interval: '1s',
            scale_in_after: '5s',
            ...GROUPS[kind](machines),
          },
        },
      },
    });
    closers.push(() => cluster.close());
    // Before it decides anything: who starts machines has to know of which cluster.
    machines.cluster = cluster;
    const explain = (): string =>
      `${machines.wrong.join('\n')}\n${machines.done.join(', ')}\n${cluster.masters[0]?.log.slice(-6000)}`;
    const serving = async (): Promise<string[]> =>
      (await cluster.admin().nodes()).nodes
        .filter(({ record, state }) => record.role === 'media' && state === 'serving')
        .map(({ record }) => record.machineId)
        .sort();
    const untilServing = (...names: readonly string[]) =>
      until(`${names} to serve`, async () => `${await serving()}` === `${names}`, {
        timeoutMs: 60_000,
        intervalMs: 200,
        explain,
      });
    const clients = await RustClients.start();
    closers.push(() => clients.close());
    const startCall = async (room: string, size: number): Promise<Call> => {
      const members = [];
      for (let i = 0; i < size; i++) {
        const identity = `${room}-${i}`;
        const token = await joinToken(cluster, room, identity);
        members.push(await clients.join(identity, cluster.url, token));
      }
      return { room, members };
    };

    await untilServing('media-1');
    const first = await startCall('first', 3);
    await untilServing('media-1', 'media-2');
    const second = await startCall('second', 2);
    await untilFlowing(second);
    const roomOf = async (name: string) =>
      (await cluster.admin().rooms()).find((room) => room.name === name);
    const before = await roomOf('second');
    assert.notEqual(before?.nodeId, (await roomOf('first'))?.nodeId);

    // Now both calls have room on one node.
    await first.members.at(-1)?.leave();
    await until('one machine to be stopped', () => machines.done.length === 3, {
      timeoutMs: 60_000,
      explain,
    });
    const stopped = machines.done[2]?.replace('stop ', '') ?? '';
    assert.deepEqual(machines.done, ['start media-1', 'start media-2', `stop ${stopped}`]);
    await untilServing(...['media-1', 'media-2'].filter((name) => name !== stopped));
    const lasting = [{ ...first, members: first.members.slice(0, 2) }, second];
    for (const call of lasting) await untilFlowing(call, Date.now());
    await assertNoneDropped(lasting);

    const trail = (await cluster.admin().audit(50)).map(({ text }) => text).reverse();
    const at = (what: RegExp): number => trail.findIndex((text) => what.test(text));
    const drained = at(/^draining node/);
    assert.ok(
      drained > at(/^starting 1 more machines: 1 nodes|^starting 1 more/),
      trail.join('\n'),
    );
    assert.ok(
      at(new RegExp(`^ended machine ${stopped} .*it is empty`)) > drained,
      trail.join('\n'),
    );
    await leaveCalls(lasting);
    assert.deepEqual(machines.wrong, []);
    assert.deepEqual(machines.done.length, 3, 'and nothing else was asked for');
  });
}
