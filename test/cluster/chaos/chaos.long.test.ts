import { test } from 'node:test';
import { runChaos } from './support/run-chaos';

test(
  '24 runs of random faults: no Room twice, nobody stuck, no call dropped, nothing leaked',
  {
    timeout: 30 * 60_000,
  },
  (t) => runChaos(t, { runs: 24, seed: Date.now() % 1_000_000 }),
);
