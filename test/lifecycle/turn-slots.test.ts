import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  parseSlots,
  planSlots,
  type TurnServer,
  type TurnSlot,
} from '../../node-image/lifecycle/turn-slots';

const server = (host: string, state: TurnServer['state'] = 'ready'): TurnServer => ({
  host,
  port: 443,
  state,
});
const empty = (name: string): TurnSlot => ({ name, host: '127.0.0.1', port: 9, state: 'empty' });
const filled = (name: string, host: string, state: TurnSlot['state'] = 'ready'): TurnSlot => ({
  name,
  host,
  port: 443,
  state,
});

describe('the slots of HAProxy', () => {
  test('are read from what HAProxy says of its servers, whatever else it has', () => {
    const answer = [
      '1',
      '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_port',
      '3 turn 1 given1 10.0.0.9 2 0 443',
      '3 turn 2 slot1 127.0.0.1 0 5 9',
      '3 turn 3 slot2 10.0.0.4 2 4 443',
      '3 turn 4 slot3 10.0.0.5 2 12 443',
      '',
      '',
    ].join('\n');
    assert.deepEqual(parseSlots(answer, 'slot'), [
      empty('turn/slot1'),
      filled('turn/slot2', '10.0.0.4'),
      filled('turn/slot3', '10.0.0.5', 'drain'),
    ]);
    assert.equal(parseSlots("Can't find backend.\n", 'slot'), undefined);
  });

  test('are filled with what serves, and only that', () => {
    const { commands, leftOut } = planSlots(
      [empty('turn/slot1'), empty('turn/slot2')],
      [server('10.0.0.4', 'drain'), server('10.0.0.5')],
      true,
    );
    assert.deepEqual(commands, [
      'set server turn/slot1 addr 10.0.0.5 port 443',
      'set server turn/slot1 state ready',
    ]);
    assert.deepEqual(leftOut, []);
  });

  test('stay as they are where nothing is another, whatever an address is written like', () => {
    const slots = [filled('turn/slot1', '10.0.0.4'), filled('turn/slot2', '2001:db8::1', 'drain')];
    const wanted = [server('2001:db8:0:0::1', 'drain'), server('10.0.0.4')];
    assert.deepEqual(planSlots(slots, wanted, true), { commands: [], leftOut: [] });
  });

  test('keep who is connected to a node that drains, and take new ones when that is cancelled', () => {
    const slots = [filled('turn/slot1', '10.0.0.4'), filled('turn/slot2', '10.0.0.5', 'drain')];
    const { commands } = planSlots(slots, [server('10.0.0.4', 'drain'), server('10.0.0.5')], true);
    assert.deepEqual(commands, [
      'set server turn/slot1 state drain',
      'set server turn/slot2 state ready',
    ]);
  });

  test('lose a node that is gone with its connections, and are another one\u2019s at once', () => {
    const { commands, leftOut } = planSlots(
      [filled('turn/slot1', '10.0.0.4')],
      [server('10.0.0.5')],
      true,
    );
    assert.deepEqual(commands, [
      'set server turn/slot1 state maint',
      'shutdown sessions server turn/slot1',
      'set server turn/slot1 addr 10.0.0.5 port 443',
      'set server turn/slot1 state ready',
    ]);
    assert.deepEqual(leftOut, []);
  });

  test('lose nobody while it may not be known who is there', () => {
    const slots = [filled('turn/slot1', '10.0.0.4'), empty('turn/slot2')];
    const { commands } = planSlots(slots, [server('10.0.0.5')], false);
    assert.deepEqual(commands, [
      'set server turn/slot2 addr 10.0.0.5 port 443',
      'set server turn/slot2 state ready',
    ]);
  });

  test('say which nodes they are too few for', () => {
    const { commands, leftOut } = planSlots(
      [filled('turn/slot1', '10.0.0.4')],
      [server('10.0.0.5'), server('10.0.0.4'), server('10.0.0.6', 'drain')],
      true,
    );
    assert.deepEqual(commands, []);
    assert.deepEqual(leftOut, [server('10.0.0.5')]);
  });

  test('take no name, which could be anything', () => {
    const { commands, leftOut } = planSlots(
      [empty('turn/slot1')],
      [server('host; disable frontend entry')],
      true,
    );
    assert.deepEqual(commands, []);
    assert.equal(leftOut.length, 1);
  });

  test('hold a node that was started anew at the same address once, as the one that serves', () => {
    for (const wanted of [
      [server('10.0.0.4', 'drain'), server('10.0.0.4')],
      [server('10.0.0.4'), server('10.0.0.4', 'drain')],
    ]) {
      const { commands } = planSlots([filled('turn/slot1', '10.0.0.4', 'drain')], wanted, true);
      assert.deepEqual(commands, ['set server turn/slot1 state ready']);
    }
  });
});
