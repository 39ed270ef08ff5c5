import * as pulumi from '@pulumi/pulumi';
import type { SettingsProblem } from '../../node-image/contract';

/** What is wrong with an argument, as its reader needs it. */
export type Problem = SettingsProblem;

/** The bounds of a number, both included. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  /** What to do about a value out of bounds. `@default - to give a value in the bounds` */
  readonly fix?: string;
}

/**
 * Collects what is wrong with the plain arguments of a component, so that all of it is told at once.
 * What was not given trips no check. Inputs, whose value may come later, are checked by `checkedText`.
 */
export class Problems {
  readonly #where: string;
  readonly #found: Problem[] = [];

  /** @param where The name of the component whose arguments are checked. */
  constructor(where: string) {
    this.#where = where;
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
    if (smallerValue === undefined || largerValue === undefined) return;
    this.check(!(smallerValue > largerValue), {
      what: `${smaller} and ${larger}`,
      given: `${smaller} ${smallerValue}, ${larger} ${largerValue}`,
      allowed: `${smaller} up to ${larger}`,
      fix: `lower ${smaller} or raise ${larger}`,
    });
  }

  /** A text that matches; `allowed` says in words what the pattern means. */
  matches(what: string, value: string | undefined, pattern: RegExp, allowed: string): void {
    if (value === undefined) return;
    this.check(typeof value === 'string' && pattern.test(value), {
      what,
      given: shown(value),
      allowed,
      fix: `give ${what} a value of this form`,
    });
  }

  /** One of the texts. */
  oneOf(what: string, value: string | undefined, values: readonly string[]): void {
    if (value === undefined) return;
    this.check(values.includes(value), {
      what,
      given: shown(value),
      allowed: `one of ${values.join(', ')}`,
      fix: `give ${what} one of these`,
    });
  }

  /** Of arguments that exclude each other at most one is given (not undefined). */
  atMostOne(args: Readonly<Record<string, unknown>>): void {
    const given = Object.keys(args).filter((name) => args[name] !== undefined);
    this.check(given.length <= 1, {
      what: given.join(' and '),
      given: given.length === 2 ? 'both' : 'all of them',
      allowed: `only one of ${Object.keys(args).join(', ')}`,
      fix: `leave out ${given.slice(1).join(' and ')} or ${given[0]}`,
    });
  }

  /** Of arguments that belong together all are given, or none. */
  allOrNone(args: Readonly<Record<string, unknown>>): void {
    const names = Object.keys(args);
    const missing = names.filter((name) => args[name] === undefined);
    this.check(missing.length === 0 || missing.length === names.length, {
      what: names.join(' and '),
      given: `no ${missing.join(', ')}`,
      allowed: 'all of them, or none',
      fix: `give ${missing.join(' and ')} too`,
    });
  }

  /**
   * @throws Error that names all that was found and where, when anything was.
   */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    throw new Error(`${this.#where}: ${this.#found.map(sentence).join('\n  ')}`);
  }

  #number(what: string, value: number | undefined, bounds: Bounds, whole: boolean): void {
    if (value === undefined) return;
    const { min = -Infinity, max = Infinity } = bounds;
    const holds =
      Number.isFinite(value) && value >= min && value <= max && (!whole || Number.isInteger(value));
    this.check(holds, {
      what,
      given: shown(value),
      allowed: `a ${whole ? 'whole ' : ''}number ${within(bounds.min, bounds.max)}`.trimEnd(),
      fix: bounds.fix ?? `give ${what} a value in these bounds`,
    });
  }
}

/** A value that may come later, refused in preview where it is known and not of the form. */
export function checkedText(
  what: string,
  value: pulumi.Input<string>,
  pattern: RegExp,
  allowed: string,
): pulumi.Output<string> {
  return pulumi.output(value).apply((text) => {
    if (typeof text === 'string' && pattern.test(text)) return text;
    throw new Error(
      sentence({ what, given: shown(text), allowed, fix: `give ${what} a value of this form` }),
    );
  });
}

/** A secret that may come later; it is not shown where it is refused. */
export function checkedSecret(
  what: string,
  value: pulumi.Input<string>,
  shortest: number,
): pulumi.Output<string> {
  return pulumi.secret(value).apply((text) => {
    if (typeof text === 'string' && text.length >= shortest && !/\s/.test(text)) return text;
    throw new Error(
      sentence({
        what,
        given: 'a secret (not shown)',
        allowed: `${shortest} characters or more, no blanks`,
        fix: `give ${what} a longer one, such as by openssl rand -hex 32`,
      }),
    );
  });
}

/** The problem in one line: lower case, no full stop. */
export function sentence(problem: Problem): string {
  return `${problem.what}: got ${problem.given}, allowed is ${problem.allowed}; ${problem.fix}`;
}

function shown(value: unknown): string {
  if (pulumi.Output.isInstance(value)) return 'a value that is known at deployment only';
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}

function within(min: number | string | undefined, max: number | string | undefined): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  if (min !== undefined) return `of at least ${min}`;
  return max === undefined ? '' : `of at most ${max}`;
}
