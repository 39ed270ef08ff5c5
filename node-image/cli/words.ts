/** A span of time in two units at most: "1h 5m", "12s", "0s". */
export function spanInWords(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ] as const;
  const first = units.findIndex(([, count]) => count > 0);
  return first === -1
    ? '0s'
    : units
        .slice(first, first + 2)
        .filter(([, count]) => count > 0)
        .map(([unit, count]) => `${count}${unit}`)
        .join(' ');
}

/** "1 Room", "2 Rooms". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** A rate of bytes: "1.2 MB/s". */
export function rateInWords(bytesPerSec: number): string {
  const units = ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'];
  let value = bytesPerSec;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** A moment, to the second, in UTC: the same for all who look. */
export const momentInWords = (ms: number): string =>
  new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
