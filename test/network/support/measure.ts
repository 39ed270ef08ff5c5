import type { BrowserClient } from '../../support/client';
import { sleep } from '../../support/wait';

/** What a subscriber has got of one publisher's camera and microphone so far. */
export interface Reading {
  readonly atMs: number;
  readonly height: number;
  readonly frames: number;
  readonly freezes: number;
  readonly frozenS: number;
  readonly videoBytes: number;
  readonly audioEnergy: number;
  readonly samples: number;
  readonly concealed: number;
  readonly silent: number;
}

/** What came between two readings. */
export interface Received {
  readonly fps: number;
  readonly kbps: number;
  /** Of the picture, at the end. */
  readonly height: number;
  readonly freezes: number;
  readonly frozenS: number;
  /** Of the sound, a second. */
  readonly energy: number;
  /** Share of the sound that was made up because its packets were missing, 0 to 1. */
  readonly concealed: number;
}

export function read(viewer: BrowserClient, publisher: string): Promise<Reading> {
  return viewer.run(async (client, identity) => {
    const inbound = async (source: 'camera' | 'microphone'): Promise<Record<string, unknown>> => {
      const report = await client.remote(identity, source)?.track?.receiver?.getStats();
      let found: Record<string, unknown> = {};
      report?.forEach((stats: Record<string, unknown>) => {
        if (stats['type'] === 'inbound-rtp') found = stats;
      });
      return found;
    };
    const camera = await inbound('camera');
    const microphone = await inbound('microphone');
    const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
    return {
      atMs: performance.now(),
      height: number(camera['frameHeight']),
      frames: number(camera['framesDecoded']),
      freezes: number(camera['freezeCount']),
      frozenS: number(camera['totalFreezesDuration']),
      videoBytes: number(camera['bytesReceived']),
      audioEnergy: number(microphone['totalAudioEnergy']),
      samples: number(microphone['totalSamplesReceived']),
      concealed: number(microphone['concealedSamples']),
      silent: number(microphone['silentConcealedSamples']),
    };
  }, publisher);
}

export function between(first: Reading, last: Reading): Received {
  const seconds = (last.atMs - first.atMs) / 1000;
  const samples = last.samples - first.samples;
  const concealed = last.concealed - first.concealed;
  return {
    fps: (last.frames - first.frames) / seconds,
    kbps: ((last.videoBytes - first.videoBytes) * 8) / 1000 / seconds,
    height: last.height,
    freezes: last.freezes - first.freezes,
    frozenS: last.frozenS - first.frozenS,
    energy: (last.audioEnergy - first.audioEnergy) / seconds,
    concealed: samples === 0 ? 1 : concealed / samples,
  };
}

/** Reads once a second. */
export async function readFor(
  viewer: BrowserClient,
  publisher: string,
  seconds: number,
): Promise<Reading[]> {
  const readings = [await read(viewer, publisher)];
  for (let second = 0; second < seconds; second++) {
    await sleep(1_000);
    readings.push(await read(viewer, publisher));
  }
  return readings;
}
