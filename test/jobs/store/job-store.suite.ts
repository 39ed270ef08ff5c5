import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Job, JobKind } from '../../../node-image/jobs/job';
import type { JobStore, NewJob } from '../../../node-image/jobs/job-store';
import { sleep, until } from '../../support/wait';

export interface JobStoreFixture {
  /** Two that know the same jobs. */
  readonly one: JobStore;
  readonly other: JobStore;
  /** Loses all that it knows. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

let made = 0;
const newJob = (kind: JobKind = 'egress', room = 'stage'): NewJob => ({
  ...{ id: `EG_${++made} "ä\n`, kind, room },
  spec: JSON.stringify({ asked: made, list: [], text: 'ä\n"' }),
  info: '{"state":0}',
});

/** A lease that has run out by the time this is over. */
const SHORT_MS = 20;
const afterShort = (): Promise<void> => sleep(SHORT_MS + 10);

const given = (job: Job | undefined): Job => {
  assert.ok(job !== undefined, 'there is no job');
  return job;
};

/** What any kind of store has to do. */
export function jobStoreSuite(kind: string, open: () => Promise<JobStoreFixture>): void {
  let fixture: JobStoreFixture;
  let one: JobStore;
  let other: JobStore;
  const it = (what: string, body: () => Promise<void>): void => {
    void test(`jobs in ${kind}: ${what}`, body);
  };
  const active = async (job = newJob(), owner = 'ND_1', leaseMs?: number): Promise<Job> =>
    given(await one.create(job, owner, leaseMs));

  before(async () => {
    fixture = await open();
    ({ one, other } = fixture);
  });
  after(() => fixture.close());

  it('one that is made waits, or has its owner at once, and there is one of an id', async () => {
    const [asked, begun] = [newJob(), newJob()];
    const waiting = given(await one.create(asked));
    const { createdAtMs, leaseLeftMs, ...rest } = waiting;
    assert.deepEqual(rest, {
      ...asked,
      state: 'waiting',
      owner: '',
      ...{ epoch: 0, retries: 0, losses: 0, endedAtMs: 0 },
    });
    assert.ok(Math.abs(createdAtMs - Date.now()) < 5000);
    assert.ok(leaseLeftMs <= 0);
    const job = given(await one.create(begun, 'ND_1'));
    assert.deepEqual([job.state, job.owner, job.retries], ['active', 'ND_1', 0]);
    assert.ok(job.epoch > 0 && job.leaseLeftMs > 5000 && job.leaseLeftMs <= 8000);
    assert.equal(await other.create({ ...begun, spec: 'x' }, 'ND_2'), undefined);
    const known = given(await other.get(begun.id));
    assert.deepEqual({ ...known, leaseLeftMs: 0 }, { ...job, leaseLeftMs: 0 });
    assert.equal(await other.get('EG_unknown'), undefined);
  });

  it('they are listed by kind, by Room and by whether they run, the oldest first', async () => {
    await fixture.forget();
    const jobs = [newJob('egress', 'a'), newJob('ingress', 'a'), newJob('egress', 'b')];
    const ids = jobs.map(({ id }) => id);
    for (const job of jobs) {
      await active(job);
      await sleep(2);
    }
    const last = given(await one.get(ids[2] ?? ''));
    await one.end(last, 'over');
    const listed = async (filter?: Parameters<JobStore['list']>[0]) =>
      (await other.list(filter)).map(({ id }) => ids.indexOf(id));
    assert.deepEqual(await listed(), [0, 1, 2]);
    assert.deepEqual(await listed({ kind: 'egress' }), [0, 2]);
    assert.deepEqual(await listed({ room: 'a' }), [0, 1]);
    assert.deepEqual(await listed({ running: true }), [0, 1]);
    assert.deepEqual(await listed({ kind: 'egress', room: 'b', running: true }), []);
    assert.deepEqual(await listed({ kind: 'agent' }), []);
  });

  it('those that nobody holds are known by kind, and those of a Room by its whole name', async () => {
    await fixture.forget();
    const waiting = newJob('agent', 'a');
    await one.create(waiting);
    const lapsed = await active(newJob('agent', 'ab'), 'ND_1', SHORT_MS);
    const held = await active(newJob('agent', 'a\0b'));
    const other1 = newJob('egress', 'ä');
    await one.create(other1);
    await one.end(await active(newJob('agent', 'a')), 'over');
    await afterShort();
    assert.deepEqual(await other.unheld('agent'), [waiting.id, lapsed.id]);
    assert.deepEqual(await other.unheld('egress'), [other1.id]);
    assert.deepEqual(await other.unheld('ingress'), []);
    const read = await other.read([held.id, 'AJ_unknown', waiting.id]);
    assert.deepEqual(
      read.map(({ id }) => id),
      [held.id, waiting.id],
    );
    const rooms = await Promise.all(
      ['a', 'ab', 'a\0b', 'ä'].map((room) => other.list({ room, running: true })),
    );
    assert.deepEqual(
      rooms.map((jobs) => jobs.map(({ id }) => id)),
      [[waiting.id], [lapsed.id], [held.id], [other1.id]],
    );
  });

  it('of many who want one that waits, one gets it', async () => {
    const { id, epoch } = given(await one.create(newJob()));
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? one : other).claim(id, epoch, `ND_${i}`)),
    );
    const got = claims.filter((claim) => claim !== undefined);
    assert.equal(got.length, 1);
    assert.equal(given(await one.get(id)).owner, got[0]?.owner);
    assert.deepEqual([got[0]?.retries, got[0]?.losses], [0, 0]);
  });

  it('one whose lease runs is not to be had, one whose lease ran out is, by a higher epoch', async () => {
    const held = await active();
    assert.equal(await other.claim(held.id, held.epoch, 'ND_2'), undefined);
    const lapsed = await active(newJob(), 'ND_1', SHORT_MS);
    await afterShort();
    assert.equal(await other.claim(lapsed.id, lapsed.epoch - 1, 'ND_2'), undefined);
    const taken = given(await other.claim(lapsed.id, lapsed.epoch, 'ND_2'));
    assert.ok(taken.epoch > lapsed.epoch);
    assert.deepEqual([taken.owner, taken.retries, taken.losses], ['ND_2', 1, 1]);
    assert.deepEqual([taken.spec, taken.info], [lapsed.spec, lapsed.info]);
    // The first owner is told, and its writes change nothing.
    assert.deepEqual(await one.renew('ND_1', [lapsed, held]), [
      { id: lapsed.id, epoch: lapsed.epoch },
    ]);
    assert.equal(await one.update(lapsed, 'mine'), false);
    assert.equal(await one.release(lapsed, 'mine'), false);
    assert.equal(await one.end(lapsed, 'mine'), false);
    assert.deepEqual(await one.get(lapsed.id).then((job) => job?.info), lapsed.info);
  });

  it('a lease lasts as long as it is renewed', async () => {
    const job = await active(newJob(), 'ND_1', SHORT_MS);
    await afterShort();
    assert.deepEqual(await one.renew('ND_1', [job]), []);
    assert.equal(await other.claim(job.id, job.epoch, 'ND_2'), undefined);
    assert.deepEqual(await one.renew('ND_3', [job]), [{ id: job.id, epoch: job.epoch }]);
  });

  it('those of an owner that was found dead are to be had at once, unless it lives', async () => {
    const [job, theirs] = [await active(newJob(), 'ND_dead'), await active(newJob(), 'ND_alive')];
    assert.equal(await other.expire('ND_dead'), 1);
    assert.equal(await other.expire('ND_dead'), 0);
    assert.deepEqual(await one.renew('ND_dead', [job]), []);
    assert.equal(await other.claim(job.id, job.epoch, 'ND_2'), undefined);
    await other.expire('ND_dead');
    assert.equal((await other.claim(job.id, job.epoch, 'ND_2'))?.losses, 1);
    assert.equal(await other.claim(theirs.id, theirs.epoch, 'ND_2'), undefined);
  });

  it('what its owner says of it stays with it', async () => {
    const job = await active();
    assert.equal(await one.update(job, 'half done'), true);
    assert.equal((await other.get(job.id))?.info, 'half done');
    assert.equal(await one.release(job, 'three quarters'), true);
    const waiting = given(await other.get(job.id));
    assert.deepEqual([waiting.state, waiting.owner], ['waiting', 'ND_1']);
    assert.equal(await one.release(job, 'again'), false);
    const taken = given(await other.claim(job.id, job.epoch, 'ND_2'));
    assert.deepEqual([taken.info, taken.retries, taken.losses], ['three quarters', 1, 0]);
    assert.equal(await other.end(taken, 'done'), true);
  });

  it('what has ended is nobody’s, and saying so twice changes nothing', async () => {
    const job = await active();
    assert.equal(await one.end(job, 'done'), true);
    const ended = given(await other.get(job.id));
    assert.deepEqual([ended.state, ended.info, ended.leaseLeftMs], ['ended', 'done', 0]);
    assert.ok(Math.abs(ended.endedAtMs - Date.now()) < 5000);
    await sleep(3);
    assert.equal(await one.end(job, 'done again'), true);
    assert.deepEqual(await other.get(job.id), ended);
    assert.equal(await other.claim(job.id, job.epoch, 'ND_2'), undefined);
    assert.equal(await one.update(job, 'x'), false);
    assert.equal(await one.release(job, 'x'), false);
    assert.deepEqual(await one.renew('ND_1', [job]), [{ id: job.id, epoch: job.epoch }]);
    assert.equal(await one.end({ id: 'EG_unknown', epoch: 1 }, 'x'), false);
  });

  it('one that nobody had ends as well', async () => {
    const job = given(await one.create(newJob()));
    assert.equal(await one.end(job, 'no node took it'), true);
    assert.equal((await one.get(job.id))?.state, 'ended');
  });

  it('what the store has lost stands again, by what its owner knows', async () => {
    const job = await active();
    const newer = await active(newJob(), 'ND_1', SHORT_MS);
    await afterShort();
    const taken = given(await one.claim(newer.id, newer.epoch, 'ND_2'));
    await fixture.forget();
    assert.equal(await one.get(job.id), undefined);
    // What the first owner puts back gives way to the second, who knows a higher epoch.
    assert.deepEqual(await one.renew('ND_1', [{ ...job, info: 'newest' }, newer]), []);
    assert.deepEqual(await other.renew('ND_2', [taken]), []);
    assert.deepEqual(await one.renew('ND_1', [newer]), [{ id: newer.id, epoch: newer.epoch }]);
    const [back, theirs] = [given(await one.get(job.id)), given(await one.get(newer.id))];
    assert.deepEqual({ ...back, leaseLeftMs: 0 }, { ...job, info: 'newest', leaseLeftMs: 0 });
    assert.deepEqual([theirs.owner, theirs.epoch, theirs.losses], ['ND_2', taken.epoch, 1]);
    assert.ok(back.leaseLeftMs > 5000);
  });

  it('ended ones are taken away by age, then by number of a kind, the newest stay', async () => {
    await fixture.forget();
    const running = await active();
    const [agent, ...ended] = [newJob('agent'), newJob(), newJob(), newJob()];
    for (const job of [agent, ...ended]) {
      await one.end(await active(job), 'over');
      await sleep(2);
    }
    assert.equal(await other.sweep(60_000, 2), 1);
    const left = (await one.list()).map(({ id }) => id);
    const [, ...newest] = ended.map(({ id }) => id);
    assert.deepEqual(left, [running.id, agent.id, ...newest]);
    assert.equal(await other.sweep(0, 2), 3);
    assert.deepEqual(
      (await one.list()).map(({ id }) => id),
      [running.id],
    );
  });

  it('a thousand are listed, renewed and swept', async () => {
    await fixture.forget();
    const jobs = await Promise.all(Array.from({ length: 1000 }, () => active()));
    assert.equal((await other.list({ running: true })).length, 1000);
    assert.deepEqual(await one.renew('ND_1', jobs), []);
    assert.equal((await one.renew('ND_2', jobs)).length, 1000);
    await Promise.all(jobs.map((job) => one.end(job, 'over')));
    assert.equal(await one.sweep(60_000, 10), 990);
    assert.equal((await other.list()).length, 10);
  });

  it('changes are told to all', async () => {
    const heard: string[] = [];
    const end = other.onChange((id) => heard.push(id));
    const job = newJob();
    const first = await active(job);
    await until('the change to be told', () => heard.includes(job.id));
    heard.length = 0;
    await one.update(first, 'more');
    await sleep(100);
    assert.equal(heard.length, 0, 'what is said of a job wakes nobody');
    await one.release(first, 'more');
    await until('the release to be told', () => heard.includes(job.id));
    end();
    heard.length = 0;
    await one.end(first, 'over');
    await sleep(100);
    assert.deepEqual(heard, []);
  });
}
