/** One run: a fresh server, a scenario, and what it cost. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { runLoad } from './load';
import type { LoadLine } from './load-plan';
import { machineCpuSeconds, type Usage, usageOf } from './process-tree';
import { planOf, type Scenario } from './scenarios';
import { type BenchServer, type ServerKind, startBenchServer } from './servers';

/** After everybody has joined, until the server is taken to be in its steady state, seconds. */
const SETTLING = 5;
/** What other programs may use of the machine before a run is marked. */
const OTHERS_ALLOWED = 0.1;

export interface Measurement {
  readonly scenario: string;
  readonly server: ServerKind;
  /** Packets of sound and pictures, or data messages, that participants received. */
  readonly forwarded: number;
  /** Of the server's whole process tree over the whole run, joins included; undefined without any packet. */
  readonly cpuMicrosecondsPerPacket: number | undefined;
  /** The same from when all had joined. */
  readonly steadyCpuMicrosecondsPerPacket: number | undefined;
  readonly steadyPacketsPerSecond: number | undefined;
  readonly serverCpuSeconds: number;
  /** Of what should have come, 0 to 1. */
  readonly lostShare: number;
  readonly rssIdleBytes: number;
  readonly rssPeakBytes: number;
  readonly bytesPerParticipant: number;
  readonly bytesPerSubscription: number | undefined;
  readonly fileDescriptorsPerParticipant: number;
  /** Part of the machine that other programs used, 0 to 1. */
  readonly othersShare: number;
  /** Why the figures are not those of the server; empty when they are. */
  readonly doubts: readonly string[];
  readonly load: LoadLine;
}

export interface MeasureOptions {
  readonly scenario: Scenario;
  readonly server: ServerKind;
  readonly peer: string;
  readonly program: string;
  readonly address: string;
  /** Of load, in seconds. */
  readonly seconds: number;
  /** Further keys of Sluice's `sluice`. @default none */
  readonly sluice?: Readonly<Record<string, unknown>>;
  /** Called once, when all have joined and what joins cost is over. */
  readonly onSteady?: (server: BenchServer) => void;
}

interface Sample {
  readonly line: LoadLine;
  readonly usage: Usage;
}

/** @throws Error when the server does not start or the load source fails. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { scenario, program, seconds } = options;
  const server = await startBenchServer({ ...options, kind: options.server });
  try {
    // What a start costs is not what a Room costs.
    await sleep(1_000);
    const plan = await planOf(scenario, { url: server.url, seconds, token: server.token });
    const own = process.cpuUsage();
    const machine = machineCpuSeconds();
    const idle = usageOf(server.pid);
    const begun = performance.now();
    const lastJoin =
      Math.max(0, ...scenario.participants.map(({ joinAtMs = 0 }) => joinAtMs)) / 1000;
    const samples: Sample[] = [];
    let steady: Sample | undefined;
    const load = await runLoad({
      program,
      plan,
      onLine: (line) => {
        const sample = { line, usage: usageOf(server.pid) };
        samples.push(sample);
        if (steady === undefined && line.seconds >= lastJoin + SETTLING) {
          steady = sample;
          options.onSteady?.(server);
        }
      },
    });
    const last = samples.at(-1)?.usage ?? idle;
    const { user, system } = process.cpuUsage(own);
    const used = last.cpuSeconds - idle.cpuSeconds;
    const ours = used + load.self.cpuSeconds + (user + system) / 1e6;
    const available = ((performance.now() - begun) / 1000) * availableParallelism();
    const othersShare = Math.max(0, (machineCpuSeconds() - machine - ours) / available);

    const begin = steady as Sample | undefined;
    const packets = forwarded(load);
    const steadyPackets = begin ? packets - forwarded(begin.line) : 0;
    const rssPeak = Math.max(...samples.map(({ usage }) => usage.rssBytes), idle.rssBytes);
    const joined = Math.max(1, load.clients.joined);
    const grown = rssPeak - idle.rssBytes;
    return {
      scenario: scenario.name,
      server: options.server,
      forwarded: packets,
      cpuMicrosecondsPerPacket: packets > 0 ? (used * 1e6) / packets : undefined,
      steadyCpuMicrosecondsPerPacket:
        begin && steadyPackets > 0
          ? ((last.cpuSeconds - begin.usage.cpuSeconds) * 1e6) / steadyPackets
          : undefined,
      steadyPacketsPerSecond:
        begin && steadyPackets > 0
          ? steadyPackets / (load.seconds - begin.line.seconds)
          : undefined,
      serverCpuSeconds: used,
      lostShare: load.received.lost / Math.max(1, packets + load.received.lost),
      rssIdleBytes: idle.rssBytes,
      rssPeakBytes: rssPeak,
      bytesPerParticipant: grown / joined,
      bytesPerSubscription: load.received.streams > 0 ? grown / load.received.streams : undefined,
      fileDescriptorsPerParticipant:
        (Math.max(...samples.map(({ usage }) => usage.fileDescriptors)) - idle.fileDescriptors) /
        joined,
      othersShare,
      doubts: doubtsOf(load, othersShare),
      load,
    };
  } finally {
    await server.close();
  }
}

function forwarded({ received, data }: LoadLine): number {
  return received.audio.packets + received.video.packets + data.received.packets;
}

function doubtsOf(load: LoadLine, othersShare: number): readonly string[] {
  const doubts = load.self.why.map((why) => `the load source is the bottleneck: ${why}`);
  if (othersShare > OTHERS_ALLOWED) {
    doubts.push(`other programs used ${(othersShare * 100).toFixed(0)} % of the machine`);
  }
  for (const [error, count] of Object.entries(load.errors)) {
    doubts.push(`${count} participants: ${error}`);
  }
  return doubts;
}
