import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { NodeView } from '../../node-image/cluster/admin-views';
import type { DrainOrder } from '../../node-image/cluster/node-record';
import { type Answer, FakeAdmin } from './fake-admin';
import { type RunOptions, sluice } from './run-sluice';
import { NOW_MS, nodesView, nodeView, ORDER, progress } from './views';

const KEY = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'secret' };

let admin: FakeAdmin;
before(async () => {
  admin = new FakeAdmin();
  await admin.listen();
});
after(() => admin.close());
beforeEach(() => {
  admin.answers.clear();
  admin.asked.length = 0;
});

const draining = (changes: Parameters<typeof progress>[0] = {}, order: DrainOrder = ORDER) =>
  nodeView('ND_1', { state: 'draining', order, record: { drain: progress(changes) } });
const drained = (changes: Parameters<typeof progress>[0] = {}, order: DrainOrder = ORDER) =>
  nodeView('ND_1', { state: 'drained', order, record: { drain: progress(changes) } });

/** What the nodes look like each time they are asked for; the last stays. `undefined`: gone. */
function stages(all: readonly (NodeView | undefined | Answer)[], nowMs = NOW_MS): void {
  let asked = 0;
  admin.answers.set('GET nodes', () => {
    const stage = all[Math.min(asked, all.length - 1)];
    asked += 1;
    if (Array.isArray(stage)) return stage as unknown as Answer;
    return [200, nodesView(stage === undefined ? [] : [stage as NodeView], nowMs)];
  });
}

function drain(argv = '', options: RunOptions = {}, order = ORDER) {
  const answer = { nodeId: 'ND_1', order, changed: true, nowMs: NOW_MS };
  admin.answers.set('POST nodes/ND_1/drain', [200, answer]);
  const words = `drain ND_1 ${argv}`.trim().split(/\s+/);
  return sluice([...words, '--url', admin.url], { env: KEY, ...options });
}

describe('sluice drain', () => {
  test('sends what was said, and leaves the rest to the cluster', async () => {
    const { code, output } = await drain(
      '--patience 90s --deadline 1h30m --on-deadline keep --reason kernel',
    );
    assert.equal(code, 0);
    assert.deepEqual(admin.asked[0]?.body, {
      patience: 90_000,
      deadline: 5_400_000,
      onDeadline: 'keep',
      reason: 'kernel',
    });
    assert.match(
      output,
      /^ND_1 drains: its Rooms are moved in 15m, what is left in 1h is ended\.\n$/,
    );
    await drain('--patience 0');
    assert.deepEqual(admin.asked[1]?.body, { patience: 0, reason: 'sluice drain' });
  });

  test('says where an earlier order stands', async () => {
    const answer = { nodeId: 'ND_1', order: ORDER, changed: false, nowMs: NOW_MS };
    admin.answers.set('POST nodes/ND_1/drain', [200, answer]);
    const argv = ['drain', 'ND_1', '--url', admin.url];
    assert.match((await sluice(argv, { env: KEY })).output, /drains already \(sluice drain\)/);
    const json = await sluice([...argv, '--json'], { env: KEY });
    assert.deepEqual(JSON.parse(json.output), answer);
  });

  test('refuses what is no duration, and no choice', async () => {
    for (const argv of ['--patience soon', '--deadline 5', '--on-deadline maybe']) {
      const { code, errors } = await drain(argv);
      assert.equal(code, 2);
      assert.match(errors, /Allowed (is a duration|choices are force, keep)/);
    }
    assert.equal(admin.asked.length, 0);
  });
});

