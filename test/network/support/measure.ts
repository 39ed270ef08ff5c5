import type { BrowserClient } from '../../support/client';
import type { Inbound } from '../../support/page/stats';
import { sleep } from '../../support/wait';

/** What a subscriber has got of one publisher's camera and microphone so far. */
export interface Reading {
  readonly atMs: number;
  readonly camera: Inbound;
  readonly microphone: Inbound;
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
    const [camera, microphone] = await Promise.all([
      client.inbound(identity, 'camera'),
      client.inbound(identity, 'microphone'),
    ]);
    if (!camera || !microphone) throw new Error(`nothing comes of ${identity} yet`);
    return { atMs: performance.now(), camera, microphone };
  }, publisher);
}

export function between(first: Reading, last: Reading): Received {
  const seconds = (last.atMs - first.atMs) / 1000;
  const came = (of: (reading: Reading) => number): number => of(last) - of(first);
  const samples = came(({ microphone }) => microphone.samples);
  return {
    fps: came(({ camera }) => camera.framesDecoded) / seconds,
    kbps: (came(({ camera }) => camera.bytes) * 8) / 1000 / seconds,
    height: last.camera.height,
    freezes: came(({ camera }) => camera.freezes),
    frozenS: came(({ camera }) => camera.frozenS),
    energy: came(({ microphone }) => microphone.energy) / seconds,
    concealed: samples === 0 ? 1 : came(({ microphone }) => microphone.concealed) / samples,
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
