import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseNotice } from '../../node-image/cloud/aws/parse-notice';
import * as events from '../support/aws/events';

const AT = new Date('2026-09-01T12:00:00Z');
const read = (event: unknown) => parseNotice(JSON.stringify(event));

describe('a message of the queue of notices', () => {
  it('is what EventBridge says of a machine', () => {
    assert.deepEqual(read(events.terminating('i-1', 'media', AT)), {
      kind: 'terminating',
      machineId: 'i-1',
      group: 'media',
    });
    assert.deepEqual(read(events.interruption('i-1', AT)), {
      kind: 'interruption',
      machineId: 'i-1',
      atMs: AT.getTime() + 120_000,
      action: 'terminate',
    });
    assert.deepEqual(read(events.rebalance('i-1', AT)), {
      kind: 'rebalance',
      machineId: 'i-1',
      sinceMs: AT.getTime(),
    });
    for (const state of ['shutting-down', 'terminated', 'stopping', 'stopped']) {
      assert.deepEqual(read(events.stateChange('i-1', state)), { kind: 'gone', machineId: 'i-1' });
    }
  });

  it('is nothing to be done where it is anything else', () => {
    const others = [
      events.stateChange('i-1', 'running'),
      events.TEST_NOTIFICATION,
      { ...events.terminating('i-1'), source: 'somebody.else' },
      { ...events.terminating('i-1'), detail: { EC2InstanceId: 7 } },
      { ...events.terminating('i-1'), 'detail-type': 'EC2 Instance-launch Lifecycle Action' },
      [],
      null,
      7,
    ];
    for (const other of others) assert.equal(read(other).kind, 'other', JSON.stringify(other));
    for (const text of ['', 'hello', '{"a":']) assert.equal(parseNotice(text).kind, 'other', text);
  });
});
