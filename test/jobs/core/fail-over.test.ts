import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { RegistryUnavailableError } from '../../../node-image/cluster/registry';
import type { Job } from '../../../node-image/jobs/job';
import { sleep, until } from '../../support/wait';
import { type Asked, type JobCluster, newJob, startJobCluster, type TestNode } from './job-cluster';

describe('jobs that nobody runs', () => {
  let cluster: JobCluster;
  beforeEach(async () => {
    cluster = await startJobCluster([4, 4]);
  });
  afterEach(() => cluster.close());

  const nodeOf = (job: Job): TestNode => {
    const node = cluster.nodes.find(({ id }) => id === job.owner);
    assert.ok(node !== undefined, `no node has the job: ${JSON.stringify(job)}`);
    return node;
  };
  const other = (node: TestNode): TestNode => {
    const found = cluster.nodes.find(({ id }) => id !== node.id);
    assert.ok(found !== undefined);
    return found;
  };
  const known = async (id: string): Promise<Job> => {
    const job = await cluster.store.get(id);
    assert.ok(job !== undefined);
    return job;
  };
  const start = (asked: Asked = {}): Promise<Job> => cluster.dispatcher().start(newJob(asked));
  const ended = async (id: string): Promise<Job> => {
    await until('the job to end', async () => (await known(id)).state === 'ended');
    return known(id);
  };

  it('another node goes on with those of a node that died, with what was said last', async () => {
    const job = await start();
    const dead = nodeOf(job);
    await dead.runner.runs[0]?.context.update('half done');
    const reaper = cluster.reaper(cluster.dispatcher());
    await reaper.look();
    await sleep(200);
    await dead.kill({ isFound: false });
    const began = performance.now();
    await until('the other node to have it', async () => {
      const now = await known(job.id);
      return now.owner === other(dead).id && now.state === 'active';
    });
    const next = await known(job.id);
    // Its lease would have run for 8 s more.
    assert.ok(performance.now() - began < 5000);
    assert.deepEqual([next.retries, next.losses, next.info], [1, 1, 'half done']);
    assert.ok(next.epoch > job.epoch);
    await until('it to run there', () => other(dead).runner.runs.length === 1);
    assert.equal(other(dead).runner.runs[0]?.job.info, 'half done');
    assert.equal(other(dead).ledger.reserved().cpus, 1);
  });

  it('one that does not go on elsewhere ends, and says why', async () => {
    const job = await start({ afterLoss: 'end' });
    const dead = nodeOf(job);
    cluster.reaper(cluster.dispatcher());
    await dead.kill();
    assert.match(
      (await ended(job.id)).info,
      new RegExp(`owner-lost\\): its node, ${dead.id}, is gone`),
    );
    assert.deepEqual(other(dead).runner.runs, []);
  });

  it('one that no other node takes ends after a while, and is not active for ever', async () => {
    const job = await start({ cpus: 3 });
    const dead = nodeOf(job);
    await cluster
      .dispatcher({ registered: async () => [other(dead).record()] })
      .start(newJob({ cpus: 3 }));
    cluster.reaper(cluster.dispatcher());
    await dead.kill();
    const { info } = await ended(job.id);
    assert.match(info, /not-placed\): its node, ND_\d, is gone; nobody took it within/);
    assert.match(info, /ND_\d: the job needs 3 CPU cores, and 1 are free/);
  });

  it('a node that is cut off from the store, and answers on its link, keeps what it runs', async () => {
    const job = await start();
    const node = nodeOf(job);
    node.store.renew = async () => {
      throw new Error('the store is not reached from here');
    };
    const reaper = cluster.reaper(cluster.dispatcher());
    await cluster.store.expire(node.id);
    for (let i = 0; i < 5; i++) {
      await reaper.look();
      await sleep(50);
    }
    assert.equal((await known(job.id)).owner, node.id);
    assert.deepEqual(node.host.jobs(), [job.id]);
    assert.deepEqual(other(node).runner.runs, []);
  });

  it('an owner that lost its job to another stops it at once, without a word', async () => {
    const job = await start();
    const node = nodeOf(job);
    const renew = node.store.renew.bind(node.store);
    node.store.renew = async () => [];
    await cluster.store.expire(node.id);
    const taken = await cluster.store.claim(job.id, job.epoch, other(node).id);
    assert.ok(taken !== undefined);
    node.store.renew = renew;
    await until('it to hear of that', () => node.host.jobs().length === 0);
    assert.deepEqual(node.runner.runs[0]?.said, ['abandoned']);
    assert.equal(await node.runner.runs[0]?.context.update('still here'), false);
    node.runner.runs[0]?.context.ended('over');
    await sleep(50);
    assert.deepEqual(
      [(await known(job.id)).state, (await known(job.id)).info],
      ['active', 'asked for'],
    );
    assert.equal(node.ledger.reserved().cpus, 0);
  });

  it('a node that drains gives its jobs back, and another goes on with them', async () => {
    const job = await start();
    const node = nodeOf(job);
    cluster.reaper(cluster.dispatcher({ registered: async () => [other(node).record()] }));
    assert.equal(await node.host.handOver(job.id, 1000), true);
    assert.deepEqual(node.host.jobs(), []);
    await until('the other node to run it', () => other(node).runner.runs.length === 1);
    const next = other(node).runner.runs[0]?.job;
    assert.deepEqual([next?.info, next?.retries, next?.losses], ['go on from here', 1, 0]);
    const stays = await start({ handOver: 'stays' });
    assert.equal(await nodeOf(stays).host.handOver(stays.id, 1000), false);
    assert.equal(nodeOf(stays).host.jobs().includes(stays.id), true);
  });

  it('one that is queued is placed when there is room, and ends when it has waited too long', async () => {
    const fills = await Promise.all([start({ cpus: 4 }), start({ cpus: 4 })]);
    const dispatcher = cluster.dispatcher({ queueMs: 30_000 });
    const job = await dispatcher.start(newJob({ cpus: 3 }));
    const reaper = cluster.reaper(dispatcher, { queueMs: 30_000 });
    await until('it to be counted as demand', () => reaper.waitingCpus === 3);
    assert.deepEqual(reaper.orphans, { egress: 1 });
    await dispatcher.stop(fills[0]?.id ?? '', 'make room');
    await until('it to run', async () => (await known(job.id)).state === 'active');
    await until('it to wait no more', () => reaper.waitingCpus === 0);
    await reaper.close();
    const late = await dispatcher.start(newJob({ cpus: 4 }));
    assert.equal(late.state, 'waiting');
    cluster.reaper(dispatcher, { queueMs: 200 });
    assert.match((await ended(late.id)).info, /not-placed\): nobody took it within/);
  });

  it('one that has lost its node too often is not started again', async () => {
    const job = await start();
    let { epoch } = job;
    const node = nodeOf(job);
    node.store.renew = async () => [];
    for (let i = 1; i <= 5; i++) {
      await cluster.store.expire(i === 1 ? node.id : `ND_lost${i - 1}`);
      const taken = await cluster.store.claim(job.id, epoch, `ND_lost${i}`);
      epoch = taken?.epoch ?? 0;
    }
    cluster.gone.add('ND_lost5');
    cluster.reaper(cluster.dispatcher());
    assert.match(
      (await ended(job.id)).info,
      /it was lost with its node 6 times, and is not started/,
    );
  });

  it('Redis away for longer than a lease: what runs goes on where it runs', async () => {
    const job = await start();
    const node = nodeOf(job);
    const reaper = cluster.reaper(cluster.dispatcher(), { graceMs: 2000 });
    await cluster.redis.kill();
    await node.runner.runs[0]?.context.update('said while it was away');
    await sleep(1000);
    assert.deepEqual(node.host.jobs(), [job.id]);
    await cluster.redis.restart();
    await until('the job to stand in Redis again', async () => {
      await reaper.look();
      const now = await cluster.store.get(job.id).catch(() => undefined);
      return now?.owner === node.id && now.info === 'said while it was away';
    });
    assert.deepEqual(node.host.jobs(), [job.id]);
    assert.deepEqual(other(node).runner.runs, []);
    const ended = node.runner.runs[0];
    ended?.context.ended('over');
    await until('its end to be written', async () => (await known(job.id)).state === 'ended');
  });

  it('an end that Redis forgot is said again, so that the job is not started anew', async () => {
    const job = await start();
    const node = nodeOf(job);
    const before = await cluster.redis.command('HGET', '{sluice}:jobs', job.id);
    node.runner.runs[0]?.context.ended('over');
    await until('its end to be written', async () => (await known(job.id)).state === 'ended');
    // As a replica would know it that had not heard of the end.
    await cluster.redis.command('HSET', '{sluice}:jobs', job.id, String(before));
    await cluster.redis.command('ZADD', '{sluice}:egressLeases', 0, job.id);
    await until('its end to be written again', async () => (await known(job.id)).state === 'ended');
    assert.equal((await known(job.id)).info, 'over');
  });

  it('one that was made without an answer of the store ends, and nobody starts it', async () => {
    for (const { store } of cluster.nodes) {
      const create = store.create.bind(store);
      store.create = async (...job) => {
        await create(...job);
        throw new RegistryUnavailableError('the answer is lost');
      };
    }
    const job = newJob();
    await assert.rejects(cluster.dispatcher().start(job), RegistryUnavailableError);
    assert.equal((await ended(job.id)).info, 'asked for');
    assert.deepEqual(
      cluster.nodes.flatMap(({ runner }) => runner.runs),
      [],
    );
    assert.deepEqual(
      cluster.nodes.map(({ ledger }) => ledger.reserved().cpus),
      [0, 0],
    );
  });

  it('where another node leads, nothing is done', async () => {
    const job = await start();
    const dead = nodeOf(job);
    const reaper = cluster.reaper(cluster.dispatcher(), { leads: () => false });
    await dead.kill();
    for (let i = 0; i < 3; i++) await reaper.look();
    assert.equal((await known(job.id)).owner, dead.id);
  });
});
