/** Figures of a run: all times in ms, of one clock. */

/**
 * The value below which the given share of the values lies; the nearest that was measured.
 *
 * @param share - 0 to 1
 * @throws Error where there are no values.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  const value = sorted[index];
  if (value === undefined) throw new Error('there are no values to take a percentile of');
  return value;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** What a test reports of many times. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  readonly worst: number;
}

/** @throws Error where there are no values. */
export function spread(values: readonly number[]): Spread {
  return {
    count: values.length,
    median: median(values),
    p95: percentile(values, 0.95),
    p99: percentile(values, 0.99),
    worst: percentile(values, 1),
  };
}

/**
 * The longest time without a frame between two moments, their edges included.
 *
 * @param times - of the frames, in order.
 */
export function worstGap(times: readonly number[], fromMs: number, untilMs: number): number {
  const inside = times.filter((time) => time > fromMs && time < untilMs);
  let worst = 0;
  let last = fromMs;
  for (const time of [...inside, untilMs]) {
    worst = Math.max(worst, time - last);
    last = time;
  }
  return worst;
}

/**
 * How long after a moment the picture was back, in ms: to the end of the longest gap that began within
 * `graceMs`, since frames that were on their way still come.
 *
 * @param times - of the frames, in order.
 * @param untilMs - when the times were read.
 * @returns undefined where it has not come back.
 */
export function backAfter(
  times: readonly number[],
  fromMs: number,
  untilMs: number,
  graceMs = 1_500,
): number | undefined {
  let last = fromMs;
  let longest = 0;
  let end: number | undefined;
  for (const time of [...times.filter((one) => one > fromMs), Number.POSITIVE_INFINITY]) {
    const gap = Math.min(time, untilMs) - last;
    if (last <= fromMs + graceMs && gap > longest) {
      longest = gap;
      end = time;
    }
    last = time;
  }
  return end === undefined || end > untilMs ? undefined : end - fromMs;
}
