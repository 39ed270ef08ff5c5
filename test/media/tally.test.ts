import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seat, Tally } from '../../node-image/media/tally';

test('who receives nothing yet counts for a picture and sound', () => {
  const tally = new Tally();
  new Seat(tally, 0);
  assert.equal(tally.total, 2);
});

test('who joins counts for what it is about to receive, and then for what it receives', () => {
  const tally = new Tally();
  const seat = new Seat(tally, 14);
  assert.equal(tally.total, 14);
  for (let i = 0; i < 3; i++) seat.change(1);
  assert.equal(tally.total, 14);
  seat.settle();
  assert.equal(tally.total, 3);
  seat.change(-1);
  seat.change(-1);
  assert.equal(tally.total, 2);
});

test('what counts for a Room counts for its worker, until it is gone', () => {
  const worker = new Tally();
  const [one, other] = [new Tally(worker), new Tally(worker)];
  const seat = new Seat(one, 5);
  new Seat(other, 3);
  assert.deepEqual([one.total, other.total, worker.total], [5, 3, 8]);
  seat.close();
  seat.close();
  seat.change(-1);
  assert.deepEqual([one.total, worker.total], [0, 3]);
});
