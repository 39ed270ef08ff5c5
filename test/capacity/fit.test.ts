import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitCosts } from '../../bench/fit-costs';
import { type BenchResults, CPU_COSTS } from '../../bench/fit-rows';
import { meanJoinSeconds, trafficOfScenario } from '../../bench/fit-traffic';
import type { Measurement } from '../../bench/measure';
import { allScenarios, type Scenario } from '../../bench/scenarios';
import { type CpuCosts, coresOfNode, coresOfTraffic } from '../../node-image/capacity/costs';

const TRUE_COSTS: CpuCosts = {
  node: 20_000,
  participant: 400,
  receivedPacket: 12,
  forwardedVideoPacket: 7,
  forwardedAudioPacket: 5,
  join: 9_000,
  subscription: 2_000,
};
const SECONDS = 24;
const MEDIA = allScenarios().filter(({ participants }) =>
  participants.some(({ publish = [] }) => publish.length > 0),
);

/** What a run would say on a machine of exactly these costs. */
function runOf(scenario: Scenario, costs = TRUE_COSTS): Measurement {
  const traffic = trafficOfScenario(scenario);
  const seconds = SECONDS;
  const present = seconds - meanJoinSeconds(scenario);
  const { participants, subscriptions, received, forwardedVideo, forwardedAudio } = traffic;
  const cores = coresOfNode(costs) + coresOfTraffic(costs, traffic);
  const rate = forwardedAudio + forwardedVideo;
  const microseconds =
    costs.node * seconds +
    costs.participant * participants * present +
    costs.receivedPacket * received * seconds +
    costs.forwardedVideoPacket * forwardedVideo * present +
    costs.forwardedAudioPacket * forwardedAudio * present +
    costs.join * participants +
    costs.subscription * subscriptions;
  const run = {
    scenario: scenario.name,
    server: 'sluice',
    serverCpuSeconds: microseconds / 1e6,
    steadyCpuMicrosecondsPerPacket: (cores * 1e6) / rate,
    steadyPacketsPerSecond: rate,
    lostShare: 0,
    rssIdleBytes: 200e6,
    rssPeakBytes: 200e6 + participants * 700e3 + subscriptions * 150e3,
    load: {
      seconds,
      clients: { connected: participants, joined: participants },
      sent: { audio: { packets: 0 }, video: { packets: received * seconds } },
      received: {
        audio: { packets: forwardedAudio * present },
        video: { packets: forwardedVideo * present },
        streams: subscriptions,
      },
      data: { received: { packets: 0 } },
    },
  };
  return run as unknown as Measurement;
}

const resultsOf = (scenarios: readonly Scenario[], server = 'sluice'): BenchResults => ({
  machine: { cores: 2, processor: 'test', node: 'v24', measuredAt: '2026-01-01' },
  cells: scenarios.map((scenario) => ({
    scenario: scenario.name,
    server,
    runs: [runOf(scenario)],
  })),
});

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
