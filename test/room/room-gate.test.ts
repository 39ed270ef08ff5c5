import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RoomGate } from '../../node-image/room/room-gate';

describe('RoomGate', () => {
  it('takes all that was held, in order, also where one of them throws', async () => {
    const gate = new RoomGate();
    await gate.freeze();
    const taken: number[] = [];
    for (const number of [1, 2, 3]) {
      const action = (): void => {
        taken.push(number);
        if (number === 2) throw new Error('of the test');
      };
      assert.equal(gate.hold(action), true);
    }
    assert.throws(() => gate.thaw(), AggregateError);
    assert.deepEqual(taken, [1, 2, 3]);
    assert.equal(gate.isFrozen, false);
    gate.thaw();
    assert.deepEqual(taken, [1, 2, 3]);
  });
});