describe('sluice drain --wait', () => {
  test('tells a line for each change, and ends well when the node is empty', async () => {
    stages([
      draining({ roomsLeft: 3, participantsLeft: 6 }),
      draining({ roomsLeft: 3, participantsLeft: 6 }),
      draining({ roomsLeft: 1, participantsLeft: 2, roomsMoved: 2, turnAllocationsLeft: 1 }),
      draining({ roomsMoved: 3, jobsLeft: 1, jobsLeftByKind: { egress: 1 } }),
      drained({ roomsMoved: 3 }),
    ]);
    const { code, output, errors } = await drain('--wait');
    assert.equal(code, 0);
    assert.deepEqual(errors.trimEnd().split('\n'), [
      'ND_1: 3 Rooms, 6 participants left; 1h until the deadline, moved in 15m',
      'ND_1: 1 Room, 2 participants, 1 TURN allocation left; 1h until the deadline, moved in 15m',
      'ND_1: 0 Rooms, 0 participants, 1 Egress left; 1h until the deadline, moved in 15m',
    ]);
    assert.match(output, /\nND_1 is empty, 3 Rooms were moved\.\n$/);
  });

  test('writes one line over and over at a terminal, and leaves none', async () => {
    stages([draining({ roomsLeft: 2 }), draining({ roomsLeft: 1 }), drained()]);
    const { errors } = await drain('--wait', { isTerminal: true, columns: 50 });
    assert.doesNotMatch(errors, /\n/);
    const lines = errors.split('\r\u001b[2K');
    assert.equal(lines.at(-1), '');
    assert.ok(lines.every((line) => line.length < 50));
    assert.match(lines[2] ?? '', /^ND_1: 1 Room/);
  });

  test('says what holds it up', async () => {
    stages([draining({ roomsLeft: 1, obstacle: 'no other Media Node serves' }), drained()]);
    assert.match((await drain('--wait')).errors, /1 Room, 0 participants left \(no other Media No/);
  });

  test('prints one JSON object for programs', async () => {
    stages([draining({ roomsLeft: 1 }), drained({ roomsMoved: 1 })]);
    const { output } = await drain('--wait --json');
    const { outcome, roomsMoved, roomsLeft, nodeId, order } = JSON.parse(output);
    assert.deepEqual([outcome, roomsMoved, roomsLeft, nodeId], ['drained', 1, 0, 'ND_1']);
    assert.deepEqual(order, ORDER);
  });

  test('ends with 1 where Rooms were ended at the deadline', async () => {
    stages([draining({ roomsLeft: 2, overdue: true }), drained()], ORDER.deadlineMs + 1);
    const { code, output, errors } = await drain('--wait');
    assert.equal(code, 1);
    assert.match(errors, /the deadline has passed, ending them/);
    assert.match(output, /ND_1 is empty, but not in time/);
  });

  test('ends with 1 where the deadline has passed and Rooms are kept', async () => {
    const keep: DrainOrder = { ...ORDER, onDeadline: 'keep' };
    const jobs = { jobsLeft: 3, jobsLeftByKind: { agent: 2, agent_worker: 1 } };
    stages([draining({ roomsLeft: 2, overdue: true, ...jobs }, keep)], ORDER.deadlineMs + 1);
    const { code, output } = await drain('--wait', {}, keep);
    assert.equal(code, 1);
    assert.match(
      output,
      /still has 2 Rooms, 2 jobs of agents, 1 worker of agents, which it keeps.*sluice remove ND_1 --force/,
    );
  });

  test('ends with 1 where somebody cancelled it', async () => {
    stages([draining({ roomsLeft: 2 }), nodeView('ND_1')]);
    const { code, output } = await drain('--wait --json');
    assert.deepEqual([code, JSON.parse(output).outcome], [1, 'cancelled']);
  });

  test('takes a node that goes away empty for drained, and one with Rooms for lost', async () => {
    stages([draining({ roomsLeft: 1 }), undefined]);
    admin.answers.set('GET rooms', [200, { rooms: [{ name: 'r', nodeId: 'ND_2', epoch: 1 }] }]);
    assert.equal((await drain('--wait')).code, 0);
    stages([draining({ roomsLeft: 1 }), undefined]);
    admin.answers.set('GET rooms', [200, { rooms: [{ name: 'r', nodeId: 'ND_1', epoch: 1 }] }]);
    const { code, output } = await drain('--wait');
    assert.equal(code, 1);
    assert.match(output, /ND_1 is gone with 1 Room on it, which are placed anew/);
  });

  test('bears a master that starts anew, and gives up after half a minute', async () => {
    const away: Answer = [503, { code: 'unavailable', message: 'The registry is away.' }];
    stages([draining({ roomsLeft: 1 }), away, away, away, drained()]);
    assert.equal((await drain('--wait')).code, 0);
    stages([draining({ roomsLeft: 1 }), away]);
    let waitedMs = 0;
    const { code, errors } = await drain('--wait', {
      onSleep: (ms) => {
        waitedMs += ms;
      },
    });
    assert.equal(code, 3);
    assert.ok(waitedMs >= 30_000 && waitedMs < 40_000, String(waitedMs));
    assert.match(errors, /The registry is away\. The drain of ND_1 goes on by itself/);
  });

  test('does not try again where the cluster refuses', async () => {
    stages([draining(), [401, { code: 'unauthenticated', message: 'invalid API key' }]]);
    const { code, errors } = await drain('--wait');
    assert.equal(code, 1);
    assert.match(errors, /invalid API key\n$/);
  });
});
