import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pulumiVersion, RECIPE, recipeHash } from '../../scripts/lib/pulumi-cli.mjs';

const goMod = readFileSync(path.join(RECIPE, 'go.mod'), 'utf8');

test('the Pulumi of tests is of one version, all of whose modules have a checksum', () => {
  assert.match(pulumiVersion(goMod), /^v3\.\d+\.\d+$/);
  const sums = readFileSync(path.join(RECIPE, 'go.sum'), 'utf8');
  const required = [...goMod.matchAll(/^\t(\S+) (v\S+)/gm)];
  assert.ok(required.length > 100, String(required.length));
  const replaced = [...goMod.matchAll(/^replace (\S+)/gm)].map(([, name]) => name);
  for (const [, name, version] of required) {
    if (replaced.includes(name)) continue;
    assert.ok(sums.includes(`${name} ${version}/go.mod h1:`), `${name} ${version}`);
  }
});

test('another recipe is another Pulumi', () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'sluice-recipe-'));
  try {
    cpSync(RECIPE, copy, { recursive: true });
    const same = recipeHash(copy);
    assert.equal(same, recipeHash(RECIPE));
    writeFileSync(path.join(copy, 'left-out/s3blob.txt'), 'package s3blob // changed\n');
    assert.notEqual(recipeHash(copy), same);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test('a recipe without Pulumi is refused', () => {
  assert.throws(() => pulumiVersion('module x\n'), /does not name github\.com\/pulumi/);
});
