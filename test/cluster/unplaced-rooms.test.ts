import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnplacedRooms } from '../../node-image/cluster/unplaced-rooms';

test('a Room that nobody asks for any more is forgotten after a minute', () => {
  let now = 0;
  const rooms = new UnplacedRooms(() => now);
  rooms.add('a');
  rooms.add('b');
  now = 50_000;
  rooms.add('a');
  assert.equal(rooms.count, 2);
  now = 70_000;
  assert.equal(rooms.count, 1);
  rooms.remove('a');
  assert.equal(rooms.count, 0);
});

test('no more are remembered than a group grows for', () => {
  const rooms = new UnplacedRooms(() => 0);
  for (let room = 0; room < 10_010; room += 1) rooms.add(`room ${room}`);
  assert.equal(rooms.count, 10_000);
});
