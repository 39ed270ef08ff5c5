import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AGENTS_JS, agentsFolder } from '../../scripts/lib/agents-js.mjs';

const lockfile = readFileSync(`${AGENTS_JS}/package-lock.json`, 'utf8');

test("pins LiveKit's agents for Node.js to one version, with all that they need", () => {
  const { dependencies } = JSON.parse(readFileSync(`${AGENTS_JS}/package.json`, 'utf8'));
  const { packages } = JSON.parse(lockfile);
  assert.deepEqual(packages[''].dependencies, dependencies);
  for (const version of Object.values(dependencies)) assert.match(String(version), /^[\d.]+$/);
});

test('keeps other versions of them apart', () => {
  const folder = agentsFolder('/cache', lockfile);
  assert.match(folder, /^\/cache\/agents-js-[0-9a-f]{12}$/);
  assert.notEqual(agentsFolder('/cache', `${lockfile} `), folder);
});
