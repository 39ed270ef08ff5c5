import { createHash } from 'node:crypto';
import { Stack, Token, Tokenization } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { Document, isScalar, Scalar, visit } from 'yaml';
import {
  type ConfigKey,
  configKeysSchema,
  configSchema,
  configTree,
  keyAt,
} from '../../node-image/contract';
import { revisionLine } from './user-data';
import { type Problem, Problems } from './validation';

/** Keys of sluice.yaml and their values, tokens among them. */
export interface Settings {
  readonly [key: string]: unknown;
}

/** A sluice.yaml, rendered. */
export interface RenderedSettings {
  /** YAML; tokens stand in it. */
  readonly text: string;
  /** Of the settings as they are in the template; 12 hexadecimal digits. */
  readonly revision: string;
  /** SSM's tier that takes a text so long. */
  readonly tier: 'Standard' | 'Advanced';
}

/** Hexadecimal digits. */
const REVISION_LENGTH = 12;

/** SSM takes 4 KB for nothing, and 8 KB for 0.05 USD a month. Bytes. */
const STANDARD = 4096;
const ADVANCED = 8192;

/** Both, section by section; where both have a value, that of `other`. Lists are not merged. */
export function mergeSettings(settings: Settings, other: Settings): Settings {
  const merged: Record<string, unknown> = { ...settings };
  for (const [key, value] of Object.entries(other)) {
    const before = merged[key];
    merged[key] = isSection(before) && isSection(value) ? mergeSettings(before, value) : value;
  }
  return merged;
}

/**
 * Checks settings against the node's schema and writes them as YAML. What is wrong is told on the
 * construct, all at once; where a token stands, only the keys around it are checked.
 */
export function renderSettings(scope: IConstruct, settings: Settings): RenderedSettings {
  const problems = new Problems(scope);
  for (const issue of issuesOf(settings)) problems.add(issue);
  const text = toYaml(settings);
  const size = Buffer.byteLength(`${revisionLine('x'.repeat(REVISION_LENGTH))}\n${text}`);
  problems.check(size <= ADVANCED, {
    what: 'settings',
    given: `${size} bytes of YAML`,
    allowed: `up to ${ADVANCED} bytes`,
    fix: 'announce the rest to the running cluster with `sluice config set`',
  });
  problems.report();
  // Resolved, a token is what the template says, the same each time.
  const resolved = JSON.stringify(Stack.of(scope).resolve(settings));
  const revision = createHash('sha256').update(resolved).digest('hex').slice(0, REVISION_LENGTH);
  return {
    text: `${revisionLine(revision)}\n${text}`,
    revision,
    tier: size > STANDARD ? 'Advanced' : 'Standard',
  };
}

function issuesOf(settings: Settings): Problem[] {
  const tree = configTree();
  const { value, hasTokens } = withoutTokens(settings);
  // How keys go together can be judged only where all are known.
  const schema = hasTokens ? configKeysSchema : configSchema;
  const issues = schema.safeParse(value).error?.issues ?? [];
  return [
    ...secretsIn(settings, tree),
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

/** Whoever may read a parameter reads what is in it: secrets are refused, tokens too. */
function secretsIn(value: unknown, key: ConfigKey, path: readonly string[] = []): Problem[] {
  if (key.secret) {
    return [
      {
        what: ['settings', ...path].join('.'),
        given: 'a secret (not shown)',
        allowed: 'what is no secret',
        fix: 'keep it in Secrets Manager and name it in secrets, or in the part that it belongs to',
      },
    ];
  }
  const entries = isSection(value) || Array.isArray(value) ? Object.entries(value) : [];
  return entries.flatMap(([name, each]) => {
    const inner = keyAt(key, [name]);
    return inner ? secretsIn(each, inner, [...path, name]) : [];
  });
}

/** The settings with every token left out, so that the default stands in its place. */
function withoutTokens(value: unknown): { value: unknown; hasTokens: boolean } {
  if (Token.isUnresolved(value)) return { value: undefined, hasTokens: true };
  if (Array.isArray(value)) {
    const parts = value.map(withoutTokens);
    return {
      value: parts.map((part) => part.value).filter((part) => part !== undefined),
      hasTokens: parts.some((part) => part.hasTokens),
    };
  }
  if (!isSection(value)) return { value, hasTokens: false };
  const parts = Object.entries(value).map(([key, each]) => ({ key, ...withoutTokens(each) }));
  return {
    value: Object.fromEntries(
      parts.filter((part) => part.value !== undefined).map((part) => [part.key, part.value]),
    ),
    hasTokens: parts.some((part) => part.hasTokens),
  };
}

/** YAML in which a token's value stays what it is: text in quotes, a number without. */
function toYaml(settings: Settings): string {
  const document = new Document(settings, { aliasDuplicateObjects: false });
  visit(document, (_key, node) => {
    if (!isScalar(node) || !Token.isUnresolved(node.value)) return undefined;
    const isNumber = typeof node.value === 'number';
    // In its place: a node that is put there instead would be visited again.
    if (isNumber) node.value = Tokenization.stringifyNumber(node.value as number);
    node.type = isNumber ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
    return undefined;
  });
  return document.toString({ lineWidth: 0 });
}

function isSection(value: unknown): value is Settings {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !Token.isUnresolved(value)
  );
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
