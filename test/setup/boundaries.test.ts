/** The boundaries between folders, and the rules about promises, are what biome.json says: seeds
 * a violation of each in a copy and sees it refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const root = path.join(__dirname, '../..');
const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome');
let copy = '';

before(() => {
  // Biome reports real paths.
  copy = realpathSync(mkdtempSync(path.join(tmpdir(), 'sluice-boundaries-')));
  for (const file of ['biome.json', '.gitignore', 'tsconfig.base.json']) {
    copyFileSync(path.join(root, file), path.join(copy, file));
  }
});
after(() => rmSync(copy, { recursive: true, force: true }));

/** The rules that refuse files with these contents, by file. */
function lint(files: Record<string, string>): Map<string, Set<string>> {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    writeFileSync(path.join(copy, file), text);
  }
  const { stdout } = spawnSync(
    process.execPath,
    [biome, 'lint', '--reporter=github', '--max-diagnostics=none', ...Object.keys(files)],
    { cwd: copy, encoding: 'utf8' },
  );
  const refused = new Map(Object.keys(files).map((file) => [file, new Set<string>()]));
  for (const [, rule = '', file = ''] of stdout.matchAll(/title=lint\/(\S+?),file=([^,]+)/g)) {
    refused.get(path.relative(copy, path.resolve(copy, file)))?.add(rule);
  }
  return refused;
}

const importing = (specifier: string): string =>
  `import { x } from '${specifier}';\nexport const y = x;\n`;

/** Folder of the importing file, then what it imports. */
const FORBIDDEN = [
  ['node-image/cloud/aws', '../../lifecycle/config'],
  ['node-image/certificates', '../lifecycle/settings'],
  ['node-image/certificates', '../cloud/notices'],
  ['node-image/capacity', '../media/ports'],
  ['node-image/capacity', '../../constructs/network'],
  ['node-image/media', '../../constructs/network'],
  ['node-image/lifecycle', '../../constructs'],
  ['node-image/signaling', '../../pulumi-azure/network'],
  ['node-image/contract', '../room/errors'],
  ['node-image/contract', './../room/errors'],
  ['node-image/contract', '../../constructs/network'],
  ['node-image/contract', 'node:fs'],
  ['node-image/contract', 'yaml'],
  ['node-image/room', '../signaling/session'],
  ['node-image/room', '../api/tokens'],
  ['node-image/room/deeper', '../../lifecycle/main'],
  ['node-image/room', '../cluster'],
  ['node-image/room', '../../constructs/network'],
  ['node-image/media', '../room/errors'],
  ['node-image/media/data', '../../signaling/session'],
  ['node-image/media', '../api/tokens'],
  ['node-image/media', '../lifecycle/main'],
  ['node-image/cluster', '../room/errors'],
  ['node-image/cluster', '../media/ports'],
  ['node-image/cluster', '../signaling/session'],
  ['node-image/cluster', '../api/tokens'],
  ['constructs', '../node-image/room/errors'],
  ['constructs/private', '../../node-image/media/ports'],
  ['constructs', '../pulumi-azure/network'],
  ['constructs', '@sluice/node/room/errors'],
  ['pulumi-azure', '../node-image/lifecycle/main'],
  ['pulumi-azure', '../constructs/network'],
] as const;

const ALLOWED = [
  ['node-image/contract', './config'],
  ['node-image/contract', 'zod'],
  ['node-image/room', '../media/ports'],
  ['node-image/room', '../contract/config'],
  ['node-image/room/deeper', '../errors'],
  ['node-image/media', '../contract/config'],
  ['node-image/media/data', '../ports'],
  ['node-image/capacity', '../contract'],
  ['node-image/signaling', '../room/errors'],
  ['node-image/api', '../room/errors'],
  ['node-image/lifecycle', '../signaling/session'],
  ['node-image/cluster', '../contract/config'],
  ['node-image/lifecycle', '../cluster/registry'],
  ['constructs', '../node-image/contract/config'],
  ['constructs/private', '../../node-image/contract/config'],
  ['constructs', './network'],
  ['constructs', 'aws-cdk-lib/aws-ec2'],
  ['pulumi-azure', '../node-image/contract/config'],
] as const;

test('each folder imports only what it may', () => {
  const all = [...FORBIDDEN, ...ALLOWED];
  const name = (index: number): string => `${all[index]?.[0]}/seeded-${index}.ts`;
  const refused = lint(
    Object.fromEntries(all.map(([, specifier], index) => [name(index), importing(specifier)])),
  );
  for (const [index, [folder, specifier]] of all.entries()) {
    const isRefused = refused.get(name(index))?.has('style/noRestrictedImports');
    assert.equal(isRefused, index < FORBIDDEN.length, `${folder} importing ${specifier}`);
  }
});

test('types may not cross a boundary either', () => {
  const file = 'node-image/room/type.ts';
  const refused = lint({
    [file]: "import type { X } from '../signaling/session';\nexport type Y = X;\n",
  });
  assert.ok(refused.get(file)?.has('style/noRestrictedImports'));
});

test('a promise that nobody waits for is refused', () => {
  const file = 'node-image/room/floating.ts';
  const refused = lint({
    [file]:
      'export async function later(): Promise<void> {}\nexport function now(): void {\n  later();\n}\n',
  });
  assert.ok(refused.get(file)?.has('nursery/noFloatingPromises'));
});

test('a promise taken for a truth value is refused', () => {
  const file = 'node-image/room/misused.ts';
  const refused = lint({
    [file]:
      'async function ask(): Promise<boolean> {\n  return true;\n}\nexport function now(): number {\n  return ask() ? 1 : 2;\n}\n',
  });
  assert.ok(refused.get(file)?.has('nursery/noMisusedPromises'));
});

test('files that import each other are refused', () => {
  const refused = lint({
    'node-image/room/one.ts': "import { two } from './two';\nexport const one = () => two;\n",
    'node-image/room/two.ts': "import { one } from './one';\nexport const two = () => one;\n",
  });
  assert.ok(refused.get('node-image/room/one.ts')?.has('suspicious/noImportCycles'));
});
