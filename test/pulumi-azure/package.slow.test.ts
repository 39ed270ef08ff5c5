/** The package as a stranger has it: installed into an empty project, it compiles and deploys. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runnable } from '../docs/support/pages';
import { PulumiProject } from './support/engine/pulumi-project';

const REPOSITORY = join(__dirname, '../..');
const ROOT_MANIFEST = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
const MANIFEST = JSON.parse(readFileSync(join(REPOSITORY, 'pulumi-azure/package.json'), 'utf8'));

/** The blocks of docs/azure.md that go into a program of yours. */
const SNIPPETS = runnable('ts')
  .map(({ text }) => text)
  .filter((text) => text.includes("'@sluice/pulumi-azure'"));

const files = SNIPPETS.map((_, index) => `snippet-${index}.ts`);

/** Pulumi.yaml of a program that was compiled. */
const settings = (index: number) => `name: stranger
runtime:
  name: nodejs
  options:
    typescript: false
main: out/snippet-${index}.js
`;

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

describe('the package, installed into an empty project', { timeout: 20 * 60_000 }, () => {
  let project = '';

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'sluice-package-'));
    run('npm', ['pack', '--pack-destination', project], join(REPOSITORY, 'pulumi-azure'));
    const [tarball = ''] = readdirSync(project).filter((name) => name.endsWith('.tgz'));
    const peers = Object.keys(MANIFEST.peerDependencies);
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({
        name: 'stranger',
        private: true,
        dependencies: {
          '@sluice/pulumi-azure': `file:${tarball}`,
          ...Object.fromEntries(peers.map((name) => [name, MANIFEST.devDependencies[name]])),
        },
        devDependencies: {
          '@types/node': ROOT_MANIFEST.devDependencies['@types/node'],
          typescript: ROOT_MANIFEST.devDependencies.typescript,
        },
      }),
    );
    // What compiles in packages of others is not needed here.
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
    run('npm', ['install', ...quiet], project);
    SNIPPETS.forEach((text, index) => {
      writeFileSync(join(project, `snippet-${index}.ts`), text);
    });
    writeFileSync(join(project, 'Pulumi.yaml'), settings(0));
  });

  after(() => {
    rmSync(project, { recursive: true, force: true });
    rmSync(join(REPOSITORY, 'pulumi-azure/dist'), { recursive: true, force: true });
  });

  for (const [what, options] of [
    ['nodenext', ['--module', 'nodenext']],
    [
      'the older CommonJS',
      ['--module', 'commonjs', '--moduleResolution', 'node10', '--ignoreDeprecations', '6.0'],
    ],
  ] as const) {
    test(`compiles with ${what}`, () => {
      const tsc = join(project, 'node_modules/typescript/bin/tsc');
      const common = [
        '--strict',
        '--target',
        'es2022',
        '--types',
        'node',
        '--skipLibCheck',
        'false',
      ];
      run(process.execPath, [tsc, ...common, ...options, '--outDir', 'out', ...files], project);
    });
  }

  test("deploys, with the node's files in a blob", () => {
    const scratch = mkdtempSync(join(tmpdir(), 'sluice-package-engine-'));
    const pulumi = new PulumiProject(scratch, project);
    try {
      pulumi.must('stack', 'init', 'meet');
      pulumi.must('config', 'set', 'azure-native:location', 'westeurope');
      const planned = pulumi.preview();
      assert.ok(planned.length > 40 && planned.every(({ op }) => op === 'create'));
      pulumi.must('up', '--yes', '--skip-preview');
      assert.equal(pulumi.must('stack', 'output', 'url').trim(), 'https://meet.example.com');
      const [blob] = pulumi.state().filter(({ type }) => type === 'azure-native:storage:Blob');
      const inBlob = Object.keys(filesOf(blob?.inputs?.['source']));
      for (const file of [
        'package.json',
        'package-lock.json',
        'LICENSE',
        'scripts/lib/worker-build.mjs',
        'node-image/lifecycle/main.ts',
        'node-image/image/install.sh',
        'node-image/console/dist/index.html',
      ]) {
        assert.ok(inBlob.includes(file), `${file} is not in the blob`);
      }
      for (const index of SNIPPETS.keys()) {
        writeFileSync(join(project, 'Pulumi.yaml'), settings(index));
        pulumi.must('up', '--yes', '--skip-preview');
      }
      pulumi.must('destroy', '--yes', '--skip-preview');
      assert.deepEqual(pulumi.azure.read(), {});
    } finally {
      pulumi.close();
    }
  });

  test('brings nothing of Azure that the project has not asked for', () => {
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(project, 'node_modules/@sluice/pulumi-azure/package.json'), 'utf8'),
    );
    assert.deepEqual(Object.keys(dependencies).sort(), ['@pulumi/random', 'yaml', 'zod']);
    assert.deepEqual(Object.keys(peerDependencies).sort(), [
      '@pulumi/azure-native',
      '@pulumi/pulumi',
    ]);
    assert.ok(!existsSync(join(project, 'node_modules/@sluice/pulumi-azure/node_modules/@pulumi')));
  });
});

/** The files of an archive, as the state has it. Source: the engine's protocol, assets. */
function filesOf(archive: unknown): Readonly<Record<string, unknown>> {
  if (typeof archive !== 'object' || archive === null || !('assets' in archive)) return {};
  return archive.assets as Record<string, unknown>;
}
