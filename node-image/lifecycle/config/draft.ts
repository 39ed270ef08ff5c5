import { type ConfigKey, UNUSED_KEYS } from '../../contract';
import { quote } from './config-error';
import { nearest } from './suggest';

/** A step to a value: the name of a key, or the place in a list. */
export type Step = string | number;
export type Path = readonly Step[];
export type Values = Record<string, unknown>;

/** `rtc.turn_servers[0].host` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') {
      return `${text}[${step}]`;
    }
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}

/**
 * A configuration on its way: what was written, where it was written, and what was found wrong.
 */
export class ConfigDraft {
  readonly values: Values = {};
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly #origins = new Map<string, string>();
  readonly #refused = new Set<string>();

  constructor(
    readonly tree: ConfigKey,
    /** Whether an unknown key is a problem, or only warned of. */
    readonly strict: boolean,
  ) {}

  /** Sets the value of a key, replacing what was there. */
  set(path: Path, value: unknown, origin: string): void {
    let section = this.values;
    for (const step of path.slice(0, -1)) {
      const inner = section[step];
      const next: Values = isSection(inner) ? inner : {};
      section[step] = next;
      section = next;
    }
    const last = path.at(-1);
    if (last !== undefined) {
      section[last] = value;
      this.remember(path, origin);
    }
  }

  /** Lays the values of a section over those that are there. Where they were written is known. */
  merge(path: Path, values: unknown): void {
    if (!isSection(values)) {
      this.set(path, values, this.originOf(path));
      return;
    }
    for (const [name, value] of Object.entries(values)) {
      const inner = [...path, name];
      const both = isSection(value) && isSection(this.valueAt(inner));
      if (both) {
        this.merge(inner, value);
      } else {
        this.set(inner, value, this.originOf(inner));
      }
    }
  }

  /** Takes over what another draft has at a path, and where that was written. */
  adopt(path: Path, from: ConfigDraft): void {
    const name = pathText(path);
    const isInside = (each: string): boolean => /^[.[]/.test(each.slice(name.length));
    const inside = (origins: ReadonlyMap<string, string>): [string, string][] =>
      [...origins].filter(([each]) => each.startsWith(name) && isInside(each));
    for (const [each] of inside(this.#origins)) {
      this.#origins.delete(each);
    }
    this.set(path, from.valueAt(path), from.originOf(path));
    for (const [each, origin] of inside(from.#origins)) {
      this.#origins.set(each, origin);
    }
  }

  /** Takes away what was set at a path, so that its default applies. */
  forget(path: readonly PropertyKey[]): void {
    let holder: unknown = this.values;
    for (const step of path.slice(0, -1)) {
      holder = isIndexable(holder) ? holder[step] : undefined;
    }
    const last = path.at(-1);
    if (isIndexable(holder) && last !== undefined) {
      delete holder[last];
    }
  }

  valueAt(path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
      (value, step) => (isIndexable(value) ? value[step] : undefined),
      this.values,
    );
  }

  remember(path: readonly PropertyKey[], origin: string): void {
    this.#origins.set(pathText(path), origin);
  }

  /** Where the value at a path, or what it stands in, was written; "" where nobody wrote it. */
  originOf(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length -= 1) {
      const origin = this.#origins.get(pathText(path.slice(0, length)));
      if (origin !== undefined) {
        return origin;
      }
    }
    return '';
  }

  wrongValue(path: readonly PropertyKey[], key: ConfigKey, given: unknown, origin: string): void {
    const name = pathText(path);
    if (this.#refused.has(name)) {
      return;
    }
    this.#refused.add(name);
    if (given === undefined) {
      this.problems.push(`${at(origin)}${name} is missing; allowed is ${key.allowed}`);
      return;
    }
    const shown = key.secret ? 'a value (not shown)' : quote(given);
    this.problems.push(`${at(origin)}${name} is given as ${shown}; allowed is ${key.allowed}`);
  }

  /** @returns whether the key is one of LiveKit's that have no effect here. */
  warnIfUnused(path: Path, origin: string): boolean {
    const name = pathText(path);
    const unused = UNUSED_KEYS.find((each) => each.path === name);
    if (unused !== undefined) {
      this.warnings.push(`${at(origin)}${name} has no effect here, because ${unused.reason}`);
    }
    return unused !== undefined;
  }

  unknownKey(path: Path, section: ConfigKey, origin: string): void {
    const name = String(path.at(-1));
    const above = pathText(path.slice(0, -1));
    const known = [...section.keys.keys()];
    const near = nearest(name, [...known, ...unusedBelow(above)]);
    const meant = near.length > 0 ? near : elsewhere(name, this.tree);
    const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}? ` : '';
    const where = above === '' ? 'at the top' : `in ${above}`;
    const text = `${at(origin)}${pathText(path)} is not a known key; ${hint}Keys ${where}: ${known.join(', ')}`;
    (this.strict ? this.problems : this.warnings).push(text);
  }
}

/** The start of a message about something written somewhere. */
export const at = (origin: string): string => (origin === '' ? '' : `${origin}: `);

function unusedBelow(above: string): string[] {
  const prefix = above === '' ? '' : `${above}.`;
  return UNUSED_KEYS.filter(({ path }) => path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length))
    .filter((rest) => !rest.includes('.'));
}

/** Where a key of just this name stands, for one that was written in the wrong section. */
function elsewhere(name: string, section: ConfigKey, prefix = ''): string[] {
  return [...section.keys].flatMap(([each, key]) => {
    const path = `${prefix}${each}`;
    return [...(each === name ? [path] : []), ...elsewhere(name, key, `${path}.`)];
  });
}

function isSection(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIndexable(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}
