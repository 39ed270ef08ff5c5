import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { configSchema, configTree, leavesOf, UNUSED_KEYS } from '../../node-image/contract';

const root = resolve(__dirname, '../..');
const sample = readFileSync(resolve(root, 'node-image/sluice.sample.yaml'), 'utf8');
const manual = readFileSync(resolve(root, 'docs/configuration.md'), 'utf8');
/** `#key: value` is a key without a default; `# text` is text. */
const everyKey = sample.replace(/^(\s*)#(?=\w+:)/gm, '$1');
const tree = configTree();
const leaves = leavesOf(tree);

/** What stands in the sample, by path; what the schema says is one value stays one. */
function valuesIn(section: unknown, prefix = ''): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(section as object)) {
    const path = `${prefix}${name}`;
    if (isSection(path)) {
      for (const [inner, innerValue] of valuesIn(value, `${path}.`)) {
        values.set(inner, innerValue);
      }
    } else {
      values.set(path, value);
    }
  }
  return values;
}

const isSection = (path: string): boolean =>
  [...leaves.keys()].some((leaf) => leaf.startsWith(`${path}.`));

describe('sluice.sample.yaml', () => {
  it('holds every key of the schema, and no other', () => {
    const keys = [...valuesIn(parse(everyKey)).keys()].sort();
    assert.deepEqual(keys, [...leaves.keys()].sort());
  });

  it("holds every key's default, and comments out those that have none", () => {
    const written = valuesIn(parse(sample));
    for (const [path, key] of leaves) {
      assert.deepEqual(written.get(path), key.byDefault, path);
    }
  });

  it('is a configuration that means the defaults', () => {
    assert.deepEqual(configSchema.parse(parse(sample)), configSchema.parse({}));
    assert.equal(configSchema.safeParse(parse(everyKey)).success, true);
  });

  it('names the keys of what stands in lists', () => {
    for (const [path, { item }] of leaves) {
      for (const name of item?.keys.keys() ?? []) {
        const list = sample.indexOf(`\n  ${path.split('.').at(-1)}:`);
        // Above the list as comments, or below it as its default.
        const around = sample.slice(Math.max(0, list - 800), list + 100);
        assert.match(around, new RegExp(`\\b${name}\\b`), `${path}[].${name}`);
      }
    }
  });
});

describe('docs/configuration.md', () => {
  it('lists every LiveKit key that has no effect, with the reason', () => {
    for (const { path, reason } of UNUSED_KEYS) {
      const row = manual.split('\n').find((line) => line.includes(`\`${path}\``));
      assert.ok(row?.includes(reason), path);
    }
  });

  it('has no key both in the schema and in that list', () => {
    const both = UNUSED_KEYS.filter(({ path }) => leaves.has(path) || isSection(path));
    assert.deepEqual(both, []);
  });
});
