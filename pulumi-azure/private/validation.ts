import * as pulumi from '@pulumi/pulumi';
import { asJson, InputProblems, sentence } from '../../node-image/contract';

export { type Problem, sentence } from '../../node-image/contract';

/**
 * Collects what is wrong with the plain arguments of a component, so that all of it is told at once.
 * What was not given trips no check. Inputs, whose value may come later, are checked by `checkedText`.
 */
export class Problems extends InputProblems {
  readonly #where: string;

  /** @param where The name of the component whose arguments are checked. */
  constructor(where: string) {
    super({ shown });
    this.#where = where;
  }

  /**
   * @throws RunError that names all that was found and where, when anything was.
   */
  throwIfAny(): void {
    if (this.found.length === 0) return;
    throw new pulumi.RunError(`${this.#where}: ${this.found.map(sentence).join('\n  ')}`);
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
    throw new pulumi.RunError(
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
    throw new pulumi.RunError(
      sentence({
        what,
        given: 'a secret (not shown)',
        allowed: `${shortest} characters or more, no blanks`,
        fix: `give ${what} a longer one, such as by openssl rand -hex 32`,
      }),
    );
  });
}

function shown(value: unknown): string {
  if (pulumi.Output.isInstance(value)) return 'a value that is known at deployment only';
  return asJson(value);
}
