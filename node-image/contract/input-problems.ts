/** What both clouds do with the plain values that a deployment is given. Pure. */

/** What is wrong with a value, as its reader needs it. */
export interface Problem {
  /** The value, or the values that contradict: `maxCapacity`, `settings.room.max_participants`. */
  readonly what: string;
  /** What was given, as it is shown: `3`. */
  readonly given: string;
  /** What is allowed: `a whole number from 1 to 100`. */
  readonly allowed: string;
  /** What to do. */
  readonly fix: string;
}

/** The bounds of a number, both included. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  /** What to do about a value out of bounds. `@default - to give a value in the bounds` */
  readonly fix?: string;
}

/** How a cloud looks at values. */
export interface InputRules {
  /** Whether a value is known only once the deployment runs; it trips no check. `@default - none is` */
  readonly isUnknown?: (value: unknown) => boolean;
  /** How a value is shown to whoever gave it. `@default - as JSON` */
  readonly shown?: (value: unknown) => string;
}

/**
 * Collects what is wrong with the values of one thing, so that all of it is told at once. What was
 * not given trips no check.
 */
export class InputProblems {
  readonly #isUnknown: (value: unknown) => boolean;
  readonly #shown: (value: unknown) => string;
  readonly #found: Problem[] = [];

  constructor({ isUnknown = () => false, shown = asJson }: InputRules = {}) {
    this.#isUnknown = isUnknown;
    this.#shown = shown;
  }

  /** What was found so far. */
  get found(): readonly Problem[] {
    return this.#found;
  }

  /** Adds a problem. */
  add(problem: Problem): void {
    this.#found.push(problem);
  }

  /** Adds the problem unless `holds`. */
  check(holds: boolean, problem: Problem): void {
    if (!holds) this.add(problem);
  }

  /** A whole number within bounds. */
  integer(what: string, value: number | undefined, bounds: Bounds = {}): void {
    this.#number(what, value, bounds, true);
  }

  /** A number within bounds. */
  number(what: string, value: number | undefined, bounds: Bounds = {}): void {
    this.#number(what, value, bounds, false);
  }

  /** `smaller` is not above `larger`; each is checked against bounds by itself elsewhere. */
  ordered(
    smaller: string,
    smallerValue: number | undefined,
    larger: string,
    largerValue: number | undefined,
  ): void {
    if (!this.#isKnown(smallerValue) || !this.#isKnown(largerValue)) return;
    this.check(!(smallerValue > largerValue), {
      what: `${smaller} and ${larger}`,
      given: `${smaller} ${smallerValue}, ${larger} ${largerValue}`,
      allowed: `${smaller} up to ${larger}`,
      fix: `lower ${smaller} or raise ${larger}`,
    });
  }

  /** A text that matches; `allowed` says in words what the pattern means. */
  matches(what: string, value: string | undefined, pattern: RegExp, allowed: string): void {
    if (!this.#isKnown(value)) return;
    this.check(typeof value === 'string' && pattern.test(value), {
      what,
      given: this.#shown(value),
      allowed,
      fix: `give ${what} a value of this form`,
    });
  }

  /** One of the texts. */
  oneOf(what: string, value: string | undefined, values: readonly string[]): void {
    if (!this.#isKnown(value)) return;
    this.check(values.includes(value), {
      what,
      given: this.#shown(value),
      allowed: `one of ${values.join(', ')}`,
      fix: `give ${what} one of these`,
    });
  }

  /** Of values that exclude each other at most one is given (not undefined). */
  atMostOne(values: Readonly<Record<string, unknown>>): void {
    const given = Object.keys(values).filter((name) => values[name] !== undefined);
    this.check(given.length <= 1, {
      what: given.join(' and '),
      given: given.length === 2 ? 'both' : 'all of them',
      allowed: `only one of ${Object.keys(values).join(', ')}`,
      fix: `leave out ${given.slice(1).join(' and ')} or ${given[0]}`,
    });
  }

  /** Of values that belong together all are given, or none. */
  allOrNone(values: Readonly<Record<string, unknown>>): void {
    const names = Object.keys(values);
    const missing = names.filter((name) => values[name] === undefined);
    this.check(missing.length === 0 || missing.length === names.length, {
      what: names.join(' and '),
      given: `no ${missing.join(', ')}`,
      allowed: 'all of them, or none',
      fix: `give ${missing.join(' and ')} too`,
    });
  }

  #isKnown<T>(value: T | undefined): value is T {
    return value !== undefined && !this.#isUnknown(value);
  }

  #number(what: string, value: number | undefined, bounds: Bounds, whole: boolean): void {
    if (!this.#isKnown(value)) return;
    const { min = -Infinity, max = Infinity } = bounds;
    const holds =
      Number.isFinite(value) && value >= min && value <= max && (!whole || Number.isInteger(value));
    this.check(holds, {
      what,
      given: this.#shown(value),
      allowed: `a ${whole ? 'whole ' : ''}number ${within(bounds.min, bounds.max)}`.trimEnd(),
      fix: bounds.fix ?? `give ${what} a value in these bounds`,
    });
  }
}

/** So much of what was given is shown, in characters: more hides what to do about it. */
const MOST_SHOWN = 500;

/** The problem in one line: lower case, no full stop. */
export function sentence(problem: Problem): string {
  const { length } = problem.given;
  const given =
    length > MOST_SHOWN
      ? `${problem.given.slice(0, MOST_SHOWN)}… (${length} characters)`
      : problem.given;
  return `${problem.what}: got ${given}, allowed is ${problem.allowed}; ${problem.fix}`;
}

/** Bounds in words, both included: `from 1 to 3`; empty where there are none. */
export function within(min: number | string | undefined, max: number | string | undefined): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  if (min !== undefined) return `of at least ${min}`;
  return max === undefined ? '' : `of at most ${max}`;
}

/** Numbers as they are, `NaN` too; the rest as JSON. */
export function asJson(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}
