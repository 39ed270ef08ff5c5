import { createHash } from 'node:crypto';
import { Stack, Token, Tokenization } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { Document, isScalar, Scalar, visit } from 'yaml';
import { type Settings, type SettingsRules, settingsProblems } from '../../node-image/contract';
import { revisionLine } from './user-data';
import { Problems } from './validation';

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

/**
 * Checks settings against the node's schema and writes them as YAML. What is wrong is told on the
 * construct, all at once; where a token stands, only the keys around it are checked.
 */
export function renderSettings(scope: IConstruct, settings: Settings): RenderedSettings {
  const problems = new Problems(scope);
  for (const each of settingsProblems(settings, RULES)) problems.add(each);
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

const RULES: SettingsRules = {
  isUnknown: (value) => Token.isUnresolved(value),
  secretStore: 'Secrets Manager',
};

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
