/** What `sluice undrain` and `sluice remove` ask a cluster, print, and end with. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useAdmin } from './cluster-commands-support';
import { NOW_MS, nodesView, nodeView, ORDER } from './views';

const { admin, run } = useAdmin();

describe('sluice undrain', () => {
  test('says whether there was anything to cancel', async () => {
    admin.answers.set('POST nodes/ND_1/undrain', [200, { nodeId: 'ND_1', order: ORDER }]);
    assert.match((await run('undrain ND_1')).output, /^ND_1 drains no more \(.*sluice drain\)/);
    admin.answers.set('POST nodes/ND_1/undrain', [200, { nodeId: 'ND_1' }]);
    assert.match((await run('undrain ND_1')).output, /nothing to cancel/);
  });

  test('fails with the reason where the order is final', async () => {
    const message = 'The drain cannot be taken back: the cloud has been told.';
    admin.answers.set('POST nodes/ND_1/undrain', [409, { code: 'conflict', message }]);
    const { code, errors, output } = await run('undrain ND_1');
    assert.deepEqual([code, errors, output], [1, `${message}\n`, '']);
  });
});

describe('sluice remove', () => {
  test('says what is lost', async () => {
    const lost = { rooms: Array.from({ length: 12 }, (_, i) => `room${i}`), participants: 30 };
    const answer = { nodeId: 'ND_1', outcome: 'forgotten', lost, message: 'ND_1 is forgotten.' };
    admin.answers.set('DELETE nodes/ND_1', [200, answer]);
    const { code, output } = await run('remove ND_1 --force');
    assert.equal(code, 0);
    assert.match(
      output,
      /^ND_1 is forgotten\.\nInterrupted: 12 Rooms with 30 participants: room0, /,
    );
    assert.match(output, /room9 and 2 more\n$/);
    assert.equal(admin.asked[0]?.what, 'DELETE nodes/ND_1?force=true');
  });

  test('drains a node that lives first, and takes it out once it is empty', async () => {
    let isEmpty = false;
    const node = () => nodeView('ND_1', { state: isEmpty ? 'drained' : 'draining', order: ORDER });
    admin.answers.set('GET nodes/ND_1', [200, nodeView('ND_1', { rooms: 2 })]);
    admin.answers.set('POST nodes/ND_1/drain', [
      200,
      { nodeId: 'ND_1', order: ORDER, changed: true, nowMs: NOW_MS },
    ]);
    admin.answers.set('GET nodes', () => [200, nodesView([node()])]);
    const lost = { rooms: [], participants: 0 };
    const answer = { nodeId: 'ND_1', outcome: 'ordered', lost, message: 'ND_1 is out.' };
    admin.answers.set('DELETE nodes/ND_1', [200, answer]);
    const { code, output } = await run('remove ND_1 --patience 0 --deadline 5m', {
      onSleep: () => {
        isEmpty = true;
      },
    });
    assert.deepEqual([code, output], [0, 'ND_1 is out.\nNothing is lost: it hosted no Room.\n']);
    const asked = admin.asked.filter(({ what }) => !what.startsWith('GET'));
    assert.deepEqual(asked[0]?.body, { patience: 0, deadline: 300_000, reason: 'sluice remove' });
    assert.equal(asked[1]?.what, 'DELETE nodes/ND_1?force=false');
  });

  test('is done where the process of the drained node has ended by then', async () => {
    admin.answers.set('GET nodes/media', [200, nodeView('ND_1')]);
    admin.answers.set('POST nodes/ND_1/drain', [
      200,
      { nodeId: 'ND_1', order: ORDER, changed: true, nowMs: NOW_MS },
    ]);
    admin.answers.set('GET nodes', [200, nodesView([])]);
    admin.answers.set('GET rooms', [200, { rooms: [] }]);
    const { code, output } = await run('remove media');
    assert.deepEqual([code, output.split('\n')[0]], [0, 'ND_1 has ended by itself.']);
  });

  test('leaves a node where its drain was cancelled', async () => {
    admin.answers.set('GET nodes/ND_1', [200, nodeView('ND_1')]);
    admin.answers.set('POST nodes/ND_1/drain', [
      200,
      { nodeId: 'ND_1', order: ORDER, changed: true, nowMs: NOW_MS },
    ]);
    admin.answers.set('GET nodes', [200, nodesView([nodeView('ND_1')])]);
    const { code, errors } = await run('remove ND_1');
    assert.equal(code, 1);
    assert.match(errors, /^The drain of ND_1 was cancelled, so it stays/);
    assert.ok(!admin.asked.some(({ what }) => what.startsWith('DELETE')));
  });

  test('asks no drain of a node that says nothing any more', async () => {
    const message = 'ND_1 lives, with 2 Rooms. Drain it, or use force.';
    admin.answers.set('GET nodes/ND_1', [200, nodeView('ND_1', { stale: true })]);
    admin.answers.set('DELETE nodes/ND_1', [409, { code: 'conflict', message }]);
    const { code, errors } = await run('remove ND_1');
    assert.deepEqual([code, errors], [1, `${message}\n`]);
    assert.equal(admin.asked[1]?.what, 'DELETE nodes/ND_1?force=false');
  });
});
