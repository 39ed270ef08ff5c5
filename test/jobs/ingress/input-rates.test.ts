import assert from 'node:assert/strict';
import { it } from 'node:test';
import { InputRates } from '../../../node-image/jobs/ingress/input-rates';
import { until } from '../../support/wait';

it('says how much comes in a second, on average, until it is closed', async () => {
  const said: { audio: number; video: number }[] = [];
  let nowMs = 1000;
  let calls = 0;
  const rates = new InputRates({
    run: { measured: (rate) => said.push(rate) },
    bytes: () => {
      calls += 1;
      // One that fails is no end of it.
      if (calls === 1) throw new Error('closed');
      nowMs = 1000 + calls * 1000;
      return { audio: calls * 8000, video: calls * 125_000 };
    },
    everyMs: 5,
    now: () => nowMs,
  });
  await until('three of them', () => said.length >= 3);
  rates.close();
  rates.close();
  for (const rate of said) assert.deepEqual(rate, { audio: 64_000, video: 1_000_000 });
  const before = calls;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(calls, before);
});
