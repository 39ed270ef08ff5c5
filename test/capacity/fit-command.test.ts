import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { costsSchema } from '../../node-image/capacity/costs';
import { MEDIA, resultsOf } from './support/runs';

const ROOT = join(__dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-fit-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function benchFit(...args: string[]) {
  const command = ['--import', 'tsx', join(ROOT, 'bench', 'fit.ts'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('bench:fit makes costs of results, with what it held them against', {
  timeout: 120_000,
}, () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.equal(scripts['bench:fit'], 'node bench/fit.mjs');
  const [results, out] = [join(folder, 'bench.json'), join(folder, 'costs.json')];
  writeFileSync(results, JSON.stringify(resultsOf(MEDIA)));
  const { status, stdout, stderr } = benchFit(
    '--results',
    results,
    '--out',
    out,
    '--doubt',
    'a test',
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /validation by description, cores +\| viewers-50 +\| /);
  assert.match(stdout, /To be doubted: a test\./);
  const costs = costsSchema.parse(JSON.parse(readFileSync(out, 'utf8')));
  assert.deepEqual(costs.doubts, ['a test']);
  assert.ok(costs.calibration.microsecondsPerPacket > 0);
  assert.match(costs.versions.mediasoup, /^3\./);
  assert.ok(costs.validation.cpu.every(({ error }) => Math.abs(error) < 0.01));
});

test('bench:fit says what it lacks', { timeout: 60_000 }, () => {
  const missing = benchFit('--results', join(folder, 'none.json'));
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /there are no results to fit costs to .*: run npm run bench/);
  const other = join(folder, 'other.json');
  writeFileSync(other, '{}');
  const wrong = benchFit('--results', other);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /other\.json is no result of npm run bench/);
});
