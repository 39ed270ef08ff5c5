/** What runs of the bench say of the costs of a node: a line of an equation each. */
import { NO_TRAFFIC, type Traffic } from '../node-image/capacity/traffic';
import type { Measurement } from './measure';
import { medianOf } from './report';

/** What `npm run bench` writes. */
export interface BenchResults {
  readonly machine: {
    readonly cores: number;
    readonly processor: string;
    readonly node: string;
    readonly measuredAt: string;
  };
  readonly cells: readonly {
    readonly scenario: string;
    readonly server: string;
    readonly runs: readonly Measurement[];
  }[];
}

/** How often each thing happened that costs CPU, and what all of it took, microseconds. */
export interface CpuRow {
  readonly scenario: string;
  /** Of the run from when all had joined, or of all of it. */
  readonly steady: boolean;
  readonly seconds: number;
  /** In the order of CPU_COSTS. */
  readonly counts: readonly number[];
  readonly microseconds: number;
}

/** What the costs are found for. */
export const CPU_COSTS = [
  'node',
  'participant',
  'receivedPacket',
  'forwardedVideoPacket',
  'forwardedAudioPacket',
  'join',
  'subscription',
] as const;

/** Runs that lost more say what a server can not do, and nothing of what it costs. */
const LOSS_LIMIT = 0.005;

/** Whether the run is one of media that arrived. */
export function isUsable(run: Measurement): boolean {
  const { received, data } = run.load;
  const packets = received.audio.packets + received.video.packets;
  return packets > 0 && data.received.packets === 0 && run.lostShare <= LOSS_LIMIT;
}

/**
 * The lines of a run: all of it, with its joins, and the steady part.
 *
 * @param meanJoinSeconds - when participants joined, on average, after the start
 */
export function cpuRowsOf(run: Measurement, meanJoinSeconds: number): readonly CpuRow[] {
  const { load, scenario } = run;
  const { sent, received, clients, seconds } = load;
  const whole: CpuRow = {
    scenario,
    steady: false,
    seconds,
    counts: [
      seconds,
      clients.connected * Math.max(0, seconds - meanJoinSeconds),
      sent.audio.packets + sent.video.packets,
      received.video.packets,
      received.audio.packets,
      clients.joined,
      received.streams,
    ],
    microseconds: run.serverCpuSeconds * 1e6,
  };
  const steady = steadyOf(run);
  if (steady === undefined) return [whole];
  const { traffic, cores } = steady;
  return [
    whole,
    {
      scenario,
      steady: true,
      seconds: 1,
      counts: [
        1,
        traffic.participants,
        traffic.received,
        traffic.forwardedVideo,
        traffic.forwardedAudio,
        0,
        0,
      ],
      microseconds: cores * 1e6,
    },
  ];
}

/** What was forwarded, and the cores that were in use, from when all had joined. */
export function steadyOf(
  run: Measurement,
): { readonly traffic: Traffic; readonly cores: number } | undefined {
  const { steadyCpuMicrosecondsPerPacket: cost, steadyPacketsPerSecond: rate, load } = run;
  if (cost == null || rate == null) return undefined;
  const { sent, received, clients, seconds } = load;
  // Sound and pictures keep their shares over a run.
  const all = received.audio.packets + received.video.packets;
  return {
    traffic: {
      ...NO_TRAFFIC,
      participants: clients.connected,
      subscriptions: received.streams,
      received: (sent.audio.packets + sent.video.packets) / seconds,
      forwardedVideo: (rate * received.video.packets) / all,
      forwardedAudio: (rate * received.audio.packets) / all,
    },
    cores: (cost * rate) / 1e6,
  };
}

/** Medians of a scenario's usable runs. */
export interface Measured {
  readonly cores: number;
  readonly packetsPerSecond: number;
  /** Of the whole process tree, at its peak. */
  readonly bytes: number;
  /** Of the run whose CPU is the median. */
  readonly traffic: Traffic;
}

/** @returns undefined where no run has a steady part */
export function measuredOf(runs: readonly Measurement[]): Measured | undefined {
  const steady = runs.map(steadyOf).filter((one) => one !== undefined);
  const cores = medianOf(steady.map((one) => one.cores));
  const traffic = steady.find((one) => one.cores === cores)?.traffic;
  const packetsPerSecond = medianOf(runs.map((run) => run.steadyPacketsPerSecond));
  const bytes = medianOf(runs.map((run) => run.rssPeakBytes));
  if (cores === undefined || traffic === undefined) return undefined;
  if (packetsPerSecond === undefined || bytes === undefined) return undefined;
  return { cores, packetsPerSecond, bytes, traffic };
}
