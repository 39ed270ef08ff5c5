import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { labFolder, REQUIREMENTS } from '../../scripts/lib/aws-lab.mjs';

const requirements = readFileSync(REQUIREMENTS, 'utf8');

test('pins every package of the local AWS to one version', () => {
  const lines = requirements.trim().split('\n');
  assert.ok(lines.includes('moto==5.2.5'));
  for (const line of lines) assert.match(line, /^[\w.-]+==[\w.]+$/);
});

test('keeps the local AWS for other versions apart', () => {
  const folder = labFolder('/cache', requirements);
  assert.match(folder, /^\/cache\/aws-lab-[0-9a-f]{12}$/);
  assert.equal(labFolder('/cache', requirements), folder);
  assert.notEqual(labFolder('/cache', requirements.replace('moto==5.2.5', 'moto==5.2.6')), folder);
});
