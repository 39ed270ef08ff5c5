/** A line that a service of this machine has written. */
export interface JournalEntry {
  /** Of journald: where to go on after it. */
  readonly cursor: string;
  /** When it was written, ms since 1970. */
  readonly atMs: number;
  /** Of systemd, without its suffix: `sluice-node`. */
  readonly unit: string;
  readonly text: string;
}

/** What is asked of each entry, beside what every one has. */
export const JOURNAL_FIELDS = ['MESSAGE', 'UNIT', 'COREDUMP_UNIT', '_SYSTEMD_UNIT'] as const;

/** Entries about a unit by somebody else, such as systemd, name it in a field of their own. */
const UNIT_FIELDS = ['UNIT', 'COREDUMP_UNIT', '_SYSTEMD_UNIT'] as const;
const OURS = /^(sluice-[\w.-]+)\.service$/;

/**
 * Reads a line of `journalctl --output=json`.
 *
 * @returns undefined where it is of no service of ours, or cannot be read: there is nothing to be done.
 * Source: systemd, Journal Export Formats, Journal JSON Format.
 */
export function parseJournalLine(line: string): JournalEntry | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof fields !== 'object' || fields === null) return undefined;
  const field = (name: string): string => textOf(Reflect.get(fields, name));
  const unit = UNIT_FIELDS.map((name) => OURS.exec(field(name))?.[1]).find((one) => one);
  const cursor = field('__CURSOR');
  // In microseconds.
  const atMs = Math.floor(Number(field('__REALTIME_TIMESTAMP')) / 1000);
  if (unit === undefined || cursor === '' || !(atMs > 0)) return undefined;
  return { cursor, atMs, unit, text: field('MESSAGE') };
}

/** Bytes that are no text come as an array of numbers, a field that is there twice as one of texts. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value.every((one) => typeof one === 'number')
    ? Buffer.from(value).toString()
    : value.map(textOf).join('\n');
}
