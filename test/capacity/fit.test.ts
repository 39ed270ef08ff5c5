import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitCosts } from '../../bench/fit-costs';
import { type BenchResults, CPU_COSTS } from '../../bench/fit-rows';
import type { Scenario } from '../../bench/scenarios';
import { MEDIA, resultsOf, runOf, TRUE_COSTS } from './support/runs';

test('finds the costs that runs were made of, and predicts those it was not told of', () => {
  const { cpu, memory, fit, validation } = fitCosts({ results: resultsOf(MEDIA) });
  for (const name of CPU_COSTS) {
    assert.ok(Math.abs(cpu[name] / TRUE_COSTS[name] - 1) < 0.01, `${name}: ${cpu[name]}`);
  }
  assert.ok(Math.abs(memory.participantBytes / 700e3 - 1) < 0.01, `${memory.participantBytes}`);
  assert.ok(Math.abs(memory.subscriptionBytes / 150e3 - 1) < 0.01);
  assert.equal(memory.nodeBytes, 200e6);
  const held = validation.cpu.map(({ scenario }) => scenario);
  assert.ok(held.includes('viewers-50') && held.includes('meeting-4-20'));
  for (const { scenario } of fit) assert.ok(!held.includes(scenario), scenario);
  for (const all of Object.values(validation)) {
    for (const { scenario, error } of all) assert.ok(Math.abs(error) < 0.01, scenario);
  }
});

test('what is held out changes no cost, and its error is told', () => {
  const results = resultsOf(MEDIA);
  const doubled = results.cells.map((cell) =>
    cell.scenario === 'viewers-50'
      ? {
          ...cell,
          runs: cell.runs.map((run) => ({
            ...run,
            steadyCpuMicrosecondsPerPacket: 2 * (run.steadyCpuMicrosecondsPerPacket ?? 0),
          })),
        }
      : cell,
  );
  const before = fitCosts({ results });
  const after = fitCosts({ results: { ...results, cells: doubled } });
  assert.deepEqual(after.cpu, before.cpu);
  const error = after.validation.cpu.find(({ scenario }) => scenario === 'viewers-50')?.error;
  assert.ok(error !== undefined && Math.abs(error + 0.5) < 0.01, `${error}`);
});

test('where the load source fell short, the costs are held against what it did send', () => {
  const results = resultsOf(MEDIA);
  const cells = results.cells.map((cell) => ({
    ...cell,
    runs: cell.runs.map((run) => ({
      ...run,
      steadyPacketsPerSecond: (run.steadyPacketsPerSecond ?? 0) / 2,
      load: { ...run.load, self: { ...run.load.self, isBottleneck: true } },
    })),
  }));
  const { validation } = fitCosts({ results: { ...results, cells } });
  assert.deepEqual(validation.packets, []);
  for (const one of validation.cpu) assert.equal(one.of, 'packets');
});

test('costs are never below 0, whatever was measured', () => {
  const results = resultsOf(MEDIA);
  const cells = results.cells.map((cell, i) => ({
    ...cell,
    runs: cell.runs.map((run) => ({ ...run, serverCpuSeconds: run.serverCpuSeconds / (i + 2) })),
  }));
  const { cpu } = fitCosts({ results: { ...results, cells } });
  for (const name of CPU_COSTS) assert.ok(cpu[name] >= 0, name);
});

test('runs that lost packets, and those of another server, are not looked at', () => {
  const results = resultsOf(MEDIA);
  const lossy = { ...runOf(MEDIA[0] as Scenario), lostShare: 0.2, serverCpuSeconds: 1e6 };
  const cells = [
    ...results.cells.map((cell, i) => (i === 0 ? { ...cell, runs: [...cell.runs, lossy] } : cell)),
    { scenario: 'viewers-10', server: 'livekit-server', runs: [{ ...lossy, lostShare: 0 }] },
  ];
  const expected = fitCosts({ results });
  assert.deepEqual(fitCosts({ results: { ...results, cells } }), expected);
});

test('says what is missing where too little was measured', () => {
  const some = (...names: readonly string[]): BenchResults =>
    resultsOf(MEDIA.filter(({ name }) => names.includes(name)));
  assert.throws(
    () => fitCosts({ results: some('viewers-10', 'viewers-25', 'viewers-50', 'viewers-100') }),
    /nothing says what these cost: forwardedAudioPacket.*run the bench/,
  );
  assert.throws(
    () => fitCosts({ results: some('viewers-10', 'viewers-25', 'audio-5-10', 'rooms-1') }),
    /nothing to validate the costs by: .*held out are viewers-50/,
  );
  assert.throws(() => fitCosts({ results: resultsOf([]) }), /usable scenarios are none/);
});
