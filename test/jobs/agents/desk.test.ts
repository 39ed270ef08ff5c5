import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  AvailabilityResponse,
  JobRestartPolicy,
  JobStatus,
  MigrateJobRequest,
  RegisterWorkerRequest,
} from '@livekit/protocol';
import { MemoryRegistry } from '../../../node-image/cluster/memory-registry';
import { RegistryUnavailableError } from '../../../node-image/cluster/registry';
import { readAgentJob } from '../../../node-image/jobs/agents/agent-job';
import { MemoryJobStore } from '../../../node-image/jobs/store/memory-job-store';
import { sleep, until } from '../../support/wait';
import { DeskNode, type DeskNodeOptions, FakeRooms, wantAgent } from './support/desk-node';
import { FakeWorker, type FakeWorkerOptions } from './support/fake-worker';

let store: MemoryJobStore;
let registry: MemoryRegistry;
let rooms: FakeRooms;
const nodes: DeskNode[] = [];
const workers: FakeWorker[] = [];

beforeEach(() => {
  registry = new MemoryRegistry();
  store = new MemoryJobStore();
  rooms = new FakeRooms();
});
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.close();
  await Promise.all(nodes.splice(0).map((one) => one.close()));
  await store.close();
  await registry.close();
});

async function node(options: DeskNodeOptions = {}): Promise<DeskNode> {
  const one = await DeskNode.listen(store, registry, rooms, { availabilityMs: 300, ...options });
  nodes.push(one);
  return one;
}

async function stranger(at: DeskNode, options: FakeWorkerOptions = {}): Promise<FakeWorker> {
  const worker = await FakeWorker.connect(at.url, 'good', options);
  workers.push(worker);
  return worker;
}

async function worker(at: DeskNode, options: FakeWorkerOptions = {}): Promise<FakeWorker> {
  const one = await stranger(at, options);
  const value = new RegisterWorkerRequest({ type: 0, agentName: 'agent', version: '1' });
  one.send({ case: 'register', value });
  await until('the worker to be registered', () => one.id !== '');
  return one;
}

async function infoOf(id: string) {
  const job = await store.get(id);
  const read = job && readAgentJob(job);
  assert.ok(read);
  return { state: read.job.state, owner: read.job.owner, ...read.info };
}

const closing = (one: FakeWorker) => until('the connection to be closed', () => one.closed);

describe('who is no worker', () => {
  test('is refused without a token that is for agents', async () => {
    const at = await node();
    await assert.rejects(FakeWorker.connect(at.url, 'bad'), /refused with 401/);
  });

  test('is sent away where it does not register in time, or says something else first', async () => {
    const at = await node({ registerMs: 200 });
    const silent = await stranger(at);
    const eager = await stranger(at);
    eager.send({ case: 'availability', value: new AvailabilityResponse({ jobId: 'AJ_x' }) });
    for (const one of [silent, eager]) assert.equal((await closing(one))?.code, 1008);
  });

  test('is told what is wrong with its name, or with its type', async () => {
    const at = await node();
    for (const [given, reason] of [
      [{ agentName: 'x'.repeat(257) }, 'agent_name has 257 bytes; 256 are allowed'],
      [{ type: 17 }, 'the type 17 is none of a job'],
    ] as const) {
      const one = await stranger(at);
      const value = Object.assign(new RegisterWorkerRequest(), given);
      one.send({ case: 'register', value });
      assert.deepEqual(await closing(one), { code: 1008, reason });
    }
  });

  test('does no harm by messages that are none, too large or too many', async () => {
    const at = await node();
    const good = await worker(at);
    good.sendRaw('{"no');
    good.sendRaw(Buffer.from([0xff, 0xff, 0xff]));
    const large = await stranger(at);
    large.sendRaw(Buffer.alloc(10_001));
    assert.equal((await closing(large))?.code, 1009);
    const many = await worker(at);
    for (let i = 0; i < 2000; i += 1) many.status(0.1);
    assert.equal((await closing(many))?.code, 1008);
    await wantAgent(store);
    await good.job('room');
  });

  test('finds no place where as many have the same key as may', async () => {
    const at = await node({ maxWorkersByKey: 2 });
    await worker(at);
    await worker(at);
    await assert.rejects(FakeWorker.connect(at.url, 'good'), /refused with 429/);
  });
});

