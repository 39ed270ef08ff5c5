import { test } from 'node:test';
import { runChaos } from './support/run-chaos';

/** Those have every kind of fault among them; 24 others are run by `npm run chaos`. */
test(
  '8 runs of faults: no Room twice, nobody stuck, no call dropped, nothing leaked',
  {
    timeout: 15 * 60_000,
  },
  (t) => runChaos(t, { runs: 8, seed: 648_949 }),
);
