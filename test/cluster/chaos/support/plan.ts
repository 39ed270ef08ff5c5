import { Random } from './random';

/** What can happen to a cluster. */
export const FAULTS = [
  'media node killed',
  'media node silent',
  'media node without redis',
  'drain taken back',
  'drain to the end',
  'media node stopped',
  'master killed',
  'master stopped',
  'redis restarted empty',
  'redis paused',
  'redis slow',
  'media node added',
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** One fault of a run. */
export interface Fault {
  readonly kind: FaultKind;
  /** Since the start of the run, ms. */
  readonly atMs: number;
  /** Until it is mended, or what was ended is started again, ms. */
  readonly lastsMs: number;
  /** Which of those that it could hit, 0 to 1. */
  readonly target: number;
}

/** What the clients do on their own: one goes and comes back, or two more have a short call. */
export interface Move {
  readonly kind: 'away' | 'short call';
  readonly atMs: number;
  readonly lastsMs: number;
  readonly target: number;
}

export interface Plan {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly moves: readonly Move[];
}

/** Faults begin within so long, ms. */
const FAULTS_WITHIN_MS = 10_000;

/** How long each lasts, ms: least and most. */
const LASTS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  'media node killed': [0, 3_000],
  'media node silent': [3_000, 12_000],
  'media node without redis': [2_000, 10_000],
  'drain taken back': [200, 4_000],
  'drain to the end': [0, 0],
  'media node stopped': [0, 2_000],
  'master killed': [0, 3_000],
  'master stopped': [0, 3_000],
  'redis restarted empty': [0, 2_000],
  'redis paused': [1_000, 8_000],
  'redis slow': [3_000, 8_000],
  'media node added': [0, 0],
};

/**
 * What happens in the run of a seed. The first fault goes by the seed itself, so that as many seeds
 * one after the other as there are kinds have them all; the others are drawn.
 */
export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const kinds: FaultKind[] = [FAULTS[seed % FAULTS.length] ?? FAULTS[0]];
  for (let more = random.between(3, 4); more > 0; more--) kinds.push(random.pick(FAULTS));
  const faults = kinds.map((kind) => ({
    kind,
    atMs: random.between(0, FAULTS_WITHIN_MS),
    lastsMs: random.between(...LASTS[kind]),
    target: random.next(),
  }));
  const moves = Array.from({ length: 3 }, (): Move => {
    const kind = random.pick(['away', 'away', 'short call'] as const);
    return {
      kind,
      atMs: random.between(0, FAULTS_WITHIN_MS),
      lastsMs: random.between(500, 5_000),
      target: random.next(),
    };
  });
  return { seed, faults: faults.sort((a, b) => a.atMs - b.atMs), moves };
}

/** For people: what happens, and when. */
export function describePlan({ seed, faults }: Plan): string {
  const words = faults.map(
    ({ kind, atMs, lastsMs }) =>
      `${kind} at ${(atMs / 1000).toFixed(1)} s${lastsMs === 0 ? '' : ` for ${(lastsMs / 1000).toFixed(1)} s`}`,
  );
  return `seed ${seed}: ${words.join(', ')}`;
}
