/** The parser makes numbers of what looks like one. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** A whole number as the grammar has it; what is none, or out of range, is left out. */
export function wholeOf(value: unknown, least: number, most: number): number | undefined {
  const text = textOf(value) ?? '';
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  return number >= least && number <= most ? number : undefined;
}
