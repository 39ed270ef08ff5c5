import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOrder } from '../../../node-image/cluster/redis/sentinel-list';
import { replicaProblem } from '../../../node-image/lifecycle/own-machines/own-registry';
import { countDown, toForget } from '../../../node-image/lifecycle/own-machines/sentinel-care';

const up = (address: string) => ({ address, isDown: false });
const down = (address: string) => ({ address, isDown: true });

/** What is forgotten after so many looks at the same. */
function forgottenAfter(looks: number, others: readonly ReturnType<typeof up>[]): string[] {
  let counts = new Map<string, number>();
  for (let i = 0; i < looks; i += 1) counts = countDown(counts, others);
  return toForget(counts, others);
}

test('a Sentinel that is gone is forgotten once three others live', () => {
  const replaced = [up('b:1'), up('c:1'), down('a:1')];
  assert.deepEqual(forgottenAfter(3, replaced), ['a:1']);
  assert.deepEqual(forgottenAfter(2, replaced), [], 'it may be starting again');
  assert.deepEqual(forgottenAfter(9, [up('b:1'), down('a:1')]), [], 'it was not replaced');
  assert.deepEqual(forgottenAfter(9, [down('b:1'), down('c:1')]), [], 'it may be cut off itself');
});

test('one that was back in between counts from the beginning', () => {
  let counts = countDown(new Map(), [down('a:1')]);
  counts = countDown(counts, [down('a:1')]);
  counts = countDown(counts, [up('a:1')]);
  assert.equal(counts.size, 0);
});

test('Sentinels that answer are asked first', () => {
  assert.deepEqual(inOrder('b:1', [down('a:1'), up('d:1'), up('c:1')]), [
    'b:1',
    'c:1',
    'd:1',
    'a:1',
  ]);
});

test('a Redis that has all that there is follows the primary, or is the next one', () => {
  const replica = (link: string, copies = '0'): string =>
    `role:slave\r\nmaster_host:10.0.0.5\r\nmaster_port:6379\r\nmaster_link_status:${link}\r\nmaster_sync_in_progress:${copies}\r\n`;
  assert.equal(replicaProblem(replica('up')), undefined);
  assert.equal(replicaProblem('role:master\r\nconnected_slaves:1\r\n'), undefined);
  assert.equal(replicaProblem(replica('down')), 'it is not connected to 10.0.0.5:6379');
  assert.equal(replicaProblem(replica('up', '1')), 'it still copies from 10.0.0.5:6379');
  assert.equal(replicaProblem('role:master\r\nconnected_slaves:0\r\n'), 'it is no replica');
  assert.equal(replicaProblem(''), 'it is no replica');
});
