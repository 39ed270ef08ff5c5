import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { jobErrorOf } from '../../../node-image/api/jobs/job-errors';
import { TwirpError } from '../../../node-image/api/twirp-error';
import { NoNodeError } from '../../../node-image/jobs/job-dispatcher';
import { JobRequestError } from '../../../node-image/jobs/job-runner';
import { until } from '../../support/wait';
import { type JobCluster, newJob, startJobCluster } from './job-cluster';

describe('jobs over the nodes of a cluster', () => {
  let cluster: JobCluster;
  before(async () => {
    cluster = await startJobCluster([4, 4, 8]);
  });
  after(() => cluster.close());
  afterEach(async () => {
    for (const { host } of cluster.nodes) {
      for (const id of host.jobs()) await host.stop(id, 'the test is over');
    }
  });
  const whereIs = (id: string): string[] =>
    cluster.nodes.filter(({ host }) => host.jobs().includes(id)).map((node) => node.id);

  it('50 at once fill three nodes to what their ledgers have, and the rest is refused by 503', async () => {
    // What is known of the nodes is of before the burst: each node's own ledger has the last word.
    const stale = cluster.nodes.map((node) => node.record());
    const dispatcher = cluster.dispatcher({ registered: async () => stale });
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => dispatcher.start(newJob({ cpus: 1 }))),
    );
    const started = results.filter(({ status }) => status === 'fulfilled');
    assert.equal(started.length, 16);
    assert.deepEqual(
      cluster.nodes.map(({ host, ledger }) => [host.jobs().length, ledger.reserved().cpus]),
      [
        [4, 4],
        [4, 4],
        [8, 8],
      ],
    );
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      assert.ok(result.reason instanceof NoNodeError, String(result.reason));
      const told = jobErrorOf(result.reason);
      assert.ok(told instanceof TwirpError);
      assert.deepEqual([told.code, told.status], ['unavailable', 503]);
      for (const { id } of cluster.nodes) {
        assert.match(
          told.message,
          new RegExp(`${id}: it was asked, and refused: it has not enough CPU: 1 needed, 0 free`),
        );
      }
    }
    assert.equal((await cluster.store.list({ running: true })).length, 16);
  });

  it('fills the node that has an Egress first, then the next', async () => {
    const dispatcher = cluster.dispatcher();
    const [first] = [await dispatcher.start(newJob({ cpus: 1 }))];
    for (let i = 0; i < 3; i++) {
      assert.equal((await dispatcher.start(newJob({ cpus: 1 }))).owner, first?.owner);
    }
  });

  it('passes on what is asked of a job, and its end, with what it needs given back', async () => {
    const dispatcher = cluster.dispatcher();
    const { id, owner } = await dispatcher.start(newJob({ cpus: 3 }));
    assert.equal(
      await dispatcher.request(id, 'updateLayout', '{"layout":"grid"}'),
      'did updateLayout',
    );
    assert.equal(await dispatcher.stop(id, 'StopEgress API'), 'ending');
    const node = cluster.nodes.find((one) => one.id === owner);
    assert.deepEqual(node?.runner.runs.at(-1)?.said, [
      'updateLayout {"layout":"grid"}',
      'stop: StopEgress API',
    ]);
    await until('its end to be written', async () => {
      const job = await cluster.store.get(id);
      return job?.state === 'ended' && job.info === 'stopped: StopEgress API';
    });
    assert.equal(node?.ledger.reserved().cpus, 0);
    for (const ask of [dispatcher.stop(id, 'again'), dispatcher.request(id, 'x', '')]) {
      await assert.rejects(ask, (error: unknown) => {
        const told = jobErrorOf(error);
        return told instanceof TwirpError && told.status === 412 && /has ended/.test(told.message);
      });
    }
    await assert.rejects(dispatcher.stop('EG_unknown', 'x'), (error: unknown) => {
      return error instanceof JobRequestError && error.code === 'not_found';
    });
  });

  it('what is said of a job while it runs stands in the store, the last of many', async () => {
    const { id, owner } = await cluster.dispatcher().start(newJob());
    const run = cluster.nodes.find((node) => node.id === owner)?.runner.runs.at(-1);
    const written = await Promise.all([1, 2, 3].map((n) => run?.context.update(`part ${n}`)));
    assert.deepEqual(written, [true, true, true]);
    assert.equal((await cluster.store.get(id))?.info, 'part 3');
  });

  it('one that cannot be started ends, with the reason, and holds nothing', async () => {
    const dispatcher = cluster.dispatcher();
    const thrown = await dispatcher.start(newJob({ start: 'throws' }));
    assert.equal(thrown.state, 'ended');
    assert.match(thrown.info, /failed \(not-started\): nothing is recorded here/);
    const hung = await dispatcher.start(newJob({ start: 'hangs' }));
    assert.match(hung.info, /failed \(not-started\): it did not start within 0\.5 s/);
    const over = await dispatcher.start(newJob({ start: 'ends' }));
    await until('the end to be written', async () => {
      return (await cluster.store.get(over.id))?.info === 'over at once';
    });
    for (const { id } of [thrown, hung, over]) {
      assert.equal((await cluster.store.get(id))?.state, 'ended');
      assert.deepEqual(whereIs(id), []);
    }
    assert.deepEqual(
      cluster.nodes.map(({ ledger }) => ledger.reserved().cpus),
      [0, 0, 0],
    );
  });

  it('queued, one waits for a node with room, and ends where it is stopped before', async () => {
    const dispatcher = cluster.dispatcher({ queueMs: 5000 });
    await dispatcher.start(newJob({ cpus: 8 }));
    const waiting = await dispatcher.start(newJob({ cpus: 8 }));
    assert.deepEqual([waiting.state, waiting.owner], ['waiting', '']);
    assert.match(
      await dispatcher.stop(waiting.id, 'changed my mind'),
      /stopped\): changed my mind/,
    );
    assert.equal((await cluster.store.get(waiting.id))?.state, 'ended');
  });

  it('what no node could ever take does not wait for one, nor what a thousand wait before', async () => {
    const told: number[] = [];
    const onRefused = (_job: unknown, cpus: number): void => void told.push(cpus);
    const queued = cluster.dispatcher({ queueMs: 5000, onRefused });
    await assert.rejects(queued.start(newJob({ cpus: 20 })), NoNodeError);
    const { unheld } = cluster.store;
    cluster.store.unheld = async () => Array.from({ length: 1000 }, (_, i) => `EG_full${i}`);
    await queued.start(newJob({ cpus: 8 }));
    await assert.rejects(queued.start(newJob({ cpus: 7 })), NoNodeError);
    cluster.store.unheld = unheld;
    // A further node would help the second, and not the first.
    assert.deepEqual(told, [0, 7]);
    const running = await cluster.store.list({ running: true });
    assert.ok(running.every(({ state }) => state === 'active'));
  });

  it('a node that does not answer is passed over', async () => {
    const dead = cluster.nodes[0];
    assert.ok(dead !== undefined);
    const record = dead.record();
    const unreachable = { ...record, record: { ...record.record, id: 'ND_nowhere' } };
    const alive = cluster.nodes.map((node) => node.record());
    const dispatcher = cluster.dispatcher({
      registered: async () => [unreachable, ...alive],
      random: () => 0,
    });
    const job = await dispatcher.start(newJob({ cpus: 4 }));
    assert.ok(['ND_1', 'ND_2', 'ND_3'].includes(job.owner));
    const alone = cluster.dispatcher({ registered: async () => [unreachable] });
    await assert.rejects(alone.start(newJob()), /ND_nowhere: it was asked, and did not answer/);
  });

  it('bad input over the link is refused, and nothing is started', async () => {
    const ask = async (path: string, body: string) => {
      const answer = await cluster.ask('ND_1', path, body);
      return [answer.status, JSON.parse(answer.body.toString()).code];
    };
    const order = (changes: object) => JSON.stringify({ job: { ...newJob(), ...changes } });
    for (const body of ['', '{', '[]', '{"job":1}', order({ kind: 'dance' }), order({ id: '' })]) {
      assert.deepEqual(await ask('/jobs/start', body), [400, 'invalid_argument'], body);
    }
    assert.deepEqual(await ask('/jobs/start', 'x'.repeat(2_000_001)), [400, 'invalid_argument']);
    assert.deepEqual(await ask('/jobs/start', order({ kind: 'ingress' })), [503, 'refused']);
    assert.deepEqual(await ask('/jobs/dance', '{}'), [404, 'not_found']);
    assert.deepEqual(await ask('/jobs/stop', '{"id":"EG_none","reason":""}'), [404, 'not_found']);
    const none = cluster.dispatcher({ rules: [] });
    await assert.rejects(none.start(newJob()), /no egress jobs are served here/);
    assert.deepEqual(
      cluster.nodes.flatMap(({ host }) => host.jobs()),
      [],
    );
  });
});
