/** cfn-lint finds nothing in the golden templates, and finds what is wrong on purpose. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GOLDEN, readGolden } from './support/golden';
import { MUTANTS, mutated } from './support/mutants';
import { SHIPPED } from './support/shipped';

const REPOSITORY = join(__dirname, '../..');

interface Found {
  readonly Filename: string;
  readonly Message: string;
  readonly Rule: { readonly Id: string };
}

function lint(files: readonly string[]): Found[] {
  const { stdout, stderr } = spawnSync(process.execPath, ['scripts/lint-templates.mjs', ...files], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.ok(stdout.trim().startsWith('['), stderr);
  return JSON.parse(stdout);
}

test('the shipped templates have no errors and no warnings', () => {
  const found = lint(SHIPPED.map((name) => join(GOLDEN, `${name}.template.yaml`)));
  assert.deepEqual(
    found.map(({ Filename, Message, Rule }) => `${Filename}: ${Rule.Id} ${Message}`),
    [],
  );
});

test('what can be set at creation only is what the schemas say', () => {
  const types = SHIPPED.flatMap((name) =>
    Object.values(readGolden(`${name}.template.yaml`).Resources).map(({ Type }) => Type),
  ).filter((type) => !type.startsWith('Custom::'));
  const { stdout } = spawnSync(process.execPath, ['scripts/create-only.mjs', ...types], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(stdout), readGolden('create-only.json'));
});

describe('cfn-lint finds', () => {
  const ofLint = MUTANTS.filter(({ checker }) => checker === 'cfn-lint');
  const template = readGolden('SluiceHighAvailability.template.yaml');
  let folder = '';
  let found: Found[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-mutants-'));
    const files = ofLint.map((mutant, index) => {
      const file = join(folder, `${index}.json`);
      writeFileSync(file, JSON.stringify(mutated(template, mutant)));
      return file;
    });
    // All at once: it takes longer to start than to look.
    found = lint(files);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [index, { what }] of ofLint.entries()) {
    test(what, () => {
      assert.ok(
        found.some(({ Filename }) => Filename.endsWith(`/${index}.json`)),
        what,
      );
    });
  }
});
