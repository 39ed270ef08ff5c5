import {
  Annotations,
  type Duration,
  type Size,
  SizeRoundingBehavior,
  Token,
  Tokenization,
} from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { InputProblems, sentence, within } from '../../node-image/contract';

export { type Problem, sentence } from '../../node-image/contract';

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
export class Problems extends InputProblems {
  readonly #scope: IConstruct;

  /** @param scope The construct whose properties are checked. */
  constructor(scope: IConstruct) {
    super({ isUnknown: (value) => Token.isUnresolved(value) });
    this.#scope = scope;
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

  /** Puts each problem on the construct as an error: synthesis fails and names all of them. */
  report(): void {
    for (const problem of this.found) {
      Annotations.of(this.#scope).addError(sentence(problem));
    }
  }

  /**
   * @throws Error that names all that was found and where, when anything was.
   */
  throwIfAny(): void {
    if (this.found.length === 0) return;
    const where = this.#scope.node.path;
    throw new Error(`${where}: ${this.found.map(sentence).join('\n  ')}`);
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
