/** Line 3 comes before line 10. */
const inOrderOfLines = new Intl.Collator('en', { numeric: true }).compare;

/** The configuration cannot be used. The message names every problem, one a line. */
export class ConfigError extends Error {
  /** One sentence each, with where, what was given and what is allowed. No secrets. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const sorted = [...problems].sort(inOrderOfLines);
    super(sorted.join('\n'));
    this.name = 'ConfigError';
    this.problems = sorted;
  }
}

const LONGEST_QUOTE = 60;

/** A value as it can be shown in a message. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : asJson(value);
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}...` : text;
}

function asJson(value: unknown): string {
  if (Array.isArray(value)) {
    return 'a list';
  }
  return typeof value === 'object' && value !== null ? 'a section' : String(value);
}
