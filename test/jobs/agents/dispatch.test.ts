import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import {
  JobStatus,
  JobType,
  MigrateJobRequest,
  RoomAgentDispatch,
  RoomConfiguration,
  WorkerStatus,
} from '@livekit/protocol';
import { dispose, ParticipantKind } from '@livekit/rtc-node';
import { AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk';
import { AdminClient } from '../../../node-image/api/cluster/admin-client';
import { NodeClient } from '../../support/rtc-node';
import { startServer, type TestServer } from '../../support/server';
import { joinToken } from '../../support/tokens';
import { sleep, until } from '../../support/wait';
import { FakeWorker, type FakeWorkerOptions } from './support/fake-worker';

let server: TestServer;
let rooms: RoomServiceClient;
let dispatches: AgentDispatchClient;
let number = 0;
const workers: FakeWorker[] = [];
const clients: NodeClient[] = [];
const options = { timeout: 30_000 };

before(async () => {
  server = await startServer({ alwaysOwn: true, config: { agents: { target_load: 0.7 } } });
  const { httpUrl, apiKey, apiSecret } = server;
  rooms = new RoomServiceClient(httpUrl, apiKey, apiSecret);
  dispatches = new AgentDispatchClient(httpUrl, apiKey, apiSecret);
});
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.close();
  await Promise.allSettled(clients.splice(0).map((client) => client.leave()));
});
after(async () => {
  await server?.close();
  // Without this the native library keeps the process alive.
  await dispose();
});

const roomName = (): string => `room-${++number}`;

async function worker(given: FakeWorkerOptions = {}): Promise<FakeWorker> {
  const one = await FakeWorker.start(server, given);
  workers.push(one);
  return one;
}

async function join(token: string): Promise<NodeClient> {
  const client = new NodeClient();
  clients.push(client);
  await client.connect(server.url, token);
  return client;
}

const jobsOf = async (room: string) =>
  (await dispatches.listDispatch(room)).flatMap(({ state }) => state?.jobs ?? []);

const namedRoom = (agentName: string, name = roomName()) =>
  rooms.createRoom({ name, agents: [new RoomAgentDispatch({ agentName, metadata: 'hello' })] });

test(
  'a Room made with an agent has its job given to a worker, whose agent joins as one',
  options,
  async () => {
    const taker = await worker({
      agentName: 'greeter',
      answer: () => ({
        available: true,
        participantIdentity: 'greeter-1',
        participantName: 'Greeter',
      }),
    });
    const other = await worker({ agentName: 'other' });
    const { name } = await namedRoom('greeter');
    const { job, token } = await taker.job(name);
    assert.deepEqual(
      [job?.type, job?.agentName, job?.metadata, job?.state?.status, other.offers.length],
      [JobType.JT_ROOM, 'greeter', 'hello', JobStatus.JS_RUNNING, 0],
    );
    const alice = await join(await joinToken(server, name, 'alice'));
    await join(token);
    const agent = await until('the agent to be seen', () =>
      alice.room.remoteParticipants.get('greeter-1'),
    );
    assert.deepEqual(
      [
        agent?.kind,
        agent?.name,
        agent?.attributes['lk.agent_name'],
        agent?.attributes['lk.agent.name'],
      ],
      [ParticipantKind.AGENT, 'Greeter', 'greeter', 'greeter'],
    );
    const [listed] = await jobsOf(name);
    assert.deepEqual(
      [
        listed?.id,
        listed?.state?.status,
        listed?.state?.participantIdentity,
        listed?.state?.workerId,
      ],
      [job?.id, JobStatus.JS_RUNNING, 'greeter-1', taker.id],
    );
    await rooms.deleteRoom(name);
    await until('the worker to be told', () => taker.terminations.includes(job?.id ?? '?'));
  },
);

test(
  'an agent that leaves has done its job: the worker is told, and the list says so',
  options,
  async () => {
    const taker = await worker({ agentName: 'leaver' });
    const { name } = await namedRoom('leaver');
    const { job, token } = await taker.job(name);
    const agent = await join(token);
    await agent.leave();
    await until('the worker to be told', () => taker.terminations.includes(job?.id ?? '?'));
    assert.equal((await jobsOf(name))[0]?.state?.status, JobStatus.JS_SUCCESS);
  },
);

