import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSignalListeners } from '../../node-image/media/signal-listeners';
import { startPool } from './support/media';

test('media workers do not end on the signals on which a node drains first', async () => {
  const listeners = () => [process.rawListeners('SIGTERM'), process.rawListeners('SIGINT')];
  const before = listeners();
  const pool = await startPool();
  try {
    assert.equal(pool.workers.length, 1);
    assert.deepEqual(listeners(), before);
  } finally {
    pool.close();
  }
});

test('listeners of signals that were there before stay', () => {
  const own = (): void => undefined;
  process.on('SIGTERM', own);
  const before = process.rawListeners('SIGTERM');
  try {
    const result = withoutSignalListeners(() => {
      process.once('SIGTERM', () => undefined);
      return 'done';
    });
    assert.equal(result, 'done');
    assert.deepEqual(process.rawListeners('SIGTERM'), before);
  } finally {
    process.removeListener('SIGTERM', own);
  }
});
