import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { JobStatus, RoomAgentDispatch, RoomConfiguration } from '@livekit/protocol';
import { dispose } from '@livekit/rtc-node';
import { AgentDispatchClient } from 'livekit-server-sdk';
import { TestCluster } from '../../support/cluster';
import { NodeClient } from '../../support/rtc-node';
import { joinToken, type TokenOptions } from '../../support/tokens';
import { until } from '../../support/wait';
import { questions } from './support/questions';
import { RealWorker } from './support/real-worker';

let cluster: TestCluster;
let dispatches: AgentDispatchClient;
const workers: RealWorker[] = [];
const clients: NodeClient[] = [];
const timeout = 150_000;

before(async () => {
  cluster = await TestCluster.start({ masters: 2, mediaNodes: 2 });
  const { httpUrl, apiKey, apiSecret } = cluster;
  dispatches = new AgentDispatchClient(httpUrl, apiKey, apiSecret);
});
afterEach(async () => {
  await Promise.allSettled(clients.splice(0).map((client) => client.leave()));
  await Promise.allSettled(workers.splice(0).map((worker) => worker.kill()));
});
after(async () => {
  await cluster?.close();
  // Without this the native library keeps the process alive.
  await dispose();
});

async function worker(agentName = '', through: { readonly url: string } = cluster) {
  const one = await RealWorker.start({ ...keys(), url: through.url }, agentName);
  workers.push(one);
  return one;
}

const keys = () => ({ apiKey: cluster.apiKey, apiSecret: cluster.apiSecret });

/** Who asks agents, and hears their answers. */
async function asker(room: string, options: TokenOptions = {}) {
  const client = new NodeClient();
  clients.push(client);
  const ask = questions(client, 60_000, () => cluster.log().slice(-30_000));
  await client.connect(cluster.url, await joinToken(cluster, room, 'alice', options));
  return {
    ask,
    others: (): string[] => [...client.room.remoteParticipants.keys()],
  };
}

/** Again where Redis answers late, as on a machine that is busy with other tests. */
const dispatched = async (room: string, agentName: string): Promise<string> =>
  (
    await until(
      'a dispatch to be made',
      async () => {
        const options = { metadata: 'm' };
        return dispatches.createDispatch(room, agentName, options).catch(() => undefined);
      },
      { intervalMs: 500 },
    )
  )?.id ?? '';

/** Of a Room's agents with a name; workers without one have a dispatch of their own. */
const jobsOf = async (room: string) =>
  (await dispatches.listDispatch(room))
    .filter(({ agentName }) => agentName !== '')
    .flatMap(({ state }) => state?.jobs ?? []);

test('a worker through one Master Node serves a Room that is made through the other, named by its token', {
  timeout,
}, async () => {
  const [one, other] = cluster.masters;
  assert.ok(one && other);
  await worker('echo', one);
  const roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: 'echo', metadata: 'token' })],
  });
  const { ask } = await asker('by-token', { roomConfig });
  assert.match(await ask('hello'), /^agent-AJ_\w+ token: hello$/);
  for (const { httpUrl } of [one, other]) {
    const client = new AgentDispatchClient(httpUrl, cluster.apiKey, cluster.apiSecret);
    const [dispatch] = await client.listDispatch('by-token');
    assert.deepEqual(
      [dispatch?.agentName, dispatch?.state?.jobs.map(({ state }) => state?.status)],
      ['echo', [JobStatus.JS_RUNNING]],
    );
  }
});

test('a worker without a name serves each Room by itself', { timeout }, async () => {
  await worker();
  const { ask } = await asker('automatic');
  assert.match(await ask('hello'), /^agent-AJ_\w+ : hello$/);
});

test('the job of a worker that is killed is given to another, and its agent answers in its place', {
  timeout,
}, async () => {
  const first = await worker('fragile');
  await dispatched('killed', 'fragile');
  const { ask } = await asker('killed');
  await ask('before');
  const [before] = await jobsOf('killed');
  const second = await worker('fragile');
  const startedMs = performance.now();
  await first.kill();
  await ask('after');
  const seconds = (performance.now() - startedMs) / 1000;
  const jobs = await jobsOf('killed');
  assert.deepEqual(
    jobs.map(({ id, state }) => [id, state?.status]),
    [[before?.id, JobStatus.JS_RUNNING]],
  );
  assert.notEqual(jobs[0]?.state?.workerId, before?.state?.workerId);
  assert.match(second.log, /"resuming":true/);
  assert.ok(seconds < 45, `it took ${seconds} s`);
});

test('an agent goes on when the Room moves, and stays the only one of its dispatch', {
  timeout,
}, async () => {
  await worker('mover');
  const made = await dispatched('moving', 'mover');
  const { ask, others } = await asker('moving');
  await ask('before');
  const [before] = await jobsOf('moving');
  const from = await cluster.roomNode('moving');
  await cluster.admin().drain(from.nodeId, { patience: 0, deadline: '60s' });
  await until('the Room to have moved', async () => (await cluster.roomNode('moving')) !== from, {
    timeoutMs: 30_000,
  });
  await ask('after');
  await cluster.admin().undrain(from.nodeId);
  assert.deepEqual(
    (await jobsOf('moving')).map(({ id, state }) => [id, state?.status]),
    [[before?.id, JobStatus.JS_RUNNING]],
  );
  await dispatches.deleteDispatch(made, 'moving');
  await until('the agent to be gone', () => others().length === 0, { timeoutMs: 20_000 });
});

test('an agent goes on when its Master Node dies: its worker comes to another, which ends the job with the Room', {
  timeout,
}, async () => {
  const [one, other] = cluster.masters;
  assert.ok(one && other);
  const own = await worker('survivor');
  const made = await dispatched('surviving', 'survivor');
  const { ask, others } = await asker('surviving');
  await ask('before');
  const holder = [one, other].find(({ log }) =>
    /"agentName":"survivor","type":"JT_ROOM"/.test(log),
  );
  assert.ok(holder, 'no master has the worker');
  await holder.kill();
  await until('the worker to be back', () => own.registrations === 2, { timeoutMs: 30_000 });
  await ask('meanwhile');
  // Beyond the lease of who had the job, and the time that a worker has to come back.
  await new Promise((resolve) => setTimeout(resolve, 22_000));
  assert.equal((await ask('after')).endsWith('m: after'), true);
  const [job] = await jobsOf('surviving');
  assert.equal(job?.state?.status, JobStatus.JS_RUNNING);
  await dispatches.deleteDispatch(made, 'surviving');
  await until('the agent to be gone', () => others().length === 0, {
    timeoutMs: 20_000,
    explain: () => own.log,
  });
  await holder.start();
});
