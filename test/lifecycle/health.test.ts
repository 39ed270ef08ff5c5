import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health } from '../../node-image/lifecycle/health';

test('a node is ready until something has been wrong for more than 4 seconds', () => {
  let now = 1_000_000;
  let wrong: string | undefined;
  const health = new Health({ checks: { workers: () => wrong }, now: () => now });
  assert.deepEqual(health.report(), { status: 200, text: 'OK' });
  wrong = 'worker 0 is dead';
  now += 2000;
  health.check();
  assert.equal(health.report().status, 200);
  now += 2001;
  health.check();
  assert.deepEqual(health.report(), {
    status: 406,
    text: 'Not Ready\nNode Updated At 1970-01-01T00:16:40.000Z\nworkers: worker 0 is dead',
  });
  wrong = undefined;
  health.check();
  assert.equal(health.report().status, 200);
  health.close();
});

test('a check that throws is something wrong, not a crash', () => {
  const checks = {
    registry: () => {
      throw new Error('lost');
    },
  };
  const health = new Health({ checks });
  assert.match(health.report().text, /registry: Error: lost/);
  health.close();
});

test('a node whose clock of checks stopped is not ready', () => {
  let now = 1_000_000;
  const health = new Health({ checks: {}, intervalMs: 1 << 30, now: () => now });
  now += 4001;
  assert.equal(health.report().status, 406);
  health.close();
});
