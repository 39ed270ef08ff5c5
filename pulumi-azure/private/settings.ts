import { createHash } from 'node:crypto';
import * as pulumi from '@pulumi/pulumi';
import { stringify } from 'yaml';
import { type Settings, type SettingsRules, settingsProblems } from '../../node-image/contract';
import { Problems } from './validation';

/** Hexadecimal digits. */
const REVISION_LENGTH = 12;

/** Key Vault takes so many bytes. */
const MAX_BYTES = 25_000;

const RULES: SettingsRules = {
  isUnknown: (value) => pulumi.Output.isInstance(value) || value instanceof Promise,
  secretStore: 'Key Vault',
};

/** A sluice.yaml, rendered. */
export interface RenderedSettings {
  /** YAML; its first line says which revision it is. */
  readonly text: pulumi.Output<string>;
  /** Of the text: 12 hexadecimal digits. */
  readonly revision: pulumi.Output<string>;
}

/**
 * Checks settings against the node's schema and writes them as YAML. What is known is checked at
 * once, what is an Input in preview, where it is known by then.
 *
 * @throws RunError that names all that is wrong.
 */
export function renderSettings(name: string, settings: Settings): RenderedSettings {
  report(name, settings);
  const text = pulumi.output(settings).apply((known) => {
    report(name, known as Settings);
    return stringify(known, { lineWidth: 0, aliasDuplicateObjects: false });
  });
  const revision = text.apply((yaml) =>
    createHash('sha256').update(yaml).digest('hex').slice(0, REVISION_LENGTH),
  );
  return { text: pulumi.interpolate`${revisionLine(revision)}\n${text}`, revision };
}

function revisionLine(revision: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi.interpolate`# Revision ${revision}`;
}

function report(name: string, settings: Settings): void {
  const problems = new Problems(name);
  for (const each of settingsProblems(settings, RULES)) problems.add(each);
  const size = Buffer.byteLength(stringify(withoutOutputs(settings)));
  problems.check(size <= MAX_BYTES, {
    what: 'settings',
    given: `${size} bytes of YAML`,
    allowed: `up to ${MAX_BYTES} bytes`,
    fix: 'announce the rest to the running cluster with `sluice config set`',
  });
  problems.throwIfAny();
}

/** Text in the place of what is not known yet: for the size. */
function withoutOutputs(value: unknown): unknown {
  if (RULES.isUnknown(value)) return '';
  if (Array.isArray(value)) return value.map(withoutOutputs);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withoutOutputs(each)]),
  );
}
