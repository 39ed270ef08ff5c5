/** A machine of a program, or of a web server, dies: another one is asked for, and it is given back. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestCluster } from '../../support/cluster';
import { until } from '../../support/wait';
import { GROUPS, type GroupKind, Machines } from './machines';

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

async function clusterOf(kind: GroupKind) {
  const machines = await Machines.start('media-1', 'media-2');
  closers.push(() => machines.close());
  const cluster = await TestCluster.start({
    mediaNodes: 0,
    config: {
      sluice: {
        scaling: {
          group: kind,
          min_nodes: 1,
          max_nodes: 2,
          headroom_rooms: 0,
          interval: '1s',
          group_dead_after: '1m',
          ...GROUPS[kind](machines),
        },
      },
    },
  });
  closers.push(() => cluster.close());
  machines.cluster = cluster;
  const [master] = cluster.masters;
  const untilDone = (what: string, count: number, timeoutMs = 150_000) =>
    until(what, () => machines.done.length >= count, {
      timeoutMs,
      intervalMs: 200,
      explain: () => `${machines.done.join('\n')}\n${master?.log.slice(-6000)}`,
    });
  const serving = async (): Promise<string[]> =>
    (await cluster.admin().nodes()).nodes
      .filter(({ record, state }) => record.role === 'media' && state === 'serving')
      .map(({ record }) => record.machineId);
  const trail = async (): Promise<string[]> =>
    (await cluster.admin().audit(50)).map(({ text }) => text);
  await until('media-1 to serve', async () => `${await serving()}` === 'media-1', {
    timeoutMs: 60_000,
    explain: () => `${machines.wrong.join('\n')}\n${master?.log.slice(-6000)}`,
  });
  return { machines, cluster, untilDone, serving, trail };
}

type World = Awaited<ReturnType<typeof clusterOf>>;

/** Who is killed has a minute, and the registry is not believed in its first one: both at once. */
describe('a machine that dies', { concurrency: true, timeout: 280_000 }, () => {
  let exec: World;
  let webhook: World;
  before(async () => {
    exec = await clusterOf('exec');
    webhook = await clusterOf('webhook');
  });

  it('is given back by a program, once another one serves', async () => {
    const { machines, cluster, untilDone, serving, trail } = exec;
    await machines.kill('media-1');
    await untilDone('media-1 to be given back', 3);
    assert.deepEqual(machines.done, ['start media-1', 'start media-2', 'give back media-1']);
    assert.deepEqual(await serving(), ['media-2']);
    // Who is told to stop says so, and is none of the dead.
    const last = cluster.mediaNodes.find(({ running }) => running);
    await last?.stop();
    const left = await cluster.redis.command('HGET', '{test}:document:departures', 'value');
    assert.deepEqual(JSON.parse(String(left)).nodes, [last?.nodeId]);
    const text = (await trail()).find((one) => one.startsWith('ended machine'));
    assert.match(
      text ?? '',
      /^ended machine media-1 of node ND_\w+: no node has run .* 60 s \(dead\)$/,
    );
    assert.deepEqual(machines.wrong, []);
  });

  it('is asked for at a web server until it answers, under one id, and then no more', async () => {
    const { machines, untilDone, trail } = webhook;
    await machines.kill('media-1');
    await untilDone('another machine', 2);
    machines.failNext(1);
    await untilDone('media-1 to be given back', 4);
    const [, , error = '', back = ''] = machines.done;
    const id = error.replace('error for remove ', '');
    assert.match(id, /^PR_/);
    assert.equal(back, `give back media-1 ${id}`);
    // Three looks of the controller, and more than its first pause.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    assert.equal(machines.done.length, 4, machines.done.join('\n'));
    assert.equal((await trail()).filter((one) => one.startsWith('ended machine')).length, 1);
    assert.deepEqual(machines.wrong, []);
  });
});
