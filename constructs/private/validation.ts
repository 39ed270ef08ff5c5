import {
  Annotations,
  type Duration,
  type Size,
  SizeRoundingBehavior,
  Token,
  Tokenization,
} from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** What is wrong with a property, as its reader needs it. */
export interface Problem {
  /** The property, or the properties that contradict: `maxCapacity`. */
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

/** The bounds of a time, both included. */
export interface DurationBounds {
  readonly min?: Duration;
  readonly max?: Duration;
  /** What to do about a value out of bounds. `@default - to give a value in the bounds` */
  readonly fix?: string;
}

/** The bounds of a size, both included. */
export interface SizeBounds {
  readonly min?: Size;
  readonly max?: Size;
  /** What to do about a value out of bounds. `@default - to give a value in the bounds` */
  readonly fix?: string;
}

/**
 * Collects what is wrong with the properties of a construct, so that all of it is told at once. A
 * token (a value known only at deployment) trips no check, and neither does what was not given.
 *
 * At the end either `report()`, where the construct can still be built (the errors of all
 * constructs come out together at synthesis), or `throwIfAny()`, where it cannot.
 */
export class Problems {
  readonly #scope: IConstruct;
  readonly #found: Problem[] = [];

  /** @param scope The construct whose properties are checked. */
  constructor(scope: IConstruct) {
    this.#scope = scope;
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

  /** A time within bounds. */
  duration(what: string, value: Duration | undefined, bounds: DurationBounds = {}): void {
    if (value === undefined || value.isUnresolved()) return;
    const ms = value.toMilliseconds();
    const holds =
      ms >= (known(bounds.min)?.toMilliseconds() ?? 0) &&
      ms <= (known(bounds.max)?.toMilliseconds() ?? Infinity);
    this.check(holds, {
      what,
      given: value.toHumanString(),
      allowed: `a time ${within(known(bounds.min)?.toHumanString(), known(bounds.max)?.toHumanString())}`,
      fix: bounds.fix ?? `give ${what} a value in these bounds`,
    });
  }

  /** A size within bounds. */
  size(what: string, value: Size | undefined, bounds: SizeBounds = {}): void {
    if (value === undefined || value.isUnresolved()) return;
    const bytes = value.toBytes({ rounding: SizeRoundingBehavior.NONE });
    const min = knownSize(bounds.min)?.toBytes();
    const max = knownSize(bounds.max)?.toBytes();
    this.check(bytes >= (min ?? 0) && bytes <= (max ?? Infinity), {
      what,
      given: humanBytes(bytes),
      allowed: `a size ${within(
        min === undefined ? undefined : humanBytes(min),
        max === undefined ? undefined : humanBytes(max),
      )}`,
      fix: bounds.fix ?? `give ${what} a value in these bounds`,
    });
  }

  /** `smaller` is not above `larger`; each is checked against bounds by itself elsewhere. */
  ordered(
    smaller: string,
    smallerValue: number | undefined,
    larger: string,
    largerValue: number | undefined,
  ): void {
    if (!isKnown(smallerValue) || !isKnown(largerValue)) return;
    this.check(smallerValue <= largerValue, {
      what: `${smaller} and ${larger}`,
      given: `${smaller} ${smallerValue}, ${larger} ${largerValue}`,
      allowed: `${smaller} up to ${larger}`,
      fix: `lower ${smaller} or raise ${larger}`,
    });
  }

  /** `shorter` is not above `longer`. */
  orderedDurations(
    shorter: string,
    shorterValue: Duration | undefined,
    longer: string,
    longerValue: Duration | undefined,
  ): void {
    const [a, b] = [known(shorterValue), known(longerValue)];
    if (a === undefined || b === undefined) return;
    this.check(a.toMilliseconds() <= b.toMilliseconds(), {
      what: `${shorter} and ${longer}`,
      given: `${shorter} ${a.toHumanString()}, ${longer} ${b.toHumanString()}`,
      allowed: `${shorter} up to ${longer}`,
      fix: `shorten ${shorter} or lengthen ${longer}`,
    });
  }

  /** A text that matches; `allowed` says in words what the pattern means. */
  matches(what: string, value: string | undefined, pattern: RegExp, allowed: string): void {
    if (value === undefined || Token.isUnresolved(value)) return;
    this.check(pattern.test(value), {
      what,
      given: JSON.stringify(value),
      allowed,
      fix: `give ${what} a value of this form`,
    });
  }

  /** Of properties that exclude each other at most one is given (not undefined). */
  atMostOne(props: Readonly<Record<string, unknown>>): void {
    const given = Object.keys(props).filter((name) => props[name] !== undefined);
    this.check(given.length <= 1, {
      what: given.join(' and '),
      given: given.length === 2 ? 'both' : 'all of them',
      allowed: `only one of ${Object.keys(props).join(', ')}`,
      fix: `leave out ${given.slice(1).join(' and ')} or ${given[0]}`,
    });
  }

  /** Puts each problem on the construct as an error: synthesis fails and names all of them. */
  report(): void {
    for (const problem of this.#found) {
      Annotations.of(this.#scope).addError(sentence(problem));
    }
  }

  /**
   * @throws Error that names all that was found and where, when anything was.
   */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const where = this.#scope.node.path;
    throw new Error(`${where}: ${this.#found.map(sentence).join('\n  ')}`);
  }

  #number(what: string, value: number | undefined, bounds: Bounds, whole: boolean): void {
    if (!isKnown(value)) return;
    const { min = -Infinity, max = Infinity } = bounds;
    const holds =
      Number.isFinite(value) && value >= min && value <= max && (!whole || Number.isInteger(value));
    this.check(holds, {
      what,
      given: String(value),
      allowed: `a ${whole ? 'whole ' : ''}number ${within(bounds.min, bounds.max)}`.trimEnd(),
      fix: bounds.fix ?? `give ${what} a value in these bounds`,
    });
  }
}

/** Whether a value was given and is known while templates are made: neither undefined nor token. */
export function isKnown<T>(value: T | undefined): value is T {
  return value !== undefined && !Token.isUnresolved(value);
}

/** The time, where one was given that is no token. */
export function known(value: Duration | undefined): Duration | undefined {
  return value === undefined || value.isUnresolved() ? undefined : value;
}

/** A number for a text, such as a port in a URL: a token stays one. */
export function numberText(value: number): string {
  return Tokenization.stringifyNumber(value);
}

/** The problem in one line, as CDK writes its errors: lower case, no full stop. */
export function sentence(problem: Problem): string {
  return `${problem.what}: got ${problem.given}, allowed is ${problem.allowed}; ${problem.fix}`;
}

function within(min: number | string | undefined, max: number | string | undefined): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  if (min !== undefined) return `of at least ${min}`;
  return max === undefined ? '' : `of at most ${max}`;
}

function humanBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Math.round(value * 100) / 100} ${units[unit]}`;
}

function knownSize(value: Size | undefined): Size | undefined {
  return value === undefined || value.isUnresolved() ? undefined : value;
}