test(
  'a job that no worker is there for waits for one, and a worker that comes later gets it',
  options,
  async () => {
    const { name } = await namedRoom('late');
    await sleep(300);
    const late = await worker({ agentName: 'late' });
    assert.equal((await late.job(name)).job?.agentName, 'late');
  },
);

test('a token names agents for the Room that its bearer makes', options, async () => {
  const named = await worker({ agentName: 'by-token' });
  const unnamed = await worker();
  const roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: 'by-token', metadata: 'from the token' })],
  });
  const room = roomName();
  await join(await joinToken(server, room, 'alice', { roomConfig }));
  assert.equal((await named.job(room)).job?.metadata, 'from the token');
  assert.deepEqual(
    unnamed.offers.map(({ job }) => job?.room?.name).filter((one) => one === room),
    [],
  );
});

test(
  'workers without a name get a job of each Room, participant and publisher by themselves',
  options,
  async () => {
    const ofRooms = await worker();
    const ofParticipants = await worker({ type: JobType.JT_PARTICIPANT, json: true });
    const ofPublishers = await worker({ type: JobType.JT_PUBLISHER });
    const room = roomName();
    const alice = await join(await joinToken(server, room, 'alice'));
    const { job: roomJob, token } = await ofRooms.job(room);
    assert.equal(roomJob?.type, JobType.JT_ROOM);
    assert.equal((await ofParticipants.job(room)).job?.participant?.identity, 'alice');
    assert.equal(ofPublishers.assignments.length, 0);
    await alice.publishTone();
    assert.equal((await ofPublishers.job(room)).job?.participant?.identity, 'alice');
    // An agent is no participant that agents are for.
    await (await join(token)).publishTone();
    await sleep(300);
    const jobs = [...ofParticipants.assignments, ...ofPublishers.assignments];
    assert.deepEqual(
      jobs.map(({ job }) => job?.participant?.identity),
      ['alice', 'alice'],
    );
  },
);

test(
  'the dispatch API makes a Room, gives it an agent, lists it, and takes it away',
  options,
  async () => {
    const taker = await worker({ agentName: 'on-demand' });
    const room = roomName();
    const made = await dispatches.createDispatch(room, 'on-demand', { metadata: '{"a":1}' });
    const { job } = await taker.job(room);
    assert.deepEqual([job?.dispatchId, job?.metadata], [made.id, '{"a":1}']);
    const [only] = await dispatches
      .listDispatch(room)
      .then((all) => all.filter(({ id }) => id === made.id));
    assert.deepEqual(
      [only?.agentName, only?.state?.jobs.map(({ id }) => id)],
      ['on-demand', [job?.id]],
    );
    await dispatches.deleteDispatch(made.id, room);
    await until('the worker to be told', () => taker.terminations.includes(job?.id ?? '?'));
    assert.equal(await dispatches.getDispatch(made.id, room), undefined);
    await assert.rejects(dispatches.deleteDispatch(made.id, room), /does not exist/);
  },
);

test(
  'the next worker is asked where one refuses, and one that refuses is left alone for a while',
  options,
  async () => {
    const refuser = await worker({ agentName: 'choosy', answer: () => ({ available: false }) });
    const first = await namedRoom('choosy');
    await until('the refuser to be asked', () => refuser.offers.length === 1);
    const taker = await worker({ agentName: 'choosy' });
    // It says that it is free, as one of agents-js does while it drains: its refusal counts more.
    refuser.status(0);
    await taker.job(first.name);
    const second = await namedRoom('choosy');
    await taker.job(second.name);
    assert.equal(refuser.offers.length, 1);
  },
);

test(
  'a worker that is full, or above the target load, gets no job until it is free',
  options,
  async () => {
    const busy = await worker({ agentName: 'busy' });
    busy.status(0.9);
    const { name } = await namedRoom('busy');
    await sleep(700);
    assert.deepEqual(
      [busy.offers.length, (await jobsOf(name))[0]?.state?.status],
      [0, JobStatus.JS_PENDING],
    );
    busy.status(0.1);
    await busy.job(name);
  },
);

