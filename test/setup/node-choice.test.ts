import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionAtLeast } from '../../scripts/lib/host.mjs';
import { chooseNode } from '../../scripts/lib/node-choice.mjs';

const root = '/srv/sluice';
const bundled = { kind: 'bundled', path: '/srv/sluice/node_modules/node/bin/node' };

test("takes the system's Node from 22.12 on", () => {
  for (const version of ['v22.12.0', 'v22.20.1', 'v24.1.0', 'v100.0.0']) {
    const choice = chooseNode({ root, version, execPath: '/usr/bin/node' });
    assert.deepEqual(choice, { kind: 'system', path: '/usr/bin/node' });
  }
});

test("takes the packages' Node where the system's is too old", () => {
  for (const version of ['v20.20.2', 'v22.11.9', 'v22.2.0']) {
    assert.deepEqual(chooseNode({ root, version, execPath: '/usr/bin/node' }), bundled);
  }
});

test("stays with the packages' Node once npm runs the scripts on it", () => {
  assert.deepEqual(chooseNode({ root, version: 'v24.21.0', execPath: bundled.path }), bundled);
});

test('compares versions by number, with missing parts as zero', () => {
  assert.equal(versionAtLeast('22.9.0', '22.12'), false);
  assert.equal(versionAtLeast('22.12.0', '22.12'), true);
  assert.equal(versionAtLeast('23', '22.12'), true);
  assert.equal(versionAtLeast('22', '22.12'), false);
});
