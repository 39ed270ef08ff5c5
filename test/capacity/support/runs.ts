/** Runs of the bench on a machine whose costs are known. */
import type { BenchResults } from '../../../bench/fit-rows';
import { meanJoinSeconds, trafficOfScenario } from '../../../bench/fit-traffic';
import type { Measurement } from '../../../bench/measure';
import { allScenarios, type Scenario } from '../../../bench/scenarios';
import { type CpuCosts, coresOfNode, coresOfTraffic } from '../../../node-image/capacity/costs';

export const TRUE_COSTS: CpuCosts = {
  node: 20_000,
  participant: 400,
  receivedPacket: 12,
  forwardedVideoPacket: 7,
  forwardedAudioPacket: 5,
  join: 9_000,
  subscription: 2_000,
};
const SECONDS = 24;
/** Scenarios with sound or pictures. */
export const MEDIA = allScenarios().filter(({ participants }) =>
  participants.some(({ publish = [] }) => publish.length > 0),
);

/** What a run would say on a machine of exactly these costs. */
export function runOf(scenario: Scenario, costs = TRUE_COSTS): Measurement {
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
      self: { isBottleneck: false },
    },
  };
  return run as unknown as Measurement;
}

export const resultsOf = (scenarios: readonly Scenario[], server = 'sluice'): BenchResults => ({
  machine: { cores: 2, processor: 'test', node: 'v24', measuredAt: '2026-01-01' },
  cells: scenarios.map((scenario) => ({
    scenario: scenario.name,
    server,
    runs: [runOf(scenario)],
  })),
});
