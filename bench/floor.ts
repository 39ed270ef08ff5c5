/** The physical floor: what it costs to encrypt and send what a server forwarded, with nothing around it. */
import { spawn } from 'node:child_process';
import type { LoadLine } from './load-plan';
import type { Measurement } from './measure';
import type { Scenario } from './scenarios';

/** Those that the load source offers, as RFC 5764 and RFC 7714 name them. */
export const PROFILES = ['AES128_CM_HMAC_SHA1_80', 'AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'] as const;
export type Profile = (typeof PROFILES)[number];

export interface FloorPlan {
  readonly address: string;
  /** As many as viewers. */
  readonly sockets: number;
  readonly payloadBytes: number;
  readonly profile: Profile;
  /** Many packets a system call. @default false */
  readonly batched?: boolean;
  readonly seconds: number;
}

/** What the load source answers; see bench/load/src/floor.rs. */
export interface FloorRun {
  readonly packets: number;
  readonly lost: number;
  readonly packetsPerSecond: number;
  readonly cpuMicrosecondsPerPacket: number;
  /** What of it is encryption, measured by itself. */
  readonly encryptMicrosecondsPerPacket: number;
}

/** @throws Error with what the program wrote when it fails. */
export function runFloor(program: string, plan: FloorPlan): Promise<FloorRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['floor'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let [output, complaint] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as FloorRun);
      else reject(new Error(`the floor cannot be measured: ${complaint.trim()}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(plan));
  });
}

/** The floor of one scenario. */
export interface Floor {
  /** What the server had negotiated. */
  readonly profile: Profile;
  readonly sockets: number;
  /** Mean payload of a packet, bytes. */
  readonly payloadBytes: number;
  /** One system call a packet. */
  readonly cpuMicrosecondsPerPacket: number;
  readonly encryptMicrosecondsPerPacket: number;
  /** Up to 32 packets a system call. */
  readonly batchedCpuMicrosecondsPerPacket: number;
}

export interface FloorsOptions {
  readonly program: string;
  readonly address: string;
  /** Of each measurement. @default 1 */
  readonly seconds?: number;
}

/** Measures floors; what is the same is measured once. */
export class Floors {
  readonly #options: FloorsOptions;
  readonly #known = new Map<string, Promise<FloorRun>>();
  readonly #scenarios = new Map<string, Promise<Floor | undefined>>();

  constructor(options: FloorsOptions) {
    this.#options = options;
  }

  /**
   * Of what a run forwarded; undefined where that was no sound and no picture. One for all servers
   * that have negotiated the same: their packets are those of the same publishers.
   */
  of(scenario: Scenario, { load }: Pick<Measurement, 'load'>): Promise<Floor | undefined> {
    const profile = profileOf(load.srtp);
    const key = `${scenario.name} ${profile}`;
    const known = this.#scenarios.get(key) ?? this.#measure(scenario, load, profile);
    this.#scenarios.set(key, known);
    return known;
  }

  async #measure(scenario: Scenario, load: LoadLine, profile: Profile): Promise<Floor | undefined> {
    const { audio, video } = load.received;
    const flows = [audio, video].filter(({ packets }) => packets > 0);
    if (flows.length === 0) return undefined;
    const sockets = scenario.participants.filter(
      ({ subscribe, media }) => subscribe !== 'none' && media !== false,
    ).length;
    const all = flows.reduce((sum, { packets }) => sum + packets, 0);
    // Packets of sound and of pictures cost in the share in which they came.
    let [cpu, encrypt, batched] = [0, 0, 0];
    for (const { packets, bytes } of flows) {
      const payloadBytes = Math.max(10, Math.round(bytes / packets / 10) * 10);
      const single = await this.#run({ sockets, payloadBytes, profile });
      const many = await this.#run({ sockets, payloadBytes, profile, batched: true });
      cpu += (single.cpuMicrosecondsPerPacket * packets) / all;
      encrypt += (single.encryptMicrosecondsPerPacket * packets) / all;
      batched += (many.cpuMicrosecondsPerPacket * packets) / all;
    }
    return {
      profile,
      sockets,
      payloadBytes: flows.reduce((sum, { bytes }) => sum + bytes, 0) / all,
      cpuMicrosecondsPerPacket: cpu,
      encryptMicrosecondsPerPacket: encrypt,
      batchedCpuMicrosecondsPerPacket: batched,
    };
  }

  #run(what: Omit<FloorPlan, 'address' | 'seconds'>): Promise<FloorRun> {
    const { program, address, seconds = 1 } = this.#options;
    const key = JSON.stringify(what);
    const known = this.#known.get(key) ?? runFloor(program, { ...what, address, seconds });
    this.#known.set(key, known);
    return known;
  }
}

/** The profile of most handshakes; the strongest that both servers speak where none was seen. */
export function profileOf(srtp: Readonly<Record<string, number>>): Profile {
  const [most] = PROFILES.filter((name) => (srtp[name] ?? 0) > 0).sort(
    (a, b) => (srtp[b] ?? 0) - (srtp[a] ?? 0),
  );
  return most ?? 'AEAD_AES_128_GCM';
}
