/** Golden files: what the shipped apps synthesize, kept so that a change of it is seen and meant. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';

export const GOLDEN = join(__dirname, '../../golden');

/** A template of CloudFormation, as far as tests look into it. */
export interface TemplateJson {
  readonly Parameters?: Record<string, Record<string, unknown>>;
  readonly Resources: Record<string, ResourceJson>;
  readonly Outputs?: Record<string, Record<string, unknown>>;
  readonly Metadata?: Record<string, unknown>;
}

export interface ResourceJson {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly DependsOn?: string | string[];
  readonly DeletionPolicy?: string;
  readonly Metadata?: Record<string, unknown>;
  readonly [attribute: string]: unknown;
}

/** The same text for the same template, whatever is in the assets it names. */
export function normalised(template: TemplateJson): string {
  const hashless = JSON.parse(JSON.stringify(template).replace(/\b[0-9a-f]{64}\b/g, 'HASH'));
  // YAML shows scripts line by line. 1.1 is what CloudFormation and cfn-lint read.
  return stringify(hashless, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

/** A line for each resource: its logical id, which is its identity, and its type. */
export function logicalIds(template: TemplateJson): string {
  const lines = Object.entries(template.Resources).map(([id, { Type }]) => `${id} ${Type}`);
  return `${lines.sort().join('\n')}\n`;
}

/**
 * Compares with the golden file, or with SLUICE_GOLDEN=write writes it.
 *
 * @param file relative to test/golden
 */
export function assertGolden(file: string, text: string): void {
  const path = join(GOLDEN, file);
  if (process.env['SLUICE_GOLDEN'] === 'write') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return;
  }
  assert.ok(existsSync(path), `${file} is missing; ${HOW}`);
  assert.equal(text, readFileSync(path, 'utf8'), `${file} is not what is synthesized; ${HOW}`);
}

const HOW =
  'where the change is meant, write it by SLUICE_GOLDEN=write and read what changed before committing it';

export function parseTemplate(text: string): TemplateJson {
  return parse(text, { version: '1.1' });
}

/** @param file relative to test/golden */
export function readGolden(file: string): TemplateJson {
  return parseTemplate(readFileSync(join(GOLDEN, file), 'utf8'));
}
