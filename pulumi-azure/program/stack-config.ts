import * as pulumi from '@pulumi/pulumi';
import type { Problems } from '../private/validation';

/** Decimal, as somebody types it. `parseFloat`, which Pulumi reads by, makes 10 of `10x` and 1 of `1,5`. */
const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** What `pulumi config set` was given. All that is wrong with it goes into one text. */
export class StackConfig {
  /**
   * @param keys That somebody reads.
   */
  constructor(
    private readonly config: pulumi.Config,
    private readonly problems: Problems,
    keys: readonly string[],
  ) {
    const given = Object.entries(pulumi.runtime.allConfig()).flatMap(([key, value]) =>
      key.startsWith('sluice:') ? [[key.slice('sluice:'.length), value] as const] : [],
    );
    const unknown = given.filter(([key]) => !keys.includes(key)).map(([key]) => `sluice:${key}`);
    problems.check(unknown.length === 0, {
      what: 'keys',
      given: unknown.join(', '),
      allowed: `one of ${keys.join(', ')}`,
      fix: 'correct it by `pulumi config rm` and `pulumi config set`',
    });
    for (const [key, value] of given) {
      if (value.trim() === '') this.#refuse(key, '""', 'a value');
    }
  }

  /** Undefined where nothing was given. */
  text(key: string): string | undefined {
    const text = this.config.get(key);
    // What is blank has been told of.
    return text === undefined || text.trim() === '' ? undefined : text;
  }

  /** The same of a secret. */
  secret(key: string): pulumi.Output<string> | undefined {
    return this.config.getSecret(key);
  }

  number(key: string): number | undefined {
    const text = this.text(key)?.trim();
    if (text === undefined || NUMBER.test(text))
      return text === undefined ? undefined : Number(text);
    return this.#refuse(key, JSON.stringify(text), 'a number such as 10 or 0.6');
  }

  flag(key: string): boolean | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (text === 'true' || text === 'false') return text === 'true';
    return this.#refuse(key, JSON.stringify(text), 'true or false');
  }

  oneOf<T extends string>(key: string, values: readonly T[]): T | undefined {
    const text = this.text(key);
    const found = values.find((each) => each === text);
    if (text === undefined || found !== undefined) return found;
    return this.#refuse(
      key,
      JSON.stringify(text),
      `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
    );
  }

  /** `a,b`, or the JSON that `pulumi config set --path 'sluice:KEY[0]' a` makes. */
  list(key: string): readonly string[] | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (!/^\s*[[{"]/.test(text)) return text.split(',').map((each) => each.trim());
    const list = listIn(text);
    return list ?? this.#refuse(key, text, 'a list such as a,b or ["a","b"]');
  }

  #refuse(key: string, given: string, allowed: string): undefined {
    this.problems.add({
      what: `sluice:${key}`,
      given,
      allowed,
      fix: `correct it by \`pulumi config set sluice:${key}\`, or take it back by \`pulumi config rm sluice:${key}\``,
    });
  }
}

/** Texts and numbers in a list of JSON; undefined where it is something else. */
function listIn(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    const isList =
      Array.isArray(list) && list.every((each) => ['string', 'number'].includes(typeof each));
    return isList ? list.map(String) : undefined;
  } catch {
    return undefined;
  }
}