test('a worker may refuse for all: the job ends, and nobody else is asked', options, async () => {
  const judge = await worker({
    agentName: 'judge',
    answer: () => ({ available: false, terminate: true }),
  });
  const { name } = await namedRoom('judge');
  await until('the job to end', async () =>
    (await jobsOf(name)).some(({ state }) => state?.status === JobStatus.JS_SUCCESS),
  );
  assert.equal(judge.offers.length, 1);
});

test(
  'a worker that asks for a job itself gets it, whatever the Room has dispatched',
  options,
  async () => {
    const [asks, other] = [
      await worker({ agentName: 'tried' }),
      await worker({ agentName: 'tried' }),
    ];
    for (const name of ['', 'x'.repeat(300)]) asks.simulates(name);
    const room = roomName();
    asks.simulates(room);
    const { job, token } = await asks.job(room);
    assert.deepEqual([job?.dispatchId, job?.agentName, asks.offers.length], ['', 'tried', 1]);
    // The agent makes the Room, which knows nothing of it.
    await join(token);
    await sleep(300);
    assert.deepEqual([asks.terminations, other.offers.length], [[], 0]);
    await rooms.deleteRoom(room);
    await until('the worker to be told', () => asks.terminations.includes(job?.id ?? '?'));
  },
);

test('it is said which workers would get the job of an agent', options, async () => {
  const full = await worker({ agentName: 'asked-about' });
  full.status(0.3, WorkerStatus.WS_FULL);
  const free = await worker({ agentName: 'asked-about' });
  const { name } = await namedRoom('asked-about');
  const { job } = await free.job(name);
  const { httpUrl: url, apiKey, apiSecret } = server;
  const admin = new AdminClient({ url, apiKey, apiSecret });
  const explained = await until('the record of the node to tell of both', async () => {
    const now = await admin.explainAgent(name);
    return now.workers.length === 2 ? now : undefined;
  });
  assert.deepEqual(
    explained?.workers.map(({ id, chance, sentence }) => [id, chance > 0, sentence]),
    [
      [free.id, true, 'its load is 0.10'],
      [full.id, false, 'it says that it is full'],
    ],
  );
  assert.deepEqual(
    explained?.jobs.map(({ id, sentence }) => [id, sentence.startsWith(`${free.id} has it`)]),
    [[job?.id, true]],
  );
  await assert.rejects(admin.explainAgent(''), /the name of a room/);
});

test('a worker that comes back keeps its jobs, an agent without one goes on, and another worker gets the rest', {
  timeout: 60_000,
}, async () => {
  const lost = await worker({ agentName: 'fragile' });
  const kept = await namedRoom('fragile');
  const gone = await namedRoom('fragile');
  const { job, token } = await lost.job(kept.name);
  const { job: second } = await lost.job(gone.name);
  const agent = await join(token);
  lost.kill();
  const back = await worker({ agentName: 'fragile' });
  await until(
    'the job whose agent is not there to be offered again',
    () => back.offers.length > 0,
    {
      timeoutMs: 20_000,
    },
  );
  const { job: again } = await back.job(gone.name);
  assert.deepEqual(
    [again?.id, back.offers[0]?.resuming, lost.offers[0]?.resuming],
    [second?.id, true, false],
  );
  // The other agent is in its Room all along, so nobody else gets its job.
  assert.deepEqual(
    (await jobsOf(kept.name)).map(({ state }) => [state?.status, state?.workerId]),
    [[JobStatus.JS_RUNNING, '']],
  );
  const jobIds = [job?.id ?? ''];
  back.send({ case: 'migrateJob', value: new MigrateJobRequest({ jobIds }) });
  await until('the job to have a worker', async () =>
    (await jobsOf(kept.name)).some(({ state }) => state?.workerId === back.id),
  );
  assert.equal(back.offers.length, 1);
  await agent.leave();
  await until('the worker to be told', () => back.terminations.includes(job?.id ?? '?'));
});
