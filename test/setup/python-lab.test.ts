import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AGENTS_PYTHON, AWS_LAB, labFolder, PYTHON_SDK } from '../../scripts/lib/python-lab.mjs';

for (const [lab, first] of [
  [AWS_LAB, 'moto==5.2.5'],
  [PYTHON_SDK, 'livekit==1.2.1'],
  [AGENTS_PYTHON, 'livekit-agents==1.8.9'],
] as const) {
  const requirements = readFileSync(lab.requirements, 'utf8');

  test(`pins every package of ${lab.name} to one version`, () => {
    const lines = requirements.trim().split('\n');
    assert.ok(lines.includes(first));
    for (const line of lines) assert.match(line, /^[\w.-]+==[\w.]+$/);
  });

  test(`keeps ${lab.name} of other versions apart`, () => {
    const folder = labFolder('/cache', lab, requirements);
    assert.match(folder, new RegExp(`^/cache/${lab.name}-[0-9a-f]{12}$`));
    assert.equal(labFolder('/cache', lab, requirements), folder);
    assert.notEqual(labFolder('/cache', lab, requirements.replace(first, `${first}.1`)), folder);
  });
}
