/** The package as a stranger has it: installed into an empty project, it compiles and synthesizes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const REPOSITORY = join(__dirname, '../..');
const ROOT_MANIFEST = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
const MANIFEST = JSON.parse(readFileSync(join(REPOSITORY, 'constructs/package.json'), 'utf8'));

/** The block of README.md that defines a stack. */
function stackOfReadme(): string {
  const text = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  const found = blocks.find((block) => block.includes('@sluice/constructs'));
  assert.ok(found, 'README.md has no block with @sluice/constructs');
  return found;
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    // As the CDK CLI does: the app is synthesized when it has been defined.
    env: {
      ...process.env,
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_VALIDATION: 'false',
      CDK_OUTDIR: 'cdk.out',
    },
  });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

describe('the package, installed into an empty project', () => {
  let project = '';

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'sluice-package-'));
    run('npm', ['pack', '--pack-destination', project], join(REPOSITORY, 'constructs'));
    const [tarball = ''] = readdirSync(project).filter((name) => name.endsWith('.tgz'));
    const { devDependencies } = MANIFEST;
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({
        name: 'stranger',
        private: true,
        dependencies: { '@sluice/constructs': `file:${tarball}`, ...devDependencies },
        devDependencies: {
          '@types/node': ROOT_MANIFEST.devDependencies['@types/node'],
          typescript: ROOT_MANIFEST.devDependencies.typescript,
        },
      }),
    );
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], project);
    writeFileSync(join(project, 'app.ts'), stackOfReadme());
  });

  after(() => {
    rmSync(project, { recursive: true, force: true });
    rmSync(join(REPOSITORY, 'constructs/dist'), { recursive: true, force: true });
  });

  for (const [what, options] of [
    ['nodenext', ['--module', 'nodenext']],
    [
      'the older CommonJS',
      ['--module', 'commonjs', '--moduleResolution', 'node10', '--ignoreDeprecations', '6.0'],
    ],
  ] as const) {
    test(`compiles with ${what}, types of the library checked too`, () => {
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
      run(process.execPath, [tsc, ...common, ...options, '--outDir', 'out', 'app.ts'], project);
    });
  }

  test("synthesizes README.md's stack, with the node's files as an asset", () => {
    run(process.execPath, ['out/app.js'], project);
    const out = join(project, 'cdk.out');
    const templates = readdirSync(out).filter((name) => name.endsWith('.template.json'));
    assert.equal(templates.length, 1);
    const assets = readdirSync(out).filter((name) => name.startsWith('asset.'));
    const node = assets.find((name) => existsSync(join(out, name, 'node-image/package.json')));
    assert.ok(node, assets.join(', '));
    for (const file of [
      'package.json',
      'package-lock.json',
      'LICENSE',
      'scripts/lib/worker-build.mjs',
      'node-image/lifecycle/main.ts',
      'node-image/image/install.sh',
      'node-image/console/dist/index.html',
    ]) {
      assert.ok(existsSync(join(out, node, file)), `${file} is not in the asset`);
    }
  });

  test('brings nothing of AWS that the project has not asked for', () => {
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(project, 'node_modules/@sluice/constructs/package.json'), 'utf8'),
    );
    assert.deepEqual(Object.keys(dependencies).sort(), ['yaml', 'zod']);
    assert.deepEqual(Object.keys(peerDependencies).sort(), ['aws-cdk-lib', 'constructs']);
    assert.ok(
      !existsSync(join(project, 'node_modules/@sluice/constructs/node_modules/aws-cdk-lib')),
    );
  });
});
