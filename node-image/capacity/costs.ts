/** What a node needs for its load: costs that were measured, and their sum. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Traffic } from './traffic';

const amount = z.number().min(0);
const compared = z.object({
  scenario: z.string(),
  measured: amount,
  predicted: amount,
  /** Of the measured: 0.1 is 10 % too much. */
  error: z.number(),
});

/** What a prediction was made of: of the scenario's description, or where the load source could not
 * keep up with that, of the packets that it did send. */
const validated = compared.extend({ of: z.enum(['description', 'packets']) });

export type Compared = z.output<typeof compared>;

const cpuSchema = z.object({
  /** A node that does nothing, microseconds a second. */
  node: amount,
  /** Of a participant with its peer connections, microseconds a second. */
  participant: amount,
  /** A packet that a participant sends, microseconds. */
  receivedPacket: amount,
  /** A packet that a participant is sent, microseconds. */
  forwardedVideoPacket: amount,
  forwardedAudioPacket: amount,
  /** Somebody joins, microseconds. */
  join: amount,
  /** A track is brought to one more participant, microseconds. */
  subscription: amount,
});

const memorySchema = z.object({
  nodeBytes: amount,
  participantBytes: amount,
  subscriptionBytes: amount,
});

/** `costs.json`, which `npm run bench:fit` writes. */
export const costsSchema = z.object({
  /** Why the figures are not to be relied on; empty when they are. */
  doubts: z.array(z.string()),
  measuredAt: z.string(),
  machine: z.object({ processor: z.string(), cores: z.number(), node: z.string() }),
  versions: z.object({ sluice: z.string(), mediasoup: z.string() }),
  cpu: cpuSchema,
  memory: memorySchema,
  /** What `sluice plan --calibrate` measured on that machine, microseconds a packet. */
  calibration: z.object({ microsecondsPerPacket: z.number().positive() }),
  /** How far the fit is from what it was made of: cores in use. */
  fit: z.array(compared),
  /** Scenarios that the fit knows nothing of. */
  validation: z.object({
    /** Cores in use. */
    cpu: z.array(validated),
    /** Packets a second that participants receive; of descriptions alone. */
    packets: z.array(validated),
    /** Bytes. */
    memory: z.array(validated),
  }),
});

export type Costs = z.output<typeof costsSchema>;
export type Validated = z.output<typeof validated>;
export type CpuCosts = z.output<typeof cpuSchema>;
export type MemoryCosts = z.output<typeof memorySchema>;

const COSTS_FILE = join(__dirname, 'costs.json');

/** Those that come with this version. */
export const readCosts = (): Costs =>
  costsSchema.parse(JSON.parse(readFileSync(COSTS_FILE, 'utf8')));

/** Cores that the Rooms of this traffic use, without the node itself. */
export function coresOfTraffic(cpu: CpuCosts, traffic: Traffic, joinsPerSecond = 0): number {
  const { participants, subscriptions, received, forwardedVideo, forwardedAudio } = traffic;
  const subscriptionsOfOne = participants === 0 ? 0 : subscriptions / participants;
  const microseconds =
    participants * cpu.participant +
    received * cpu.receivedPacket +
    forwardedVideo * cpu.forwardedVideoPacket +
    forwardedAudio * cpu.forwardedAudioPacket +
    // Who joins is brought what others send, and they what it sends.
    joinsPerSecond * (cpu.join + subscriptionsOfOne * cpu.subscription);
  return microseconds / 1e6;
}

/** Cores that a node uses that does nothing. */
export const coresOfNode = (cpu: CpuCosts): number => cpu.node / 1e6;

/** Bytes that the Rooms of this traffic take, without the node itself. */
export const bytesOfTraffic = (memory: MemoryCosts, traffic: Traffic): number =>
  traffic.participants * memory.participantBytes + traffic.subscriptions * memory.subscriptionBytes;

/** The same work on a machine whose packets cost `factor` times as much. */
export function slower(cpu: CpuCosts, factor: number): CpuCosts {
  return {
    node: cpu.node * factor,
    participant: cpu.participant * factor,
    receivedPacket: cpu.receivedPacket * factor,
    forwardedVideoPacket: cpu.forwardedVideoPacket * factor,
    forwardedAudioPacket: cpu.forwardedAudioPacket * factor,
    join: cpu.join * factor,
    subscription: cpu.subscription * factor,
  };
}

/** No prediction is taken to be better than that: prices of machines are not CPUs. */
const LEAST_ERROR = 0.05;

/** By how much predictions of the CPU were wrong at most in the validation, 0.1 for 10 %. */
export const errorOf = ({ validation }: Costs): number =>
  Math.max(LEAST_ERROR, ...validation.cpu.map(({ error }) => Math.abs(error)));
