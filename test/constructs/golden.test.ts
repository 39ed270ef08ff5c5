/**
 * The shipped stacks are what the golden files say, and updates to them replace nothing unnamed.
 *
 * At a release the golden templates are copied to released/, and replacements.json is emptied. Until
 * then it names, by stack and logical id, what an update replaces, and why that is right.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  assertGolden,
  GOLDEN,
  logicalIds,
  normalised,
  parseTemplate,
  readGolden,
  type TemplateJson,
} from './support/golden';
import { broken } from './support/invariants';
import { type CreateOnly, replacements, STATEFUL } from './support/replacements';
import { SHIPPED, shippedTemplate } from './support/shipped';

const createOnly: CreateOnly = JSON.parse(readFileSync(join(GOLDEN, 'create-only.json'), 'utf8'));
/** By stack: what an update from the released template replaces, and why that is right. */
const NAMED: Record<string, Record<string, string>> = JSON.parse(
  readFileSync(join(GOLDEN, 'replacements.json'), 'utf8'),
);

for (const name of SHIPPED) {
  describe(name, () => {
    const template = shippedTemplate(name);

    test('is the golden template', () => {
      assertGolden(`${name}.template.yaml`, normalised(template));
    });

    test('has the resources by the same names', () => {
      assertGolden(`logical-ids/${name}.txt`, logicalIds(template));
    });

    test('keeps every rule', () => {
      assert.deepEqual(broken(template), []);
    });

    test('replaces on update from the last release what is named, and nothing that keeps state', () => {
      const before = readGolden(`released/${name}.template.yaml`);
      const after: TemplateJson = parseTemplate(normalised(template));
      const found = replacements(before, after, createOnly);
      const stateful = found.filter(({ type }) => STATEFUL.includes(type));
      assert.deepEqual(stateful, []);
      assert.deepEqual(
        found.map(({ id }) => id),
        Object.keys(NAMED[name] ?? {}).sort((a, b) => a.localeCompare(b)),
        JSON.stringify(found, null, 1),
      );
    });
  });
}

test('what can be set at creation only is known for every type', () => {
  const types = new Set(
    SHIPPED.flatMap((name) =>
      Object.values(readGolden(`${name}.template.yaml`).Resources).map(({ Type }) => Type),
    ),
  );
  for (const type of types) {
    if (type.startsWith('Custom::')) continue;
    assert.ok(Object.hasOwn(createOnly, type), `${type}: write create-only.json anew`);
  }
});
