import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dependencyStamp,
  installedMatchesLock,
  missingOptional,
} from '../../scripts/lib/stamp.mjs';

const input = {
  lockfile: '{}',
  platform: 'linux',
  arch: 'x64',
  nodeKind: 'system',
  nodeVersion: 'v22.12.0',
} as const;

test('the stamp changes with the lockfile, the platform and the Node that will be used', () => {
  const stamps = new Set([
    dependencyStamp(input),
    dependencyStamp({ ...input, lockfile: '{ }' }),
    dependencyStamp({ ...input, platform: 'darwin' }),
    dependencyStamp({ ...input, arch: 'arm64' }),
    dependencyStamp({ ...input, nodeVersion: 'v24.0.0' }),
    dependencyStamp({ ...input, nodeKind: 'bundled' }),
  ]);
  assert.equal(stamps.size, 6);
});

test('the stamp stays the same between minor versions of Node, and whichever Node is not used', () => {
  assert.equal(dependencyStamp(input), dependencyStamp({ ...input, nodeVersion: 'v22.30.1' }));
  assert.equal(
    dependencyStamp({ ...input, nodeKind: 'bundled', nodeVersion: 'v20.20.2' }),
    dependencyStamp({ ...input, nodeKind: 'bundled', nodeVersion: 'v24.21.0' }),
  );
});

const lock = {
  packages: {
    '': { version: '0.1.0' },
    'node-image': { version: '0.1.0' },
    'node_modules/@sluice/node': { link: true },
    'node_modules/ws': { version: '8.0.0' },
    'node-image/node_modules/pino': { version: '10.4.0' },
    'node_modules/fsevents': { version: '2.0.0', optional: true },
  },
};
const installed = {
  packages: {
    'node_modules/@sluice/node': { link: true },
    'node_modules/ws': { version: '8.0.0' },
    'node-image/node_modules/pino': { version: '10.4.0' },
  },
};

test('a tree that somebody else installed is kept when it holds what the lockfile asks for', () => {
  assert.equal(installedMatchesLock(lock, installed), true);
});

test('a tree is installed again when there is none, or a package misses or has another version', () => {
  assert.equal(installedMatchesLock(lock, undefined), false);
  assert.equal(installedMatchesLock(lock, { packages: {} }), false);
  const older = { packages: { ...installed.packages, 'node_modules/ws': { version: '7.0.0' } } };
  assert.equal(installedMatchesLock(lock, older), false);
});

test('an optional dependency that the lockfile lost is named', () => {
  const optionalDependencies = { 'cli-linux': '1.0.0', 'cli-darwin': '1.0.0' };
  const packages = {
    '': {},
    'node-image/node_modules/cli': { optionalDependencies },
    'node-image/node_modules/cli-linux': { version: '1.0.0' },
  };
  const from = 'node-image/node_modules/cli';
  assert.deepEqual(missingOptional({ packages }), [{ from, name: 'cli-darwin', range: '1.0.0' }]);
  const whole = { ...packages, 'node_modules/cli-darwin': { version: '1.0.0' } };
  assert.deepEqual(missingOptional({ packages: whole }), []);
});
