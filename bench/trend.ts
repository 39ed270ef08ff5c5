/** How cost grows with size: a straight line and a power law through what was measured. */
import { type Cell, medianOf } from './report';
import type { ServerKind } from './servers';

export interface TrendPoint {
  readonly x: number;
  readonly y: number;
}

export interface Fit {
  /** y = base + slope × x, by least squares. */
  readonly base: number;
  readonly slope: number;
  /** y = factor × x ^ exponent, by least squares of the logarithms; 1 is linear, 2 quadratic. */
  readonly factor: number;
  readonly exponent: number;
  /** Standard error of the exponent; undefined with less than three points. */
  readonly exponentError: number | undefined;
  /** Part of the variation that the straight line explains, 0 to 1. */
  readonly r2: number;
}

/** Undefined with less than two points, or where one of them is not above zero. */
export function fitOf(points: readonly TrendPoint[]): Fit | undefined {
  if (points.length < 2 || points.some(({ x, y }) => x <= 0 || y <= 0)) return undefined;
  const line = lineThrough(points);
  const power = lineThrough(points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) })));
  if (line === undefined || power === undefined) return undefined;
  return {
    base: line.base,
    slope: line.slope,
    factor: Math.exp(power.base),
    exponent: power.slope,
    exponentError: power.slopeError,
    r2: line.r2,
  };
}

function lineThrough(points: readonly TrendPoint[]) {
  const n = points.length;
  const mean = (of: (point: TrendPoint) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / n;
  const [middleX, middleY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spreadX = mean(({ x }) => (x - middleX) ** 2);
  if (spreadX === 0) return undefined;
  const slope = mean(({ x, y }) => (x - middleX) * (y - middleY)) / spreadX;
  const base = middleY - slope * middleX;
  const left = mean(({ x, y }) => (y - base - slope * x) ** 2);
  const spreadY = mean(({ y }) => (y - middleY) ** 2);
  return {
    base,
    slope,
    slopeError: n < 3 ? undefined : Math.sqrt(left / spreadX / (n - 2)),
    r2: spreadY === 0 ? 1 : 1 - left / spreadY,
  };
}

export interface Trend {
  readonly series: string;
  readonly server: ServerKind;
  readonly x: string;
  readonly y: string;
  readonly points: readonly TrendPoint[];
  readonly fit: Fit;
}

/** Series that say how cost grows, with what, and the cost: a rate where packets flow, else of the run. */
const GROWTH: Readonly<Record<string, string>> = {
  viewers: 'viewers',
  audio: 'listeners',
  rooms: 'Rooms of 8',
  crowd: 'participants of one Room',
};

/** Of each series of three sizes or more. */
export function trendsOf(cells: readonly Cell[]): readonly Trend[] {
  return Object.entries(GROWTH).flatMap(([series, x]) => {
    const servers = new Set(cells.map(({ server }) => server));
    return [...servers].flatMap((server) => {
      const own = cells.filter((cell) => cell.server === server && cell.scenario.series === series);
      const flows = series !== 'crowd';
      const points = own.flatMap((cell) => {
        const y = medianOf(
          cell.runs.map((run) =>
            flows
              ? ((run.steadyCpuMicrosecondsPerPacket ?? Number.NaN) *
                  (run.steadyPacketsPerSecond ?? Number.NaN)) /
                1e6
              : run.serverCpuSeconds,
          ),
        );
        // Beyond what is carried, less is forwarded than was asked for.
        const lost = medianOf(cell.runs.map(({ lostShare }) => lostShare)) ?? 0;
        return y === undefined || !(y > 0) || lost > 0.005 ? [] : [{ x: cell.scenario.size, y }];
      });
      const fit = points.length < 3 ? undefined : fitOf(points);
      const y = flows ? 'server CPU cores, steady' : 'server CPU s of the run';
      return fit === undefined ? [] : [{ series, server, x, y, points, fit }];
    });
  });
}
