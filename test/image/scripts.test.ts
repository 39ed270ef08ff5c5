import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const IMAGE = join(__dirname, '../../node-image/image');
const SCRIPTS = [
  'install.sh',
  'oci.sh',
  'lib/place.sh',
  'versions.sh',
  ...readdirSync(join(IMAGE, 'bin')).map((n) => `bin/${n}`),
];

test('shellcheck has nothing to say of the scripts of the image', () => {
  const { status, stdout } = spawnSync('shellcheck', ['-x', ...SCRIPTS], {
    cwd: IMAGE,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});

test('nothing of the image is fetched over plain HTTP', () => {
  for (const name of SCRIPTS) {
    const lines = readFileSync(join(IMAGE, name), 'utf8').split('\n');
    const plain = lines.filter((line) => /http:\/\//.test(line) && !/sed -i/.test(line));
    assert.deepEqual(plain, [], name);
  }
});

const refused = (args: readonly string[], script = 'install.sh') =>
  spawnSync('bash', [join(IMAGE, script), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
  });

test('install.sh says in one sentence what is wrong with its options', () => {
  for (const [args, says] of [
    [['--colour'], /^install: There is no option --colour; --help says what there is\.$/m],
    [['--worker'], /^install: --worker needs a path after it/m],
  ] as const) {
    const { status, stderr } = refused(args);
    assert.equal(status, 1);
    assert.match(stderr, says);
  }
  assert.match(refused(['--help']).stdout, /^Usage: install\.sh/);
});

test('oci.sh says in one sentence what is wrong with its options', () => {
  for (const [args, says] of [
    [['--colour'], /^oci: There is no option --colour; --help says what there is\.$/m],
    [['--tag'], /^oci: --tag needs something after it/m],
    [['--tag', 'a b'], /^oci: An image cannot have the tag "a b"/m],
    [['--base', '/dev/null'], /^oci: There is no root in \/dev\/null: correct --base/m],
    [['--output', IMAGE, '--base', '/'], /image is there, and is no OCI layout/m],
  ] as const) {
    const { status, stderr } = refused(args, 'oci.sh');
    assert.equal(status, 1);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split('\n').length, 1);
  }
  assert.match(refused(['--help'], 'oci.sh').stdout, /^Usage: oci\.sh/);
});

test('the worker is built with the versions that its recipe names, by checksums', () => {
  const recipe = JSON.parse(readFileSync(join(IMAGE, 'worker-build/recipe.json'), 'utf8'));
  const lines = readFileSync(join(IMAGE, 'python-requirements.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    recipe.pythonPackages,
  );
  for (const line of lines) {
    assert.match(line, / --hash=sha256:[0-9a-f]{64}/);
  }
});

test('Node and npm are pinned by SHA-512, Node to the version of the project', () => {
  const versions = readFileSync(join(IMAGE, 'versions.sh'), 'utf8');
  const project = JSON.parse(readFileSync(join(IMAGE, '../../package.json'), 'utf8'));
  assert.match(versions, new RegExp(`^NODE_VERSION=${project.devDependencies.node}$`, 'm'));
  assert.equal(versions.match(/^\w+_SHA512\w*=[0-9a-f]{128}$/gm)?.length, 3);
});