describe('a job', () => {
  test('goes to the next worker where one does not answer, and its late answer changes nothing', async () => {
    const at = await node();
    const silent = await worker(at, { answer: () => undefined });
    const id = await wantAgent(store);
    await until('the silent one to be asked', () => silent.offers.length === 1);
    const other = await worker(at);
    await other.job('room');
    silent.send({
      case: 'availability',
      value: new AvailabilityResponse({ jobId: id, available: true }),
    });
    await sleep(100);
    assert.deepEqual([silent.assignments.length, (await infoOf(id)).workerId], [0, other.id]);
  });

  test('is taken by nobody whose agent would be called by too long a name', async () => {
    const at = await node();
    const wrong = await worker(at, {
      answer: () => ({ available: true, participantIdentity: 'x'.repeat(257) }),
    });
    const id = await wantAgent(store);
    await until('it to be asked', () => wrong.offers.length > 0);
    await until('the job to wait again', async () => (await infoOf(id)).state === 'waiting');
    assert.equal(wrong.assignments.length, 0);
  });

  test('goes to one worker, however many Master Nodes could give it to one', async () => {
    const all = [await node({ owner: 'ND_1' }), await node({ owner: 'ND_2' })];
    const both = await Promise.all(all.map((at) => worker(at)));
    const ids = await Promise.all(Array.from({ length: 6 }, () => wantAgent(store)));
    const given = () => both.flatMap(({ assignments }) => assignments.map(({ job }) => job?.id));
    await until('all to be given', () => given().length === 6);
    await sleep(300);
    assert.deepEqual(given().sort(), ids.sort());
  });

  test('is spread over workers before their load shows it', async () => {
    const at = await node();
    const both = [await worker(at), await worker(at)];
    for (let i = 0; i < 20; i += 1) await wantAgent(store);
    const counts = () => both.map(({ assignments }) => assignments.length);
    // 0.1 of load is taken for each that is new, and 0.7 is the target.
    await until('both to be at the target', () => counts().every((count) => count === 8));
    await sleep(300);
    assert.deepEqual(counts(), [8, 8]);
    for (const job of await store.list({ kind: 'agent', running: true })) {
      await store.end({ id: job.id, epoch: job.epoch }, job.info);
    }
    await until('the workers to be told', () => both.every((one) => one.terminations.length === 8));
  });

  test('ends as its worker says, with its error, where nobody wants it to be tried again', async () => {
    const at = await node();
    const one = await worker(at);
    const { JRP_NEVER: restartPolicy } = JobRestartPolicy;
    const id = await wantAgent(store, { restartPolicy });
    await one.job('room');
    one.says(id, JobStatus.JS_FAILED, 'oh no');
    await until('the job to end', async () => (await infoOf(id)).state === 'ended');
    const { status, error } = await infoOf(id);
    assert.deepEqual([status, error], [JobStatus.JS_FAILED, 'oh no']);
  });

  test('that has failed is given to a worker again, a second later', async () => {
    const at = await node();
    const one = await worker(at);
    const id = await wantAgent(store);
    await one.job('room');
    one.says(id, JobStatus.JS_FAILED, 'oh no');
    await until('it to be given again', () => one.assignments.length === 2);
    const { notBeforeMs, updatedAtMs, ...info } = await infoOf(id);
    assert.deepEqual([info.assignments, info.status, info.error], [2, JobStatus.JS_RUNNING, '']);
    assert.equal(one.offers[1]?.resuming, true);
    assert.ok(updatedAtMs >= notBeforeMs && notBeforeMs > 0);
    one.says(id, JobStatus.JS_SUCCESS);
    await until('the job to end', async () => (await infoOf(id)).state === 'ended');
  });

  test('that ends while the store is away has ended when it is back', async () => {
    const at = await node();
    const one = await worker(at);
    const id = await wantAgent(store);
    await one.job('room');
    const { get } = store;
    store.get = async () => {
      throw new RegistryUnavailableError('away');
    };
    one.says(id, JobStatus.JS_SUCCESS);
    await sleep(300);
    store.get = get;
    await until('the job to end', async () => (await infoOf(id)).state === 'ended');
    assert.equal((await infoOf(id)).status, JobStatus.JS_SUCCESS);
  });

  test('that ended while its worker had no connection has ended, by whatever Master Node hears of it', async () => {
    const [first, second] = [await node({ owner: 'ND_1' }), await node({ owner: 'ND_2' })];
    const lost = await worker(first);
    const id = await wantAgent(store);
    await lost.job('room');
    lost.kill();
    await until('it to be missed', async () => (await infoOf(id)).workerId === '');
    const back = await worker(second);
    // Both at once: what comes second finds the first done.
    back.send({ case: 'migrateJob', value: new MigrateJobRequest({ jobIds: [id] }) });
    back.says(id, JobStatus.JS_SUCCESS);
    await until('the job to end', async () => (await infoOf(id)).state === 'ended');
    assert.equal(back.offers.length, 0);
    const other = await wantAgent(store);
    await back.job('room');
    back.kill();
    await until('it to be missed', async () => (await infoOf(other)).workerId === '');
    const again = await worker(first);
    again.says(other, JobStatus.JS_SUCCESS);
    await until('the other to end', async () => (await infoOf(other)).state === 'ended');
  });

  test('is fetched by nobody who has no room for it, and who comes later has it at once', async () => {
    const at = await node({ availabilityMs: 60_000 });
    const claim = store.claim.bind(store);
    let claims = 0;
    store.claim = (...given) => {
      claims += 1;
      return claim(...given);
    };
    const slow = await worker(at, { answer: () => undefined });
    for (let i = 0; i < 30; i += 1) await wantAgent(store);
    await until('the worker to be asked', () => slow.offers.length === 8);
    await sleep(1200);
    assert.deepEqual([claims, slow.offers.length], [8, 8]);
    slow.answer = () => ({ available: false });
    for (const { job } of slow.offers) {
      const jobId = job?.id ?? '';
      slow.send({ case: 'availability', value: new AvailabilityResponse({ jobId }) });
    }
    await until('all to wait', async () => (await store.unheld('agent')).length === 30);
    const refused = new Set(slow.offers.map(({ job }) => job?.id));
    const free = await worker(at);
    await until('it to have as many as it may', () => free.assignments.length === 8);
    await sleep(300);
    // Also those that the other one has just refused.
    const ids = free.assignments.map(({ job }) => job?.id);
    assert.equal(ids.length, 8);
    assert.ok(
      ids.every((id) => !refused.has(id)),
      'those that nobody refused yet come first',
    );
  });

  test('that one worker refused is offered to another that comes, at once', async () => {
    const at = await node();
    const choosy = await worker(at, { answer: () => ({ available: false }) });
    const id = await wantAgent(store);
    await until('it to be refused', () => choosy.offers.length > 0);
    await until('it to wait', async () => (await infoOf(id)).state === 'waiting');
    const other = await worker(at);
    const { job } = await other.job('room', 900);
    assert.equal(job?.id, id);
  });

  test('of a Master Node that ends is looked after by another, which ends it with its worker', async () => {
    const first = await node({ owner: 'ND_1' });
    const lost = await worker(first);
    const id = await wantAgent(store);
    await lost.job('room');
    const second = await node({ owner: 'ND_2', returnMs: 100 });
    rooms.connectedJobs.add(id);
    await first.close();
    assert.equal((await closing(lost))?.code, 1001);
    await until('the other one to have it', async () => (await infoOf(id)).owner === 'ND_2');
    // The worker, which does not say what it runs, as those of agents-js.
    const back = await worker(second);
    await sleep(500);
    assert.equal(back.offers.length, 0);
    const job = await store.get(id);
    assert.ok(job);
    await store.end({ id, epoch: job.epoch }, job.info);
    await until('the worker to be told', () => back.terminations.includes(id));
  });

  test('of a Room that is no more ends, whether it waits or runs', async () => {
    const at = await node({ sweepMs: 50, goneMs: 300 });
    const one = await worker(at);
    const running = await wantAgent(store);
    await one.job('room');
    const waiting = await wantAgent(store, { agentName: 'nobody' });
    await sleep(200);
    assert.equal((await infoOf(waiting)).state, 'waiting');
    rooms.isThere = false;
    for (const id of [running, waiting]) {
      await until('the job to end', async () => (await infoOf(id)).state === 'ended');
    }
    await until('the worker to be told', () => one.terminations.includes(running));
  });

  test('is given up after its agents were lost five times', async () => {
    const at = await node({ returnMs: 50 });
    const id = await wantAgent(store);
    for (let i = 1; i <= 5; i += 1) {
      const one = await worker(at);
      const { job } = await one.job('room');
      assert.deepEqual([job?.id, one.offers[0]?.resuming], [id, i > 1]);
      one.kill();
      await until('it to be missed', async () => (await infoOf(id)).workerId === '');
    }
    await until('the job to end', async () => (await infoOf(id)).state === 'ended');
    const { status, error } = await infoOf(id);
    assert.deepEqual(
      [status, error],
      [JobStatus.JS_FAILED, 'the worker of the agent was lost 5 times'],
    );
  });
});
