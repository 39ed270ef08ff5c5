import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusedDemand } from '../../../node-image/jobs/refused-demand';

test('what was refused is wanted less and less, and who asks again counts once', () => {
  let nowMs = 0;
  const demand = new RefusedDemand(() => nowMs);
  assert.equal(demand.cpus, 0);
  for (let i = 0; i < 10; i += 1) demand.add({ kind: 'egress', room: 'stage' }, 3);
  demand.add({ kind: 'egress', room: 'other' }, 3);
  demand.add({ kind: 'ingress', room: 'stage' }, 2);
  assert.equal(demand.cpus, 8);
  nowMs = 30_000;
  assert.equal(demand.cpus, 4);
  demand.add({ kind: 'egress', room: 'stage' }, 3);
  assert.equal(demand.cpus, 5.5);
  nowMs = 90_000;
  assert.equal(demand.cpus, 0);
});

test('a stranger who asks for very much makes it remember no more than a thousand', () => {
  const demand = new RefusedDemand(() => 0);
  for (let i = 0; i < 10_000; i += 1) demand.add({ kind: 'egress', room: `room-${i}` }, 1);
  assert.equal(demand.cpus, 1000);
});
