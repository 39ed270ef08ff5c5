/** What was aimed at, as ratios in one run, and whether it holds. */
import { type Cell, costOf, medianOf, timesFloor } from './report';
import type { Trend } from './trend';

export interface Target {
  readonly what: string;
  readonly where: string;
  /** Measured; a ratio, or an exponent. */
  readonly value: number;
  /** The value has to be at most this, or at least where `atLeast` is set. */
  readonly limit: number;
  readonly atLeast?: boolean;
  readonly holds: boolean;
}

/** From so many packets a second on, a packet has to cost less. */
const FULL_LOAD = 15_000;
/** What the noise of a run may add to an exponent of 1. */
const EXPONENT_NOISE = 0.05;

/** Every target of every scenario where both servers ran, and those that need no peer. */
export function targetsOf(cells: readonly Cell[], trends: readonly Trend[]): readonly Target[] {
  const ours = cells.filter(({ server }) => server === 'sluice');
  const pairs = ours.flatMap((cell) => {
    const peer = cells.find(
      (other) => other.server !== 'sluice' && other.scenario.name === cell.scenario.name,
    );
    return peer === undefined ? [] : [{ cell, peer }];
  });
  return [
    ...pairs
      .filter(({ cell }) => isMedia(cell))
      .flatMap(({ cell, peer }) => costTarget(cell, peer)),
    ...pairs
      .filter(({ cell }) => cell.scenario.series === 'viewers')
      .flatMap(({ cell, peer }) => [
        ...ratio('bitrate of viewers over their first 20 s', cell, peer, {
          of: (run) => run.load.first20s.bitsPerSecond,
          limit: 1,
          atLeast: true,
        }),
        ...ratio('join to first frame at p95', cell, peer, {
          of: (run) => run.load.firstFrameMs.p95,
          limit: 1,
        }),
        ...ratio('memory a subscription', cell, peer, {
          of: (run) => run.bytesPerSubscription,
          limit: 0.5,
        }),
      ]),
    ...floorTarget(ours),
    ...trends
      .filter(({ server }) => server === 'sluice')
      .map(({ x, fit }) =>
        target({
          what: `exponent of cost against ${x} (1 is linear)`,
          where: 'all sizes',
          value: fit.exponent,
          limit: 1 + EXPONENT_NOISE,
        }),
      ),
  ];
}

const isMedia = ({ scenario }: Cell): boolean =>
  ['viewers', 'meeting', 'audio', 'rooms', 'sizes'].includes(scenario.series);

function costTarget(cell: Cell, peer: Cell): readonly Target[] {
  const [a, b] = [costOf(cell), costOf(peer)];
  const rate = medianOf(cell.runs.map((run) => run.steadyPacketsPerSecond)) ?? 0;
  if (a === undefined || b === undefined || b === 0) return [];
  return [
    target({
      what: `CPU a packet, ${rate >= FULL_LOAD ? 'from' : 'below'} 15 k packets/s`,
      where: cell.scenario.name,
      value: a / b,
      limit: rate >= FULL_LOAD ? 1 / 3 : 1 / 2,
    }),
  ];
}

function ratio(
  what: string,
  cell: Cell,
  peer: Cell,
  how: {
    readonly of: (run: Cell['runs'][number]) => number | null | undefined;
    readonly limit: number;
    readonly atLeast?: boolean;
  },
): readonly Target[] {
  const [a, b] = [medianOf(cell.runs.map(how.of)), medianOf(peer.runs.map(how.of))];
  if (a === undefined || b === undefined || b === 0) return [];
  const { limit, atLeast } = how;
  const where = cell.scenario.name;
  return [target({ what, where, value: a / b, limit, ...(atLeast ? { atLeast } : {}) })];
}

/** At the largest number of viewers that is carried. */
function floorTarget(ours: readonly Cell[]): readonly Target[] {
  const carried = ours
    .filter(({ scenario, runs }) => {
      const lost = medianOf(runs.map(({ lostShare }) => lostShare)) ?? 1;
      return scenario.series === 'viewers' && lost <= 0.005;
    })
    .sort((a, b) => a.scenario.size - b.scenario.size)
    .at(-1);
  const value = carried && timesFloor(carried);
  if (carried === undefined || value === undefined) return [];
  const where = carried.scenario.name;
  return [target({ what: 'CPU a packet, in physical floors', where, value, limit: 2.5 })];
}

const target = (one: Omit<Target, 'holds'>): Target => ({
  ...one,
  holds: one.atLeast ? one.value >= one.limit : one.value <= one.limit,
});

/** A line each, as text. */
export const sentenceOf = ({ what, where, value, limit, atLeast, holds }: Target): string =>
  `${holds ? 'holds' : 'falls short'}: ${what}, ${where}: ${value.toFixed(2)} (at ${atLeast ? 'least' : 'most'} ${limit.toFixed(2)})`;
