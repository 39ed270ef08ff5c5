/** What both clouds do with the settings of a deployment before they write sluice.yaml. Pure. */
import { configKeysSchema, configSchema } from './config-schema';
import { type ConfigKey, configTree, keyAt } from './config-tree';
import type { Problem } from './input-problems';

/** Keys of sluice.yaml and their values; some may be known only once a deployment runs. */
export interface Settings {
  readonly [key: string]: unknown;
}

/** How a cloud looks at settings. */
export interface SettingsRules {
  /** Whether a value is known only once the deployment runs; it trips no check. */
  readonly isUnknown: (value: unknown) => boolean;
  /** Where secrets belong instead: `Secrets Manager`. */
  readonly secretStore: string;
}

/** Both, section by section; where both have a value, that of `other`. Lists are not merged. */
export function mergeSettings(settings: Settings, other: Settings): Settings {
  const merged: Record<string, unknown> = { ...settings };
  for (const [key, value] of Object.entries(other)) {
    const before = merged[key];
    merged[key] = isSection(before) && isSection(value) ? mergeSettings(before, value) : value;
  }
  return merged;
}

/** All that is wrong with settings by the node's schema; around what is unknown, the keys alone. */
export function settingsProblems(settings: Settings, rules: SettingsRules): Problem[] {
  const tree = configTree();
  const { value, hasUnknown } = withoutUnknown(settings, rules.isUnknown);
  // How keys go together can be judged only where all are known.
  const schema = hasUnknown ? configKeysSchema : configSchema;
  const issues = schema.safeParse(value).error?.issues ?? [];
  return [
    ...secretsIn(settings, tree, rules),
    ...issues.flatMap((issue): Problem[] => {
      const key = keyAt(tree, issue.path);
      if (key?.secret) return [];
      const what = ['settings', ...issue.path].join('.');
      if (issue.code === 'unrecognized_keys') {
        const names = issue.keys.join(', ');
        return [unusable(what, `the unknown ${plural('key', issue.keys)} ${names}`, keysOf(key))];
      }
      const allowed = issue.code === 'custom' || !key ? lowerFirst(issue.message) : key.allowed;
      return [unusable(what, JSON.stringify(at(value, issue.path)), allowed)];
    }),
  ];
}

const unusable = (what: string, given: string, allowed: string): Problem => ({
  what,
  given,
  allowed,
  fix: 'see sluice.sample.yaml for every key and what it takes',
});

const plural = (word: string, things: readonly unknown[]) =>
  things.length === 1 ? word : `${word}s`;

const keysOf = (key: ConfigKey | undefined) =>
  key?.kind === 'section' ? `one of ${[...key.keys.keys()].join(', ')}` : 'a key of sluice.yaml';

/** Whoever may read a configuration reads what is in it: secrets are refused, unknown ones too. */
function secretsIn(
  value: unknown,
  key: ConfigKey,
  rules: SettingsRules,
  path: readonly string[] = [],
): Problem[] {
  if (key.secret) {
    return [
      {
        what: ['settings', ...path].join('.'),
        given: 'a secret (not shown)',
        allowed: 'what is no secret',
        fix: `keep it in ${rules.secretStore} and name it in secrets, or in the part that it belongs to`,
      },
    ];
  }
  const isList = Array.isArray(value) && !rules.isUnknown(value);
  const entries = isSection(value) || isList ? Object.entries(value) : [];
  return entries.flatMap(([name, each]) => {
    const inner = keyAt(key, [name]);
    return inner ? secretsIn(each, inner, rules, [...path, name]) : [];
  });
}

/** The settings with all that is unknown left out, so that the default stands in its place. */
function withoutUnknown(
  value: unknown,
  isUnknown: SettingsRules['isUnknown'],
): { value: unknown; hasUnknown: boolean } {
  if (isUnknown(value)) return { value: undefined, hasUnknown: true };
  if (Array.isArray(value)) {
    const parts = value.map((each) => withoutUnknown(each, isUnknown));
    return {
      value: parts.map((part) => part.value).filter((part) => part !== undefined),
      hasUnknown: parts.some((part) => part.hasUnknown),
    };
  }
  if (!isSection(value)) return { value, hasUnknown: false };
  const parts = Object.entries(value).map(([key, each]) => ({
    key,
    ...withoutUnknown(each, isUnknown),
  }));
  return {
    value: Object.fromEntries(
      parts.filter((part) => part.value !== undefined).map((part) => [part.key, part.value]),
    ),
    hasUnknown: parts.some((part) => part.hasUnknown),
  };
}

/** A section is a plain object: what stands for a value that a cloud will know has a class. */
function isSection(value: unknown): value is Settings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (found, step) => (isSection(found) || Array.isArray(found) ? Reflect.get(found, step) : found),
    value,
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
